"""Increments of stages corrected by what the equations leave in more digits.

In a stiff chain a sum of fields may hardly change while each of them turns over a million times: what rounding makes of
the large terms then stays in that sum for good, beside fields that become smaller and smaller. It is the residual that
takes the digits; what corrects the increments needs few.
"""

import numpy as np

from gmnm_pde.evolution.ordinary.stages import Linearization
from gmnm_pde.evolution.ordinary.system import System

_AMPLIFIED = 1e-11
"""Where rounding in the equations' terms may change an unknown by this part of it, there are to be more digits."""

_STEPS = 2
"""The inverse has few digits along such a direction itself."""

_MORE = 1e-18
"""Numbers that are rounded by no more than this have more digits; not every machine has them."""


def is_amplified(system: System, rounding: np.ndarray, sizes: np.ndarray) -> bool:
    """Whether rounding is to be mended, and can be.

    Args:
        system: The equations.
        rounding: What it makes of the unknowns at most, [m].
        sizes: Of these, [m].
    """
    has_more = bool(np.finfo(np.longdouble).eps < _MORE)
    return system.is_written and has_more and bool((rounding > _AMPLIFIED * sizes).any())


def refined(
    system: System,
    linearization: Linearization,
    times: np.ndarray,
    length: float,
    state: np.ndarray,
    increments: np.ndarray,
) -> np.ndarray:
    """The increments after more steps of Newton's method, [s, m].

    Args:
        system: The equations.
        linearization: Their slopes nearby, with the inverses for this length.
        times: At which the equations are evaluated, its beginning and the stages, [s + 1].
        length: How long it is.
        state: At its beginning, [m].
        increments: As they are known, [s, m].
    """
    inverse = (linearization.method.inverse / length).astype(np.longdouble)
    for _ in range(_STEPS):
        own = increments.astype(np.longdouble)
        left = system.residual(times[1:], state + own, inverse @ own).astype(float)
        change = linearization.step(left)
        if not np.isfinite(change).all():
            break
        increments = increments - change
    return increments
