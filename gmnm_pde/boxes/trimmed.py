"""Boxes in a shape of the plane: those outside are left out, and those that its boundary cuts are made smaller."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.arcs import Arc, arcs_of
from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.layout import NOWHERE, Face, Layout
from gmnm_pde.boxes.pieces import Ends, Piece, both_ways, inside, open_parts
from gmnm_pde.geometry import Domain
from gmnm_pde.geometry.region import Chart, Region

_STRICTLY = 1e-8
"""Boundary that is farther than this part of a box inside of it cuts the box."""

_SHORT = 1e-4
"""Sides of boxes beside which there is no more than this part of another box are not shared."""


@dataclass(frozen=True)
class Trimmed(CutLayout):
    """A layout of which some boxes are only partly inside the domain.

    Attributes:
        boxes: Around the part of each that is inside.
        cells: The boxes that were cut.
        pieces: By number, what the boundary left of boxes.
        domain: What they are in.
        arcs: By chart of its boundary, the parts of that in boxes that are cut.
    """

    cells: Layout = field(default_factory=lambda: Layout(()))
    pieces: dict[int, Piece] = field(default_factory=dict)
    domain: Domain | None = None
    arcs: tuple[tuple[Chart, tuple[Arc, ...]], ...] = ()

    @cached_property
    def cut(self) -> tuple[int, ...]:
        """The numbers of the boxes that the boundary cuts."""
        return tuple(sorted(self.pieces))

    def _bounded(self) -> tuple[list[Piece], list[Ends]]:
        return [self.pieces[k] for k in self.cut], [self.boxes[k] for k in self.cut]

    def samples(self, count: int) -> list[tuple[Tensor, Tensor]]:
        """On lines along the axis that the boundary is crossed along most."""
        return inside(*self._bounded(), count)

    def nodes(self, count: int, *, fresh: bool = False) -> list[tuple[Tensor, Tensor]]:
        """On lines along both axes."""
        return both_ways(*self._bounded(), count)

    def on_boundary(
        self, region: Region, chart: Chart, count: int, *, fresh: bool = False
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Gauss points on arcs."""
        for arc in self._arcs(region, chart):
            yield arc.box, *arc.spread(2 * self.halves[arc.box].prod().sqrt().item(), count)

    def _arcs(self, region: Region, chart: Chart) -> Sequence[Arc]:
        """The parts of a chart of a region in the boxes."""
        for known, arcs in self.arcs:
            if not region.predicates and known.same(chart) and known.keep is chart.keep:
                return arcs
        found = arcs_of(chart, lambda points: region.keep_on(chart, points), self.cells)
        return [arc for arc in found if arc.box in self.pieces]

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        """The faces between boxes inside the domain, and the outer ones of boxes that are not cut."""
        assert self.domain is not None
        found: list[Face] = []
        shared: list[Face] = []
        for face in self.cells.faces:
            cut = [box in self.pieces for box in (face.below, face.above) if box != NOWHERE]
            if not any(cut):
                found.append(face)
            elif not face.outer:
                shared.append(face)
        for face, parts in zip(shared, open_parts(self.domain, shared), strict=True):
            below, above = face.below, face.above
            found += [replace(face, span=(part,)) for part in parts]
            if below not in self.pieces or above not in self.pieces:
                sides = (below, NOWHERE) if below not in self.pieces else (NOWHERE, above)
                found += [Face(face.axis, face.place, (part,), *sides) for part in left_of(face.span[0], parts)]
        return tuple(found)


def left_of(span: tuple[float, float], parts: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What parts leave of a span."""
    ends = [span[0], *(end for part in parts for end in part), span[1]]
    least = _SHORT * (span[1] - span[0])
    return [(a, b) for a, b in zip(ends[::2], ends[1::2], strict=True) if b - a > least]


def trimmed(domain: Domain, boxes: Sequence[Ends]) -> tuple[Layout, list[int]]:
    """Boxes as far as they are inside of a domain in the plane, in its own coordinates, and which ones that are."""
    return trimmed_shape(domain, boxes)


def trimmed_shape(domain: Domain, boxes: Sequence[Ends]) -> tuple[Layout, list[int]]:
    """The same of boxes that may lie outside of a domain that is a box."""
    cells = Layout(tuple(boxes))
    charts = [(chart, arcs_of(chart, chart.keep, cells)) for chart in domain.boundary_charts()]
    own: dict[int, list[Arc]] = {}
    for _, arcs in charts:
        for arc in arcs:
            own.setdefault(arc.box, []).append(arc)
    cut = {number for number, arcs in own.items() if any(_cuts(arc, cells.boxes[number]) for arc in arcs)}
    middle = domain.distance(cells.middles) > 0
    kept = [number for number in range(len(cells)) if number in cut or bool(middle[number])]
    cells = Layout(tuple(cells.boxes[number] for number in kept))
    if not cut:
        return cells, kept
    new = {old: number for number, old in enumerate(kept)}
    moved = [(chart, tuple(replace(a, box=new[a.box]) for a in arcs if a.box in cut)) for chart, arcs in charts]
    pieces, ends = {}, list(cells.boxes)
    for old in sorted(cut):
        number = new[old]
        pieces[number] = Piece(domain, cells.boxes[number], tuple(own[old]))
        ends[number] = pieces[number].bounds()
    return Trimmed(tuple(ends), cells, pieces, domain, tuple(moved)), kept


def _cuts(arc: Arc, cell: Ends) -> bool:
    """Whether an arc goes through the inside of a box, or along a side that it does not lie flat on."""
    if arc.bends():
        return True
    points, ends = arc.shape(), torch.tensor(cell, dtype=torch.float64)
    near = _STRICTLY * (ends[:, 1] - ends[:, 0])
    return bool(((points > ends[:, 0] + near) & (points < ends[:, 1] - near)).all(dim=1).any())
