"""Domains of the plane that are given by triangles, with named parts of their boundary."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.marching import along_curve, sizes, spread
from gmnm_pde.geometry.region import Chart, Region
from gmnm_pde.geometry.round import read_names

_AT_ONCE = 2**22
"""Pairs of a point and an edge that are looked at together, which bounds the memory."""

_CORNER = 0.35
"""Where the boundary turns by more than this angle there is a corner, else the edges stand for a curve."""


class PlanarMesh(Domain):
    """The domain that triangles fill, such as a mesh of gmsh; ``read_mesh`` makes it from files.

    The boundary is made of the edges that one triangle alone has: it is the polygon's, not that of a curved shape which
    the triangles may stand for.

    Args:
        points: Corners, [k, 2].
        triangles: Numbers of the corners of each, [m, 3].
        groups: By name, edges of the boundary as numbers of their ends, [e, 2].
        coordinates: Names of the two coordinates.

    Attributes:
        boundaries: The named parts of the boundary, each a region for conditions.

    Raises:
        GmnmError: shapes that do not fit, triangles without area, or groups of edges that are not on the boundary.
    """

    def __init__(
        self,
        points: Any,
        triangles: Any,
        groups: Mapping[str, Any] | None = None,
        *,
        coordinates: Sequence[str] = ("x", "y"),
    ):
        self.coordinates = read_names(coordinates, 2, "PlanarMesh")
        places = torch.as_tensor(points, dtype=torch.float64)
        cells = torch.as_tensor(triangles, dtype=torch.long)
        if places.ndim != 2 or places.shape[1] != 2 or cells.ndim != 2 or cells.shape[1] != 3 or not len(cells):
            got = f"shapes {tuple(places.shape)} and {tuple(cells.shape)}"
            raise refuse("PlanarMesh(points, triangles)", expected="points [k, 2] and triangles [m, 3]", got=got)
        pieces = places[cells]
        turn = _cross(pieces[:, 1] - pieces[:, 0], pieces[:, 2] - pieces[:, 0])
        if not (turn.abs() > 0).all():
            row = int((turn == 0).nonzero()[0, 0])
            raise refuse("PlanarMesh(points, triangles)", expected="triangles with an area", got=f"none at row {row}")
        cells = torch.where((turn < 0)[:, None], cells.flip(1), cells)
        order = along_curve(places[cells])
        self._triangles, self._areas = places[cells][order], turn.abs()[order] / 2
        self.area = self._areas.sum().item()
        ends = _outer(cells)
        self._edges = places[ends]
        self._owner = _groups(ends, groups or {})
        self._names = tuple(groups or {})
        self._corners = _corners(places, ends)

    def __repr__(self) -> str:
        named = f", boundaries {', '.join(self._names)}" if self._names else ""
        return f"PlanarMesh of {len(self._triangles)} triangles{named}"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        flat = self._edges.flatten(0, 1)
        return tuple(zip(flat.amin(dim=0).tolist(), flat.amax(dim=0).tolist(), strict=True))

    @property
    def boundaries(self) -> dict[str, Region]:
        """The named parts of the boundary."""
        return {name: self._region((self._chart(number, name),), name) for number, name in enumerate(self._names)}

    def distance(self, points: Tensor) -> Tensor:
        return self._nearest(points)[0].to(points)

    def vertices(self) -> tuple[tuple[float, ...], ...]:
        return self._corners

    def interior_charts(self) -> tuple[Chart, ...]:
        def embed(unit: Tensor) -> Tensor:
            return spread(self._triangles, unit, self._areas)[0].to(unit)

        return (Chart("interior", 2, self.area, embed, origin=self, tensor=False),)

    def boundary_charts(self) -> tuple[Chart, ...]:
        numbers = sorted(set(self._owner.tolist()))
        return tuple(self._chart(k, self._names[k] if k >= 0 else "the rest of the boundary") for k in numbers)

    def _chart(self, number: int, name: str) -> Chart:
        """The chart of one group of edges."""
        edges = self._edges[self._owner == number]
        lengths = sizes(edges)

        def embed(unit: Tensor) -> Tensor:
            return spread(edges, unit, lengths)[0].to(unit)

        def normal(points: Tensor) -> Tensor:
            along = self._edges[:, 1] - self._edges[:, 0]
            outward = torch.stack([along[:, 1], -along[:, 0]], dim=1)
            outward = outward / outward.norm(dim=1, keepdim=True)
            return outward[self._nearest(points)[1]].to(points)

        return Chart(name, 1, lengths.sum().item(), embed, normal, origin=self, tensor=False)

    def _nearest(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """The distance to the boundary, positive inside, [n], and the number of the nearest edge, [n]."""
        start, end = self._edges.unbind(1)
        along = end - start
        slope = torch.where(along[:, 1] == 0, torch.ones_like(along[:, 1]), along[:, 1])
        found = []
        for batch in points.detach().double().cpu().split(max(1, _AT_ONCE // len(start))):
            offset = batch[:, None] - start
            part = ((offset * along).sum(-1) / along.square().sum(-1)).clamp(0, 1)
            gap, edge = (offset - part[..., None] * along).norm(dim=-1).min(dim=1)
            crosses = (start[:, 1] > batch[:, 1, None]) != (end[:, 1] > batch[:, 1, None])
            at = start[:, 0] + (batch[:, 1, None] - start[:, 1]) / slope * along[:, 0]
            inside = (crosses & (batch[:, :1] < at)).sum(dim=1) % 2 == 1
            found.append((torch.where(inside, gap, -gap), edge))
        gaps, edges = zip(*found, strict=True) if found else ((points.new_zeros(0).double(),), (torch.zeros(0).long(),))
        return torch.cat(gaps), torch.cat(edges)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _outer(cells: Tensor) -> Tensor:
    """The edges that one triangle alone has, with the triangle on their left, [e, 2]."""
    edges = torch.cat([cells[:, [0, 1]], cells[:, [1, 2]], cells[:, [2, 0]]])
    _, place, count = edges.sort(dim=1).values.unique(dim=0, return_inverse=True, return_counts=True)
    if int(count.max()) > 2:
        raise refuse("PlanarMesh(points, triangles)", expected="at most two triangles at an edge", got=int(count.max()))
    return edges[count[place] == 1]


def _groups(ends: Tensor, groups: Mapping[str, Any]) -> Tensor:
    """The number of the group of each edge of the boundary, -1 for those of none."""
    known = {tuple(sorted(pair)): row for row, pair in enumerate(ends.tolist())}
    owner = torch.full((len(ends),), -1)
    for number, (name, edges) in enumerate(groups.items()):
        for pair in torch.as_tensor(edges).tolist():
            row = known.get(tuple(sorted(pair)))
            if row is None:
                got = f"the edge {pair} in '{name}'"
                raise refuse("PlanarMesh(groups=...)", expected="edges on the boundary", got=got)
            owner[row] = number
        if not (owner == number).any():
            raise refuse("PlanarMesh(groups=...)", expected="edges in every group", got=f"none in '{name}'")
    return owner


def _corners(places: Tensor, ends: Tensor) -> tuple[tuple[float, ...], ...]:
    """The ends of edges at which the boundary turns."""
    after = {start: end for start, end in ends.tolist()}
    found = []
    for start, middle in ends.tolist():
        end = after.get(middle)
        if end is None:
            continue
        a, b = places[middle] - places[start], places[end] - places[middle]
        angle = torch.atan2(_cross(a[None], b[None])[0], (a * b).sum())
        if abs(angle.item()) > _CORNER:
            found.append(tuple(places[middle].tolist()))
    return tuple(found)
