"""Re-entrant edges between flat sides of a solid: what surrounds them is three quarters inside."""

from dataclasses import dataclass
from itertools import pairwise, product

import torch
from torch import Tensor

from gmnm_pde.geometry.domain import Domain

_BESIDE = 1e-6
"""So far beside an edge it is looked, in parts of the extent."""

_PLACES = 5
"""Places between two planes at which it is looked; curved boundary may end an edge there."""

_QUARTERS = 4
"""Of the surroundings of an edge; of one that is re-entrant three are inside."""


@dataclass(frozen=True)
class Edge:
    """A part of a line along one coordinate.

    Attributes:
        along: The coordinate.
        place: The values of the two others, in their order.
        span: Its ends.
    """

    along: int
    place: tuple[float, float]
    span: tuple[float, float]

    @property
    def across(self) -> tuple[int, int]:
        """The two other coordinates."""
        first, second = (axis for axis in range(3) if axis != self.along)
        return first, second


def flat_places(domain: Domain) -> list[list[float]]:
    """By coordinate, the values at which a domain in space has flat sides, rising."""
    found: list[set[float]] = [set() for _ in domain.bounds]
    for chart in domain.boundary_charts():
        if chart.flat is not None:
            axis, at = chart.flat
            found[axis].add(at)
    return [sorted(own) for own in found]


def reentrant_edges(domain: Domain) -> tuple[Edge, ...]:
    """The re-entrant edges between flat sides of a domain in space on which one coordinate is fixed."""
    places = flat_places(domain)
    found: list[Edge] = []
    for along in range(3):
        first, second = (places[axis] for axis in range(3) if axis != along)
        ends = sorted({*places[along], *domain.bounds[along]})
        edges = [Edge(along, (a, b), span) for a, b, span in product(first, second, pairwise(ends))]
        if edges:
            found += [edge for edge, kept in zip(edges, _reentrant(domain, edges), strict=True) if kept]
    return tuple(found)


def _reentrant(domain: Domain, edges: list[Edge]) -> list[bool]:
    """Which of several edges along the same coordinate are re-entrant somewhere."""
    extent = max(high - low for low, high in domain.bounds)
    quarter = _BESIDE * extent * torch.tensor(list(product((-1.0, 1.0), repeat=2)), dtype=torch.float64)
    parts = (torch.arange(_PLACES, dtype=torch.float64) + 0.5) / _PLACES
    low, high = torch.tensor([edge.span for edge in edges], dtype=torch.float64).unbind(1)
    points = torch.empty(len(edges), _PLACES, _QUARTERS, 3, dtype=torch.float64)
    points[..., edges[0].along] = (low[:, None] + parts * (high - low)[:, None])[..., None]
    place = torch.tensor([edge.place for edge in edges], dtype=torch.float64)
    points[..., list(edges[0].across)] = place[:, None, None] + quarter
    inside: Tensor = domain.contains(points.reshape(-1, 3)).reshape(points.shape[:-1])
    return (inside.sum(dim=2) == _QUARTERS - 1).any(dim=1).tolist()
