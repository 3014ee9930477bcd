"""Boxes in space graded towards re-entrant edges: thin across an edge, long along it.

Solutions are singular across an edge and smooth along it. Each level puts boxes beside an edge that are a fixed part as
thick as those before, which with polynomials of rising degree gives errors that fall like a power of the levels (I.
Babuska and B. Guo, SIAM J. Math. Anal. 19, 1988). At a corner where edges meet boxes become small along all of them.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

import torch
from torch import Tensor

from gmnm_pde.geometry import Domain
from gmnm_pde.geometry.edges import Edge, reentrant_edges
from gmnm_pde.models import Partition

_RATIO = 0.15
"""How thick boxes at an edge are beside those of the level before."""

_DIGITS_WITHOUT, _MOST_AT_FIRST = 1, 3
"""Towards edges there is a level for each digit beyond so many, and at first no more than so many."""

_ROUNDING = 1e-9
"""On [-1, 1]^3, places that differ by no more are the same."""


def edges_on_unit(domain: Domain) -> tuple[Edge, ...]:
    """The re-entrant edges of a domain in space, carried to [-1, 1]^3; none of others."""
    if domain.dimension != 3 or domain.time:
        return ()

    def unit(axis: int, at: float) -> float:
        low, high = domain.bounds[axis]
        return 2 * (at - low) / (high - low) - 1

    return tuple(
        replace(
            edge,
            place=tuple(unit(axis, at) for axis, at in zip(edge.across, edge.place, strict=True)),
            span=tuple(unit(edge.along, at) for at in edge.span),
        )
        for edge in reentrant_edges(domain)
    )


def levels_at_edges(tol: float) -> int:
    """How often boxes at edges are divided at first, once a solution shows that it is singular there."""
    digits = round(-math.log10(min(1e-1, max(1e-14, tol))))
    return min(_MOST_AT_FIRST, max(1, digits - _DIGITS_WITHOUT))


def toward_edges(cells: Partition, edges: Sequence[Edge], levels: int = 1) -> Partition:
    """Boxes of [-1, 1]^3 with those at edges divided across them, ``levels`` times.

    Others stay as they are: beside them thin boxes end at a part of a side.
    """
    for _ in range(levels if edges else 0):
        boxes = []
        for box, sides in zip(cells.boxes, sides_at(cells, edges).tolist(), strict=True):
            boxes += product(*(_divided(*ends, *own) for ends, own in zip(box, sides, strict=True)))
        cells = replace(cells, boxes=tuple(boxes))
    return cells


def sides_at(cells: Partition, edges: Sequence[Edge]) -> Tensor:
    """Which sides of boxes lie at an edge across them: a mask, [boxes, 3, 2], with the lower sides first."""
    found = torch.zeros(len(cells), 3, 2, dtype=torch.bool)
    for edge in edges:
        ends = torch.stack([cells.low, cells.high], dim=2)
        low, high = edge.span
        met = (cells.low[:, edge.along] <= high + _ROUNDING) & (cells.high[:, edge.along] >= low - _ROUNDING)
        at = (ends[:, edge.across] - torch.tensor(edge.place, dtype=torch.float64)[:, None]).abs() <= _ROUNDING
        met &= at.any(dim=2).all(dim=1)
        found[:, edge.across] |= at & met[:, None, None]
    return found


def _divided(low: float, high: float, at_low: bool, at_high: bool) -> list[tuple[float, float]]:
    """The parts of an interval that is graded towards one of its ends, or both."""
    size = _RATIO * (high - low)
    return list(pairwise([low, *[low + size] * at_low, *[high - size] * at_high, high]))
