"""Solutions that slide: a right-hand side that jumps and pushes back to its jump from both sides.

What goes on there is no solution of the equations as they are stated, which say nothing between the two sides: steps
would cross the jump to and fro for ever, each as short as the tolerance asks.
"""

from collections.abc import Sequence

import numpy as np

from gmnm_pde.evolution.ordinary.system import System
from gmnm_pde.evolution.steps import Ended

_OFTEN = 200
"""So many crossings, one after another, are sliding."""

_SOMETIMES = 6
"""So many are, where steps cannot become shorter."""

_ASIDE, _ASIDE_AT_MOST = 10.0, 1e-3
"""Between them a solution moves aside by no more than so many times the tolerance, and this part of its size."""

_JUMP = 0.1
"""A derivative jumps where it changes by this part of it or more in one way, and back in the next."""


class Sliding:
    """How often each derivative has jumped to and fro.

    Args:
        system: The equations.
        relative: The error aimed at, relative to each unknown, [m].

    Attributes:
        suspected: What is told, if the solution may be sliding.
    """

    def __init__(self, system: System, relative: np.ndarray):
        self._system = system
        self._aside = np.minimum(_ASIDE * relative, _ASIDE_AT_MOST)
        self.begin()

    def begin(self) -> None:
        """Count anew, as after an event."""
        count = self._system.count
        self._times, self._last = np.zeros(count, dtype=int), np.zeros(count)
        self._sides = np.zeros((2, count))
        self._when, self.suspected = np.full(count, -np.inf), ""
        self._above, self._below = np.zeros(1, dtype=bool), np.zeros(1, dtype=bool)

    def took(self, ends: Sequence[tuple[float, np.ndarray, np.ndarray]], sizes: np.ndarray) -> None:
        """Notice some steps.

        Args:
            ends: Times, states and slopes at the beginning of the first and at the ends of all.
            sizes: How large unknowns are, [m].

        Raises:
            Ended: the solution slides.
        """
        if not self._system.may_jump:
            return
        slopes = np.array([own[2] for own in ends])
        change = np.diff(slopes, axis=0)
        if (change[1:] * change[:-1] < 0).any() or self._times.any():
            for before, (time, state, slope) in zip(slopes[:-1], ends[1:], strict=True):
                self._took(time, state, (before, slope), sizes)

    def _took(self, time: float, state: np.ndarray, slopes: tuple[np.ndarray, np.ndarray], sizes: np.ndarray) -> None:
        """Notice a step: the time and the state at its end, and the slopes at its beginning and its end."""
        change = (slopes[1] - slopes[0]) * self._system.differential
        jumps = np.abs(change) > _JUMP * np.maximum(*np.abs(slopes))
        if not jumps.any():
            return
        back = jumps & (change * self._last < 0)
        near = np.where(jumps, np.abs(change), 0.0) * np.minimum(time - self._when, 1e30) <= self._aside * sizes
        self._times = np.where(back & near, self._times + 1, np.where(back, 0, self._times))
        self._when = np.where(jumps & (change * self._last <= 0), time, self._when)
        self._last = np.where(jumps, change, self._last)
        self._sides = np.where(jumps, np.stack(slopes), self._sides)
        crosses = self._crosses(time, state, slopes[1])
        if crosses and self._times.max() >= _SOMETIMES:
            self.suspected = self._told(int(self._times.argmax()), state)
        if crosses and self._times.max() >= _OFTEN:
            raise Ended(time, self.suspected)

    def _crosses(self, time: float, state: np.ndarray, slope: np.ndarray) -> bool:
        """Whether derivatives jumped on both sides of a surface; True where it is not known where those are."""
        if self._system.surfaces is None:
            return True
        above = self._system.surfaces(self._system.points(np.array([time]), state[None], slope[None]))[0] > 0
        self._above, self._below = self._above | above, self._below | ~above
        return bool((self._above & self._below).any())

    def _told(self, number: int, state: np.ndarray) -> str:
        """What happens there, in words."""
        fields, unknowns = self._system.statements.problem.fields, self._system.unknowns
        member = number - number % len(unknowns)
        field, order = unknowns[number - member]
        name = fields[field] + "'" * (order + 1)
        place = ", ".join(
            f"{fields[k]}{chr(39) * order} = {value:.6g}"
            for (k, order), value in zip(unknowns, state[member:], strict=False)
        )
        low, high = sorted(self._sides[:, number])
        return (
            f"{name} jumps between {low:.3g} and {high:.3g} at {place} and pushes back from both sides: the solution "
            "slides along the jump, where the equations say nothing; smooth it, as torch.tanh(.../width) in place of a "
            "comparison or a sign, or state what holds there"
        )
