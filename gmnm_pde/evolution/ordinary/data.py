"""What of the equations depends on time explicitly: where it has jumps and kinks, and what it does between stages."""

from collections.abc import Sequence

import numpy as np

from gmnm_pde.evolution.ordinary.system import System

_GRID = 2**15
"""Times at which data are looked at."""

_STANDS_OUT = 10.0
"""A second difference larger than those nearby by this factor may be a kink or a jump."""

_OF_ACCOUNT = 1e-10
"""What is below this part of the range of the data is none."""

_MANY = 4000
"""More of them than this are noise."""

_PARTS = 8
"""Into how many parts an interval is divided to magnify it."""

_LEVELS = 28
"""How often it is magnified."""

_ROUGH, _FIRST = 8.0, 4
"""A function is smooth where its second difference falls by more than this factor at each of the first levels."""


class Data:
    """The equations with everything but the time kept fixed, at some states and many times.

    Args:
        system: The equations.
        probes: What else they ask for, some times over, [asked] each.

    Attributes:
        breaks: Where they jump or have kinks, ascending.
        spread: How far they are from their median, in the mean over all times, [rows].
    """

    def __init__(self, system: System, probes: Sequence[np.ndarray]):
        self.system = system
        start, end = system.statements.start, system.statements.end
        self.times = np.linspace(start, end, _GRID)
        found = [(fixed, _at(system, self.times, fixed)) for fixed in probes]
        found = [(fixed, own) for fixed, own in found if np.isfinite(own).all() and np.ptp(own, axis=0).any()]
        self._probes = [fixed for fixed, _ in found]
        self._values = np.stack([own for _, own in found], axis=2) if found else np.zeros((_GRID, system.rows, 0))
        self.spread = np.abs(self._values - np.median(self._values, axis=0)).mean(axis=0).max(axis=1, initial=0.0)
        every = sorted({time for fixed, own in found for time in _breaks(system, self.times, fixed, own)})
        near = 1e-9 * (end - start)
        self.breaks = tuple(time for k, time in enumerate(every) if not k or time - every[k - 1] > near)

    def missed(self, stamps: np.ndarray, start: float, length: float) -> np.ndarray | None:
        """By how much they differ in a step from the polynomial through their values at its stages, in the mean.

        Args:
            stamps: The times of the stages.
            start: When the step begins.
            length: How long it is.

        Returns:
            [rows], or None where none of the many times is in the step.
        """
        first, last = np.searchsorted(self.times, (start, start + length))
        between = slice(first + (self.times[first] == start) if first < _GRID else first, last)
        times = self.times[between]
        if len(times) < 1 or not self._probes:
            return None
        at_stages = np.stack([_at(self.system, stamps, fixed) for fixed in self._probes], axis=2)
        nodes = (stamps - start) / length
        powers = np.vander((times - start) / length, len(nodes), increasing=True)
        weights = powers @ np.linalg.inv(np.vander(nodes, len(nodes), increasing=True))
        apart = np.abs(np.tensordot(weights, at_stages, axes=1) - self._values[between])
        return apart.mean(axis=0).max(axis=1)


def look_at_data(system: System, begin: np.ndarray) -> Data | None:
    """The data of a problem; None where nothing depends on time explicitly.

    Args:
        system: The equations.
        begin: The state at the beginning, which is one of those that are kept fixed.
    """
    if not system.explicit:
        return None
    scale = np.abs(begin).max() or 1.0
    return Data(system, [system.fixed(begin), scale * (0.2 + np.random.default_rng(0).random(len(system.asked)))])


def _at(system: System, times: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """The equations at some times, with everything else fixed, [n, rows]."""
    points = np.empty((len(times), 1 + len(fixed)))
    points[:, 0], points[:, 1:] = times, fixed
    with np.errstate(all="ignore"):
        return system.evaluation.values(points)


def _breaks(system: System, times: np.ndarray, fixed: np.ndarray, values: np.ndarray) -> Sequence[float]:
    """Where data on a grid of times have jumps and kinks."""
    bend = np.abs(np.diff(values, 2, axis=0))
    size = np.ptp(values, axis=0)
    around = np.maximum(np.roll(bend, 3, axis=0), np.roll(bend, -3, axis=0))
    marked = (bend > _STANDS_OUT * around) & (bend > _OF_ACCOUNT * size) & (size > 0)
    places, rows = marked.nonzero()
    if not len(places) or len(places) > _MANY:
        return []
    low, high = times[places], times[places + 2]
    sizes, fall = [], np.zeros(len(places))
    for level in range(_LEVELS):
        parts = np.linspace(0, 1, _PARTS + 1)
        at = low[:, None] + (high - low)[:, None] * parts
        own = _at(system, at.ravel(), fixed).reshape(len(places), _PARTS + 1, -1)
        own = np.take_along_axis(own, rows[:, None, None], axis=2)[:, :, 0]
        second = np.abs(np.diff(own, 2, axis=1))
        best = second.argmax(axis=1)
        sizes.append(second.max(axis=1))
        able = (sizes[-1] > 1e-13 * size[rows]) & (high - low > 8 * np.spacing(np.abs(high)))
        low, high = (
            np.where(able, np.take_along_axis(at, best[:, None], 1)[:, 0], low),
            np.where(able, np.take_along_axis(at, best[:, None] + 2, 1)[:, 0], high),
        )
        if level == _FIRST:
            fall = sizes[0] / np.maximum(sizes[-1], 1e-300)
    rough = fall < _ROUGH**_FIRST
    return [_plain(a, b) for a, b in zip(low[rough].tolist(), high[rough].tolist(), strict=True)]


def _plain(low: float, high: float) -> float:
    """A place between two, as a short number if there is one."""
    middle = (low + high) / 2
    for digits in (6, 9, 12):
        short = float(f"{middle:.{digits}g}")
        if low - 1e-15 * abs(low) <= short <= high + 1e-15 * abs(high):
            return short
    return middle
