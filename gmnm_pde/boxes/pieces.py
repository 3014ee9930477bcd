"""The part of a shape in the plane that lies in a box which the shape's boundary cuts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from gmnm_pde.boxes.arcs import Arc
from gmnm_pde.boxes.layout import Face
from gmnm_pde.geometry import Domain
from gmnm_pde.geometry.cut_charts import pieces as kept_pieces
from gmnm_pde.geometry.gauss import line

Ends = tuple[tuple[float, float], ...]

_SITES = 65
"""Places on a line through a box at which it is tried whether they are inside."""

_EDGE = 1e-9
"""How near to the sides of the box the first and the last of these places are."""

_INSIDE = 1e-12
"""Points nearer to the boundary than this part of the extent are on it."""

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

    def direction(self) -> int:
        """The axis that most of the boundary is crossed along."""
        sizes = torch.zeros(2, dtype=torch.float64)
        for arc in self.arcs:
            points, weights = arc.nodes(8)
            sizes += weights @ arc.normals(points).abs()
        return int(sizes.argmax())

    def lines(self, count: int, along: int, start: float, end: float) -> tuple[Tensor, Tensor]:
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


def inside(
    pieces: Sequence[Piece], bounds: Sequence[Ends], count: int, across: int | None = None
) -> list[tuple[Tensor, Tensor]]:
    """By piece, points [m, 2] of Gauss' rules with about ``count`` along each side of its bounds, and weights, [m].

    Lines along an axis, by default that which the boundary is crossed along most, are cut at it; the weights sum to the
    part of the box of these bounds that the piece fills.
    """
    domains = {id(piece.domain): piece.domain for piece in pieces}
    if len(domains) > 1:
        by_number: dict[int, tuple[Tensor, Tensor]] = {}
        for own in domains.values():
            numbers = [k for k, piece in enumerate(pieces) if piece.domain is own]
            parts = inside([pieces[k] for k in numbers], [bounds[k] for k in numbers], count, across)
            by_number |= dict(zip(numbers, parts, strict=True))
        return [by_number[k] for k in range(len(pieces))]
    starts, ends, shares, owner = [], [], [], []
    for number, (piece, box) in enumerate(zip(pieces, bounds, strict=True)):
        axis = piece.direction() if across is None else across
        places, own = piece.lines(count, 1 - axis, *box[1 - axis])
        for found, end in zip((starts, ends), box[axis], strict=True):
            columns = [places, torch.full_like(places, end)]
            found.append(torch.stack(columns if axis else columns[::-1], dim=1))
        shares.append(own)
        owner += [number] * len(places)
    first, last = torch.cat(starts), torch.cat(ends)
    row, low, high = _open(pieces[0].domain, first, last, _SITES)
    unit, weights = line(count)
    span = (high - low)[:, None]
    at = (low[:, None] + span * unit)[..., None]
    points = first[row][:, None] + at * (last - first)[row][:, None]
    each = torch.cat(shares)[row][:, None] * span * weights
    sizes = torch.bincount(torch.tensor(owner)[row], minlength=len(pieces)).tolist()
    parts = zip(points.split(sizes), each.split(sizes), strict=True)
    return [(own.reshape(-1, 2), part.reshape(-1)) for own, part in parts]


def both_ways(pieces: Sequence[Piece], bounds: Sequence[Ends], count: int) -> list[tuple[Tensor, Tensor]]:
    """The same on lines along both axes, with half the weights: no thin tip of a piece is without points then."""
    ways = zip(*(inside(pieces, bounds, count, across) for across in (0, 1)), strict=True)
    return [(torch.cat([p, q]), torch.cat([v, w]) / 2) for (p, v), (q, w) in ways]


def _open(domain: Domain, starts: Tensor, ends: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The parts of segments, [n, 2] to [n, 2], inside a shape: the number of the segment, from and to, in [0, 1]."""
    sites = torch.linspace(0, 1, count, dtype=torch.float64).clamp(_EDGE, 1 - _EDGE)
    tiny = _INSIDE * max(high - low for low, high in domain.bounds)

    def depth(lines: Tensor) -> Tensor:
        return domain.distance(lines[:, :2] + lines[:, 4:] * (lines[:, 2:4] - lines[:, :2])) - tiny

    return kept_pieces(torch.cat([starts, ends], dim=1), sites, lambda lines: depth(lines) > 0, depth)


def open_parts(domain: Domain, faces: Sequence[Face]) -> list[list[tuple[float, float]]]:
    """By face, the parts of its span that lie inside a shape."""
    if not faces:
        return []
    ends = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    starts, stops = torch.stack([face.points(ends) for face in faces]).unbind(1)
    rows, firsts, lasts = _open(domain, starts, stops, 2 * _SITES)
    found: list[list[tuple[float, float]]] = [[] for _ in faces]
    for row, first, last in zip(rows.tolist(), firsts.tolist(), lasts.tolist(), strict=True):
        ((low, high),) = faces[row].span
        if last - first > _NARROWEST:
            start = low if first < 2 * _EDGE else low + (high - low) * first
            found[row].append((start, high if last > 1 - 2 * _EDGE else low + (high - low) * last))
    return found
