"""Boxes in a shape of the plane: those outside are left out, and those that its boundary cuts are made smaller."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.arcs import Arc, arcs_of
from gmnm_pde.boxes.layout import NOWHERE, Face, Layout
from gmnm_pde.boxes.pieces import Ends, Piece, inside, open_parts
from gmnm_pde.geometry import Domain
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.geometry.region import Chart

_STRICTLY = 1e-8
"""Boundary that is farther than this part of a box inside of it cuts the box."""

_SHORT = 1e-4
"""Sides of boxes beside which there is no more than this part of another box are not shared."""


_LINES = 8
"""Lines through a box for its area."""


@dataclass(frozen=True)
class Trimmed(Layout):
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
    def whole(self) -> Tensor:
        """The numbers of the boxes that are not cut."""
        return torch.tensor([k for k in range(len(self)) if k not in self.pieces], dtype=torch.long)

    @cached_property
    def shares(self) -> Tensor:
        """The part of the volume that each box has, about, [boxes]."""
        return self.volumes / self.volumes.sum()

    @cached_property
    def volumes(self) -> Tensor:
        """The volumes of the boxes, about, up to a factor, [boxes]."""
        volumes = self.halves.prod(dim=1)
        if not self.pieces:
            return volumes
        own = inside(list(self.pieces.values()), [self.boxes[k] for k in self.pieces], _LINES)
        for number, (_, weights) in zip(self.pieces, own, strict=True):
            volumes[number] *= weights.sum()
        return volumes

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
    if is_box(domain):
        return Layout(tuple(boxes)), list(range(len(boxes)))
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
