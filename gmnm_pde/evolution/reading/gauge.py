"""Fields that equations determine up to a constant at each time, as a pressure, and what fixes the constant.

Marching takes the constant as zero mean; where the problem states the value at one place, the solution is moved there.
The equation that determines such a field holds in the mean by itself, if it can hold at all: its mean is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.interpolate import make_interp_spline
from torch import Tensor

from gmnm_pde.geometry import GivenPoints
from gmnm_pde.residuals.pointwise import Placed, linearize, zero_jets
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_DEGREE = 5
"""Values given at several times are joined by splines of this degree, or less where they are few."""


@dataclass(frozen=True)
class Gauge:
    """The value of a field at one place.

    Attributes:
        field: Its number.
        place: Where, [space].
        times: At which times, ascending, [n].
        values: What the field is there then, [n].
    """

    field: int
    place: Tensor
    times: Tensor
    values: Tensor

    def at(self, times: Tensor) -> Tensor:
        """The value at some times."""
        if bool((self.values == self.values[0]).all()):
            return self.values[0].to(times).expand(len(times))
        degree = min(_DEGREE, len(self.times) - 1)
        spline = make_interp_spline(self.times.numpy(), self.values.numpy(), k=degree)
        inside = times.cpu().clamp(self.times[0], self.times[-1])
        return torch.from_numpy(spline(inside.numpy())).to(times)


def free_fields(orders: Sequence[int], terms: Sequence[Term]) -> tuple[int, ...]:
    """The fields of which equations and conditions know derivatives by space alone."""
    known = {field for term in terms if term.partner is None for field, alpha in term.trace.asked if not any(alpha)}
    return tuple(field for field, order in enumerate(orders) if not order and field not in known)


def gauge_of(problem: Problem, term: Term, axis: int, free: Sequence[int]) -> Gauge | None:
    """What a term at given points fixes of a field that is free up to a constant; None if that is not what it does."""
    if not isinstance(term.region, GivenPoints) or term.noise is not None or len(term.trace.asked) != 1:
        return None
    ((field, alpha),) = term.trace.asked
    points = term.region.points.double()
    space = [k for k in range(points.shape[1]) if k != axis]
    if any(alpha) or field not in free or not term.trace.linear or bool((points[:, space] != points[0, space]).any()):
        return None
    jets = zero_jets(term, points, len(problem.fields))
    (own,) = linearize(problem, Placed(term, Cloud(points)), points, jets, ()).values()
    values = -own.residual / own.slopes[field, alpha]
    order = points[:, axis].argsort()
    times = points[order, axis]
    return Gauge(field, points[0, space], times, values[order]) if bool((times.diff() > 0).all()) else None
