"""How far nonlinear residuals are from linear ones within the error that is estimated of a solution.

Estimates are those of the linearised equations: how much error a unit of residual makes. They hold where residuals stay
about linear as far from the solution as the error reaches. With E the estimate and q the part of the residuals that is
not linear at that distance, the error e is at most E + stability |q| (e / E)^2, which bounds it, by 2 E, as long as
k = stability |q| / E is below 1/4 (Newton and Kantorovich). Beyond that it may be anything.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

_STRAIGHT, _BOUNDED = 0.05, 0.25
"""Below the first value of k residuals are as good as linear; above the second nothing bounds the error."""

_SHORT = 0.1
"""A part of a step within which residuals are about linear."""

_ROUNDING = 1e-13
"""Differences of residuals below this part of the unknowns are rounding."""


@dataclass(frozen=True)
class Bent:
    """Nonlinear residuals at the unknowns of a solution.

    Attributes:
        residual: By all unknowns, [columns] to [rows].
        at: The unknowns.
    """

    residual: Callable[[Tensor], Tensor]
    at: Tensor

    def factor(self, direction: Tensor, sizes: Tensor, errors: Tensor, stability: float) -> float:
        """How many times larger than linearised equations say an error may be.

        Args:
            direction: The unknowns that change most for a unit of residual, [columns].
            sizes: How large they are, by field, [fields].
            errors: The estimates, by field, [fields].
            stability: The size of unknowns whose rows have the norm 1.
        """
        some = sizes > 0
        if not bool(some.any()) or not bool(errors.isfinite().all()):
            return 1.0
        length = (errors[some] / sizes[some]).min()
        step, here = length * direction, self.residual(self.at)
        up, down = (self.residual(self.at + way * step) for way in (1.0, -1.0))
        near = [self.residual(self.at + way * _SHORT * step) for way in (1.0, -1.0)]
        linear = (near[0] - near[1]) / (2 * _SHORT)
        bends = max((up - here - linear).norm().item(), (down - here + linear).norm().item())
        if bends <= _ROUNDING * self.at.norm().item():
            return 1.0
        return _factor(stability * bends / (length * sizes.norm()).item())


def _factor(k: float) -> float:
    """The least e / E with e / E = 1 + k (e / E)^2; where there is none it goes on to grow with k."""
    if not math.isfinite(k):
        return math.inf
    if k <= _STRAIGHT:
        return 1.0
    return (1 - math.sqrt(1 - 4 * k)) / (2 * k) if k <= _BOUNDED else 2 * k / _BOUNDED
