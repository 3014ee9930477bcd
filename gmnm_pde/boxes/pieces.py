"""The part of a shape in the plane that lies in a box which the shape's boundary cuts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from gmnm_pde.boxes.arcs import Arc
from gmnm_pde.geometry import Domain
from gmnm_pde.geometry.cut_charts import pieces as kept_pieces
from gmnm_pde.geometry.gauss import line

Ends = tuple[tuple[float, float], ...]

_SITES = 65
"""Places on a line through a box at which it is tried whether they are inside."""

_EDGE = 1e-9
"""How near to the sides of the box the first and the last of these places are."""

_NARROWEST = 1e-6
"""Stripes of a box that are narrower than this part of it are left out."""

_LEAST = 4
"""Lines through a stripe at least, and so many more than its part of the box asks for."""

_PAD = 1e-6
"""How much larger than the piece, in parts of the box, the box around it is made."""


@dataclass(frozen=True)
class Piece:
    """The part of a shape in a box.

    Attributes:
        domain: The shape.
        cell: The box.
        arcs: The boundary in it.
    """

    domain: Domain
    cell: Ends
    arcs: tuple[Arc, ...]

    def bounds(self) -> Ends:
        """The ends of the piece along each coordinate."""
        corners = torch.cartesian_prod(*torch.tensor(self.cell, dtype=torch.float64))
        points = torch.cat([corners[self.domain.contains(corners)], *(arc.shape() for arc in self.arcs)])
        found = []
        for axis, (low, high) in enumerate(self.cell):
            pad = _PAD * (high - low)
            least, most = points[:, axis].min().item() - pad, points[:, axis].max().item() + pad
            found.append((low if least < low + 2 * pad else least, high if most > high - 2 * pad else most))
        return tuple(found)

    def inside(self, count: int, bounds: Ends) -> tuple[Tensor, Tensor]:
        """Points [m, 2] of Gauss' rules with about ``count`` along each side of its bounds, and weights of the area.

        Lines in the direction that the boundary is crossed in most are cut at it; the weights sum to the part of the
        box of these bounds that the piece fills.
        """
        across = self._direction()
        along = 1 - across
        (start, end), (low, high) = bounds[along], bounds[across]
        places, shares = self._lines(count, along, start, end)
        sites = torch.linspace(0, 1, _SITES, dtype=torch.float64).clamp(_EDGE, 1 - _EDGE)

        def at(unit: Tensor) -> Tensor:
            columns = [unit[:, 0], low + (high - low) * unit[:, 1]]
            return torch.stack(columns if along == 0 else columns[::-1], dim=1)

        def depth(unit: Tensor) -> Tensor:
            return self.domain.distance(at(unit))

        row, first, last = kept_pieces(places[:, None], sites, lambda unit: depth(unit) > 0, depth)
        unit, weights = line(count)
        span = (last - first)[:, None]
        across_places = first[:, None] + span * unit
        both = torch.stack([places[row][:, None].expand_as(across_places), across_places], dim=2)
        return at(both.reshape(-1, 2)), (shares[row][:, None] * span * weights).reshape(-1)

    def _direction(self) -> int:
        """The axis that most of the boundary is crossed along."""
        sizes = torch.zeros(2, dtype=torch.float64)
        for arc in self.arcs:
            points, weights = arc.nodes(8)
            sizes += weights @ arc.normals(points).abs()
        return int(sizes.argmax())

    def _lines(self, count: int, along: int, start: float, end: float) -> tuple[Tensor, Tensor]:
        """Where lines go through, in stripes between the ends of arcs, and what part of the box each stands for."""
        marks = {start, end}
        for arc in self.arcs:
            places = arc.shape()[:, along]
            marks |= {places[0].item(), places[-1].item(), places.min().item(), places.max().item()}
        inner = sorted(mark for mark in marks if start <= mark <= end)
        edges, width = [inner[0]], end - start
        for mark in inner[1:]:
            if mark - edges[-1] > _NARROWEST * width:
                edges.append(mark)
        found, shares = [], []
        for low, high in pairwise(edges):
            unit, weights = line(_LEAST + math.ceil(count * (high - low) / width))
            found.append(low + (high - low) * unit)
            shares.append(weights * (high - low) / width)
        return torch.cat(found), torch.cat(shares)


def open_parts(domain: Domain, axis: int, place: float, span: tuple[float, float]) -> Sequence[tuple[float, float]]:
    """The parts of a segment, at ``place`` of a coordinate, that lie inside a shape."""
    low, high = span

    def depth(unit: Tensor) -> Tensor:
        other = low + (high - low) * unit[:, 0]
        fixed = torch.full_like(other, place)
        return domain.distance(torch.stack([fixed, other] if axis == 0 else [other, fixed], dim=1))

    sites = torch.linspace(0, 1, 2 * _SITES, dtype=torch.float64).clamp(_EDGE, 1 - _EDGE)
    tiny = 1e-12 * max(b - a for a, b in domain.bounds)
    found = kept_pieces(torch.zeros(1, 0, dtype=torch.float64), sites, lambda unit: depth(unit) > tiny, depth)
    parts = []
    for first, last in zip(*(each.tolist() for each in found[1:]), strict=True):
        if last - first > _NARROWEST:
            ends = (0.0 if first < 2 * _EDGE else first), (1.0 if last > 1 - 2 * _EDGE else last)
            parts.append(tuple(low + (high - low) * end if end < 1 else high for end in ends))
    return parts
