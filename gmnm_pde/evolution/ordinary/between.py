"""What the equations do between the stages of steps: states that a solution passes in a short time.

The polynomials of a step are known in all of it, so the equations can be evaluated along them at many places. What they
leave there is as smooth as the polynomials are; where it is not, there is something narrow in the state, such as a
reaction within half a kelvin, a window, or a peak of a table, that the stages do not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gmnm_pde.evolution.ordinary.stages import Numbers
from gmnm_pde.evolution.ordinary.system import System

_EACH = 64
"""Places in a window of a step, spread unevenly."""

_WINDOWS = 512
"""Windows in all the time; a step has its part of them, and one at least."""

_AT_ONCE = 2**16
"""No more numbers of a kind are evaluated at once."""


@dataclass(frozen=True)
class Taken:
    """A step that was taken.

    Attributes:
        start: When it begins.
        length: How long it is.
        states: At its beginning and its stages, [s + 1, m].
        inside: Between which times the equations are the same as in the step.
    """

    start: float
    length: float
    states: np.ndarray
    inside: tuple[float, float]


class Between:
    """The equations along the steps of a march.

    Args:
        system: The equations.
        method: Whose steps these are.
    """

    def __init__(self, system: System, method: Numbers):
        self.system, self.method = system, method
        self._span = system.statements.end - system.statements.start

    def unexplained(self, steps: Sequence[Taken]) -> list[np.ndarray]:
        """What of the residuals the polynomials of some steps do not explain.

        Returns:
            For each step its mean size in each of some windows of equal length, [windows, rows].
        """
        found: list[np.ndarray] = [np.empty(0)] * len(steps)
        windows = [self._windows(step.length) for step in steps]
        for own in sorted(set(windows)):
            alike = [k for k, count in enumerate(windows) if count == own]
            at_once = max(1, _AT_ONCE // (own * _EACH * self.system.count))
            for first in range(0, len(alike), at_once):
                numbers = alike[first : first + at_once]
                for k, apart in zip(numbers, self._apart([steps[k] for k in numbers], own), strict=True):
                    found[k] = apart
        return found

    def _windows(self, length: float) -> int:
        """How many windows a step has: a power of two."""
        part = _WINDOWS * length / self._span
        return 1 if part <= 1 else 1 << round(float(np.log2(part)))

    def _apart(self, steps: Sequence[Taken], windows: int) -> np.ndarray:
        """The same for steps with as many windows, [steps, windows, rows]."""
        parts, powers = _places(windows, self.method.stages)
        starts, lengths, states, inside = (np.array([getattr(s, n) for s in steps]) for n in Taken.__annotations__)
        times = np.clip(starts[:, None] + lengths[:, None] * parts, inside[:, :1], inside[:, 1:])
        coefficients = self.method.powers @ (states - states[:, :1])
        rates = coefficients[:, 1:] * (np.arange(1, states.shape[1]) / lengths[:, None])[:, :, None]
        along, slopes = states[:, :1] + powers @ coefficients, powers[:, :-1] @ rates
        count = states.shape[2]
        left = self.system.residual(times.ravel(), along.reshape(-1, count), slopes.reshape(-1, count))
        left = np.where(np.isfinite(left), left, 0.0).reshape(len(steps), len(parts), -1)
        smooth, inverse = _smooth(windows, 2 * self.method.stages)
        apart = np.abs(left - smooth @ (inverse @ (smooth.T @ left)))
        return apart.reshape(len(steps), windows, _EACH, -1).mean(axis=2)


@lru_cache(maxsize=8)
def _places(windows: int, stages: int) -> tuple[np.ndarray, np.ndarray]:
    """Places in a step of some windows, as parts of it, ascending, and their powers."""
    count = windows * _EACH
    parts = (np.arange(count) + np.random.default_rng(11).random(count)) / count
    return parts, np.vander(parts, stages + 1, increasing=True)


@lru_cache(maxsize=8)
def _smooth(windows: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """So many polynomials at the places of a step, [places, count], and the inverse of their products."""
    parts, _ = _places(windows, 1)
    smooth = np.polynomial.legendre.legvander(2 * parts - 1, count - 1)
    return smooth, np.linalg.inv(smooth.T @ smooth)
