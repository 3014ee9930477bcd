"""What the equations do between the stages of steps: states that a solution passes in a short time.

The polynomials of a step are known in all of it, so the equations can be evaluated along them at many places. What they
leave there is as smooth as the polynomials are; where it is not, there is something narrow in the state, such as a
reaction within half a kelvin, a window, or a peak of a table, that the stages do not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from gmnm_pde.evolution.ordinary.stages import Numbers
from gmnm_pde.evolution.ordinary.system import System
from gmnm_pde.evolution.within_steps.zeros import brackets_between, zero_in

_EACH = 32
"""Places in a window of a step, spread unevenly."""

_WINDOWS = 1024
"""Windows in all the time; a step has its part of them, and one at least."""

_AT_ONCE = 2**16
"""No more numbers of a kind are evaluated at once."""


class Taken(NamedTuple):
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


@dataclass(frozen=True)
class Looked:
    """What there is between the stages of a step.

    Attributes:
        unexplained: The mean size of what its polynomials do not explain in each of some windows of equal length,
            [windows, rows].
        crossed: Where it crosses surfaces on which equations jump or have kinks, as parts of it, ascending.
    """

    unexplained: np.ndarray
    crossed: np.ndarray


class Between:
    """The equations along the steps of a march.

    Args:
        system: The equations.
        method: Whose steps these are.
    """

    def __init__(self, system: System, method: Numbers):
        self.system, self.method = system, method
        self._surfaces = system.surfaces
        self._span = system.statements.end - system.statements.start

    @property
    def has_surfaces(self) -> bool:
        """Whether it is known where equations jump or have kinks."""
        return self._surfaces is not None

    def looked(self, steps: Sequence[Taken]) -> list[Looked]:
        """What there is between the stages of some steps."""
        found: dict[int, Looked] = {}
        windows = [self._windows(step.length) for step in steps]
        for own in sorted(set(windows)):
            alike = [k for k, count in enumerate(windows) if count == own]
            at_once = max(1, _AT_ONCE // (own * _EACH * self.system.count))
            for first in range(0, len(alike), at_once):
                numbers = alike[first : first + at_once]
                found |= dict(zip(numbers, self._alike([steps[k] for k in numbers], own), strict=True))
        return [found[k] for k in range(len(steps))]

    def _windows(self, length: float) -> int:
        """How many windows a step has: a power of two."""
        part = _WINDOWS * length / self._span
        return 1 if part <= 1 else 1 << round(float(np.log2(part)))

    def _alike(self, steps: Sequence[Taken], windows: int) -> list[Looked]:
        """The same for steps with as many windows."""
        parts, powers = _places(windows, self.method.stages)
        points = self._along(steps, parts, powers)
        left = self.system.residual(*(own.reshape(-1, *own.shape[2:]) for own in points))
        left = np.where(np.isfinite(left), left, 0.0).reshape(len(steps), len(parts), -1)
        smooth, inverse = _smooth(windows, 2 * self.method.stages)
        coefficients = inverse @ (smooth.T @ left)
        apart = np.abs(left - smooth @ coefficients).reshape(len(steps), windows, _EACH, -1).mean(axis=2)
        if self._surfaces is None:
            return [Looked(own, np.empty(0)) for own in apart]
        sides = self._surfaces(self.system.points(*(own.reshape(-1, *own.shape[2:]) for own in points)))
        sides = sides.reshape(len(steps), len(parts), -1)
        found = []
        for step, own, side, explained in zip(steps, apart, sides, coefficients, strict=True):
            crossed = self._crossed(step, parts, side)
            found.append(Looked(own + self._narrower(step, crossed, explained, windows), crossed))
        return found

    def _along(self, steps: Sequence[Taken], parts: np.ndarray, powers: np.ndarray) -> tuple[np.ndarray, ...]:
        """Times [steps, n], states and slopes [steps, n, m] at some parts of steps."""
        starts, lengths, states, inside = map(np.array, zip(*steps, strict=True))
        times = np.clip(starts[:, None] + lengths[:, None] * parts, inside[:, :1], inside[:, 1:])
        coefficients = self.method.powers @ (states - states[:, :1])
        rates = coefficients[:, 1:] * (np.arange(1, states.shape[1]) / lengths[:, None])[:, :, None]
        return times, states[:, :1] + powers @ coefficients, powers[:, :-1] @ rates

    def _at(self, step: Taken, parts: np.ndarray) -> tuple[np.ndarray, ...]:
        """The same of one step, [n] and [n, m]."""
        powers = np.vander(parts, self.method.stages + 1, increasing=True)
        times, states, slopes = self._along([step], parts, powers)
        return times[0], states[0], slopes[0]

    def _crossed(self, step: Taken, parts: np.ndarray, sides: np.ndarray) -> np.ndarray:
        """Where a step crosses surfaces, for their functions [places, surfaces] at some parts of it."""
        surfaces = self._surfaces
        assert surfaces is not None
        zeros: list[float] = []
        for number, seen in enumerate(sides.T):

            def values(at: np.ndarray, number: int = number) -> np.ndarray:
                return surfaces(self.system.points(*self._at(step, at)))[:, number]

            zeros += [zero_in(values, own) for own in brackets_between(values, parts, seen)]
        return np.array(sorted(zeros))

    def _narrower(self, step: Taken, crossed: np.ndarray, explained: np.ndarray, windows: int) -> np.ndarray:
        """What is between two crossings that no place lies between, [windows, rows]."""
        widths = np.diff(crossed)
        narrow = (widths < 2 / (windows * _EACH)) & (widths > 0)
        more = np.zeros((windows, explained.shape[1]))
        if narrow.any():
            middles = crossed[:-1][narrow] + widths[narrow] / 2
            smooth = np.polynomial.legendre.legvander(2 * middles - 1, len(explained) - 1)
            left = self.system.residual(*self._at(step, middles))
            apart = np.abs(np.where(np.isfinite(left), left, 0.0) - smooth @ explained)
            np.add.at(more, (middles * windows).astype(int), windows * widths[narrow, None] * apart)
        return more


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
