"""Choosing the widths of drawn components: a pattern search, on a logarithmic scale, by the validation residual."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from gmnm_pde.interruption import OutOfTime, finishing

Widths = tuple[float, ...]

_GAIN = 0.8
"""A move must lower the residual at least to this part of it, so that noise does not misdirect the search."""

_GAIN_ALONE = 0.5
"""The same for a move that makes coordinates differ, which takes a clearer gain."""


class Validated(Protocol):
    """A solution that was evaluated on held-out points."""

    @property
    def validation_residual(self) -> Any: ...


Solved = TypeVar("Solved", bound=Validated)


class WidthSearch(Generic[Solved]):
    """Solutions with different widths, of which the one with the least validation residual is wanted.

    Args:
        solve: Solves with some widths; it also gets the best solution so far as an initial guess, None at first.
        affords: Whether there is time for another solve after as many as there were; the first one is always made.

    Attributes:
        hurried: Whether the time limit kept widths from being tried.
    """

    def __init__(self, solve: Callable[[Widths, Solved | None], Solved], affords: Callable[[int], bool]):
        self._solve, self._affords = solve, affords
        self._solved: dict[Widths, Solved] = {}
        self.hurried = False

    @property
    def tried(self) -> int:
        """How many solutions there are."""
        return len(self._solved)

    def at(self, widths: Widths) -> Solved:
        """The solution with these widths."""
        self._residual(widths)
        if widths not in self._solved:  # there was no time
            return self._best
        return self._solved[widths]

    def over(self, start: Sequence[float], *, octaves: Sequence[float], by_axis: bool) -> Solved:
        """The best solution of a search that begins at ``start``; see ``search_widths``."""
        return self._solved[search_widths(self._residual, start, octaves=octaves, by_axis=by_axis)]

    @property
    def _best(self) -> Solved:
        """Of the solutions there are."""
        return min(self._solved.values(), key=lambda solution: solution.validation_residual)

    def _residual(self, widths: Widths) -> float:
        """The validation residual with some widths; infinite where there is no time to solve with them."""
        if self._solved and not self._affords(len(self._solved)):
            self.hurried = True
            return math.inf
        best = self._best if self._solved else None
        try:
            self._solved[widths] = self._solve(widths, best)
        except OutOfTime:
            if best is None:
                raise
            self.hurried = True
            return math.inf
        with finishing(anyhow=True):
            return self._solved[widths].validation_residual


def narrowed(widths: Widths, ratio: float) -> Widths:
    """Widths for ``ratio`` times as many components: slopes grow like the number of components per coordinate."""
    factor = ratio ** (1 / len(widths))
    return tuple(width * factor for width in widths)


def search_widths(
    residual: Callable[[Widths], float], start: Sequence[float], *, octaves: Sequence[float], by_axis: bool
) -> Widths:
    """The widths of least residual that moves of the given sizes reach from ``start``.

    The residual falls and rises once along each direction (too wide: nothing fine can be represented; too narrow: the
    components do not overlap), so a local search finds the minimum. All coordinates move together first, then each
    alone.

    Args:
        residual: The validation residual with some widths; called once for each of them.
        start: Where to begin.
        octaves: Sizes of moves as powers of two, tried in order: 1 doubles and halves.
        by_axis: Whether coordinates also move alone.
    """
    known: dict[Widths, float] = {}

    def value(widths: Widths) -> float:
        if widths not in known:
            known[widths] = residual(widths)
        return known[widths]

    best = tuple(float(width) for width in start)
    together = [tuple(range(len(best)))]
    alone = [(axis,) for axis in range(len(best))] if by_axis and len(best) > 1 else []
    for octave in octaves:
        for axes in (*together, *alone):
            gain = _GAIN if len(axes) == len(best) else _GAIN_ALONE
            for factor in (2.0**octave, 2.0**-octave):
                moved = _moved(best, axes, factor)
                stepped = False
                while value(moved) < gain * value(best):
                    best, stepped = moved, True
                    moved = _moved(best, axes, factor)
                if stepped:
                    break
    return best


def _moved(widths: Widths, axes: Sequence[int], factor: float) -> Widths:
    return tuple(round(w * factor, 9) if k in axes else w for k, w in enumerate(widths))
