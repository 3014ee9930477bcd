"""A domain in coordinates from 0 to 1, in which periodic ones go round."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.geometry import Domain, Region
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term


@dataclass(frozen=True)
class UnitBox:
    """A domain whose bounding box is scaled to a unit one.

    Attributes:
        domain: The domain.
        periodic: Numbers of the axes at whose ends a solution is the same.
    """

    domain: Domain
    periodic: tuple[int, ...]

    @classmethod
    def of(cls, problem: Problem) -> "UnitBox | None":
        """That of a problem; None where what ties places together is no period along an axis."""
        tied = [term for term in problem.terms if term.partner is not None]
        axes = [_axis(term) for term in tied]
        known = {axis for axis in axes if axis is not None}
        return None if None in axes else cls(problem.domain, tuple(sorted({*known, *problem.periodic})))

    @cached_property
    def _ends(self) -> tuple[Tensor, Tensor]:
        low, high = torch.tensor(self.domain.bounds, dtype=torch.float64).unbind(1)
        return low, high - low

    @property
    def extent(self) -> Tensor:
        """The lengths of the coordinates, [d]."""
        return self._ends[1]

    def scaled(self, points: Tensor) -> Tensor:
        """Points of the domain in the unit box, [n, d]."""
        return (points - self._ends[0]) / self._ends[1]

    def unscaled(self, points: Tensor) -> Tensor:
        """Points of the domain from those in the unit box, [n, d]."""
        return self._ends[0] + self.wrapped(points) * self._ends[1]

    def wrapped(self, points: Tensor) -> Tensor:
        """Points with periodic coordinates from 0 to 1, of any shape [..., d]."""
        if not self.periodic:
            return points
        points = points.clone()
        points[..., self.periodic] %= 1.0
        return points

    def contains(self, points: Tensor) -> Tensor:
        """Which points of any shape [..., d] lie in the domain."""
        return self.domain.contains(self.unscaled(points).flatten(0, -2)).reshape(points.shape[:-1])

    def depth(self, points: Tensor) -> Tensor:
        """How deep points [n, d] are in the domain, beside its shortest coordinate, negative outside: [n]."""
        return self.domain.distance(self.unscaled(points)) / self.extent.min()


def _axis(term: Term) -> int | None:
    """The axis along which a term ties a side to the opposite one; None where it ties other places."""
    flat = [chart.flat for chart in term.region.charts] if isinstance(term.region, Region) else [None]
    return flat[0][0] if len(flat) == 1 and flat[0] is not None else None
