"""Boxes in a shape of space: those outside are left out, and of those that its boundary cuts a part is solved on.

Least squares need points alone: of a box that is cut those inside the shape, and points of the boundary in it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_faces import cut_face
from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.discretization import alternating
from gmnm_pde.boxes.layout import NOWHERE, Face, Layout
from gmnm_pde.boxes.pieces import Ends
from gmnm_pde.boxes.space.surfaces import Surface, surfaces
from gmnm_pde.geometry import Domain
from gmnm_pde.geometry.region import Chart, Region
from gmnm_pde.geometry.unit import unit_points

_STRICTLY = 1e-6
"""Boundary that is farther than this part of a box inside of it cuts the box."""

_NEAR = 1.5
"""Boxes are looked at closely whose middle is nearer to the boundary than so many times half their diagonal."""

_SITES = 16
"""Places along each side of a box at which it is tried whether they are inside."""

_PARTS = 8
"""What surrounds the part of a box that is inside ends at such a part of the box's sides."""

_SLIVER, _NOTHING = 0.02, 2e-4
"""Smaller parts of a box than the first belong to a box beside it; smaller ones than the second are none."""

_MORE = 1.5
"""So many times as many points inside as polynomials at least."""

_GROWTH, _TRIES = 1.3, 10
"""With fewer there are so many times as many along each side next, and so often."""

_ON_BOUNDARY, _LEAST_ON_BOUNDARY = 2, 30
"""So many points on boundary as large as a side, for a degree p times (p + 1)^2, and as many more on any."""


@dataclass(frozen=True)
class Carved(CutLayout):
    """A layout in space of which some boxes are only partly inside the domain.

    Attributes:
        boxes: Around the part of each that is inside, by eighths of the cells.
        cells: The boxes that were cut, and after them slivers.
        cut: The numbers of the boxes that are.
        domain: What they are in.
        surfaces: The boundary.
        owners: The box that each of the cells belongs to.
    """

    cells: Layout = field(default_factory=lambda: Layout(()))
    cut: tuple[int, ...] = ()
    domain: Domain | None = None
    surfaces: tuple[Surface, ...] = ()
    owners: tuple[int, ...] = ()

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        """The faces between boxes as far as they are inside the domain, and the outer ones of boxes not cut."""
        cut, found = set(self.cut), []
        for cell in self.cells.faces:
            below, above = (NOWHERE if box == NOWHERE else self.owners[box] for box in (cell.below, cell.above))
            face = replace(cell, below=below, above=above)
            beside = [box in cut for box in (below, above) if box != NOWHERE]
            if below == above or (face.outer and any(beside)):
                continue
            found.append(cut_face(self.domain, face) if all(beside) else face)
        return tuple(face for face in found if face is not None)

    def samples(self, count: int) -> list[tuple[Tensor, Tensor]]:
        """Of a rule for the box those points that are inside."""
        return self._inside(count, alternating)

    def _inside(self, count: int, rule: Callable[[int], tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
        assert self.domain is not None
        wanted, found = _MORE * math.comb(count + 3, 3), []
        for number in self.cut:
            own = count
            for _ in range(_TRIES):
                unit, weights = rule(own)
                points = self.middles[number] + unit * self.halves[number]
                inside = self.domain.contains(points)
                if int(inside.sum()) >= wanted:
                    break
                own = math.ceil(_GROWTH * own)
            found.append((points[inside], weights[inside]))
        return found

    def nodes(self, count: int, *, fresh: bool = False) -> list[tuple[Tensor, Tensor]]:
        """The same; fresh ones are spread evenly instead."""
        return self._inside(count, _spread if fresh else alternating)

    def on_boundary(
        self, region: Region, chart: Chart, count: int, *, fresh: bool = False
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Points spread evenly, the first ones of the boundary in a box; fresh ones are the last."""
        cut = set(self.cut)
        for surface in self.surfaces:
            if not surface.chart.same(chart):
                continue
            kept = region.keep(surface.points)
            for number, rows in surface.by_box.items():
                own = rows[kept[rows]]
                if len(own) and number in cut:
                    side = 2 * self.halves[number].prod().item() ** (1 / 3)
                    share = len(own) * surface.area / side**2
                    most = _LEAST_ON_BOUNDARY + round(_ON_BOUNDARY * share * (count + 1) ** 2)
                    some = own[-most:] if fresh else own[:most]
                    yield number, surface.points[some], torch.full((len(some),), share / len(some)).double()


def _spread(count: int) -> tuple[Tensor, Tensor]:
    """Points of [-1, 1]^3 that are spread evenly, about as many as an alternating rule has."""
    points = 2 * unit_points(count**3 // 4, 3, "sobol", seed=1) - 1
    return points, points.new_full((len(points),), 1 / len(points))


def carved(domain: Domain, boxes: Sequence[Ends]) -> tuple[Layout, list[int]]:
    """Boxes as far as they are inside of a domain in space, in its own coordinates, and which ones that are.

    The last ones of these are slivers, which are no boxes of their own.
    """
    cells = Layout(tuple(boxes))
    boundary = surfaces(domain.boundary_charts(), cells)
    touched = {number for surface in boundary for number in _strictly_inside(surface, cells)}
    shares, ends = _kept(domain, cells, touched)
    merged = _merged(domain, cells, shares)
    kept = [number for number in shares if number not in merged]
    new = torch.full((len(cells),), NOWHERE)
    new[kept] = torch.arange(len(kept))
    for sliver, number in merged.items():
        new[sliver] = new[number]
        ends[number] = _united(ends[number], ends[sliver])
    order = [*kept, *merged]
    own = Layout(tuple(cells.boxes[number] for number in order))
    adopted = tuple(_adopted(surface, new, own, len(kept)) for surface in boundary)
    cut = {int(new[number]) for number in kept if shares[number] < 1 or number in merged.values()}
    cut |= {number for surface in adopted for number in _with_strays(surface, own)}
    if not cut:
        return own, order
    owners = tuple(new[order].tolist())
    return Carved(tuple(ends[k] for k in kept), own, tuple(sorted(cut)), domain, adopted, owners), order


def _kept(domain: Domain, cells: Layout, touched: set[int]) -> tuple[dict[int, float], dict[int, Ends]]:
    """By number of the cells that are not outside the part that is inside, less than 1 if cut, and its ends."""
    line = torch.linspace(-1, 1, _SITES + 1, dtype=torch.float64) * (1 - _STRICTLY)
    unit = torch.cartesian_prod(line, line, line)
    depths = domain.distance(cells.middles)
    near = (depths.abs() < _NEAR * cells.halves.norm(dim=1)).tolist()
    shares, ends = {}, {}
    for number, depth in enumerate(depths.tolist()):
        if number in touched or near[number]:
            inside = domain.contains(cells.middles[number] + unit * cells.halves[number])
            if number in touched or not bool(inside.all()):
                share = inside.double().mean().item()
                if share > _NOTHING:
                    shares[number] = min(share, 1 - _NOTHING)
                    ends[number] = _around(cells.boxes[number], unit[inside])
                continue
        if depth > 0:
            shares[number], ends[number] = 1.0, cells.boxes[number]
    return shares, ends


def _merged(domain: Domain, cells: Layout, shares: Mapping[int, float]) -> dict[int, int]:
    """By sliver, the box beside it that it belongs to: a box of the same size that shares most with it.

    No box has two, so that what surrounds it and its sliver meets no other box.
    """
    slivers = {number for number, share in shares.items() if share < _SLIVER}
    open_to: dict[int, list[tuple[float, int]]] = {number: [] for number in slivers}
    for face in cells.faces:
        beside = (face.below, face.above)
        own = slivers.intersection(beside)
        if len(own) == 1 and not face.outer:
            (sliver,) = own
            other = sum(beside) - sliver
            alike = bool((cells.halves[sliver] - cells.halves[other]).abs().max() < _STRICTLY * cells.halves.max())
            part = cut_face(domain, face)
            if alike and other in shares and part is not None:
                open_to[sliver].append((part.area, other))
    merged: dict[int, int] = {}
    for sliver in sorted(slivers, key=lambda number: shares[number]):
        free = [known for known in open_to[sliver] if known[1] not in merged.values()]
        if free:
            merged[sliver] = max(free)[1]
    return merged


def _united(first: Ends, second: Ends) -> Ends:
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(first, second, strict=True))


def _strictly_inside(surface: Surface, cells: Layout) -> list[int]:
    """The boxes that the boundary goes through the inside of."""
    there = surface.boxes != NOWHERE
    boxes, points = surface.boxes[there], surface.points[there]
    unit = ((points - cells.middles[boxes]) / cells.halves[boxes]).abs().amax(dim=1)
    return boxes[unit < 1 - _STRICTLY].unique().tolist()


def _around(cell: Ends, unit: Tensor) -> Ends:
    """The ends of a part of a box, given places inside it in [-1, 1]^3, by eighths of the box."""
    gap = 1 / _SITES
    low = ((unit.amin(dim=0) - gap + 1) / 2 * _PARTS).floor().clamp(0, _PARTS - 1) / _PARTS
    high = ((unit.amax(dim=0) + gap + 1) / 2 * _PARTS).ceil().clamp(1, _PARTS) / _PARTS
    pairs = zip(cell, low.tolist(), high.tolist(), strict=True)
    return tuple((a + (b - a) * lo if lo else a, a + (b - a) * hi if hi < 1 else b) for (a, b), lo, hi in pairs)


def _adopted(surface: Surface, new: Tensor, own: Layout, count: int) -> Surface:
    """With the numbers of the boxes that are left; points in others belong to the nearest one of these."""
    boxes = torch.where(surface.boxes == NOWHERE, NOWHERE, new[surface.boxes])
    strays = (boxes == NOWHERE).nonzero()[:, 0]
    for some in strays.split(4096):
        points, ends = surface.points[some, None], own.ends[:count]
        beyond = torch.maximum(ends[..., 0] - points, points - ends[..., 1]).clamp_min(0).norm(dim=2)
        boxes[some] = beyond.argmin(dim=1)
    return replace(surface, boxes=boxes)


def _with_strays(surface: Surface, own: Layout) -> list[int]:
    """The boxes that have boundary beyond their sides: that of a sliver beside them."""
    unit = ((surface.points - own.middles[surface.boxes]) / own.halves[surface.boxes]).abs().amax(dim=1)
    return surface.boxes[unit > 1 + _STRICTLY].unique().tolist()
