"""What the lengths of steps depend on beside the errors of steps: pressures, and fields that begin at rest."""

import math
from collections.abc import Sequence

from torch import Tensor

from gmnm_pde.evolution.transient import FASTEST

_SAFETY = 0.9
"""Of the factor by which steps change."""


def factor_of_pressures(highest: Tensor, scale: Tensor, free: Sequence[int], allowed: float, stages: int) -> float:
    """By which the next step may be longer as far as free fields between walls are concerned; 1 at least.

    They are no part of the error of steps, and polynomials through the stages show them worse than others. What these
    leave out follows from their highest coefficients, as if all of them fell by the same factor.

    Args:
        highest: The norms of the fields' highest coefficients in time, [fields].
        scale: What errors are relative to, [fields].
        free: The numbers of the free fields.
        allowed: The error that a step may make, relative to each field.
        stages: Of the method, whose polynomials are of one degree less.
    """
    left = (highest / scale)[list(free)].max().item() ** (stages / (stages - 1))
    return max(1.0, _SAFETY * (allowed / left) ** (1 / stages)) if left else math.inf


def power_of_growth(begun: float, first: float, last: float, node: float) -> float:
    """How fast a field grows that is at rest at the beginning of a step, as a power of the time; 0 of others.

    Args:
        begun: Its size at the beginning.
        first: That at the first stage.
        last: That at the end.
        node: Where the first stage is, in parts of the step.
    """
    if begun or not 0 < first < last:
        return 0.0
    return min(FASTEST, math.log(first / last) / math.log(node))
