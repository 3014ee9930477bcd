"""What of the equations depends on time explicitly: where it has jumps and kinks, and what it does between stages."""

from collections.abc import Sequence

import numpy as np

from gmnm_pde.evolution.ordinary.stages import NOISE
from gmnm_pde.evolution.ordinary.system import System

_GRID, _FEWEST = 2**15, 2**11
"""Times at which data are looked at; where there are many members, no fewer than the second number."""

_AT_ONCE = 2**21
"""So many values are kept; with more members there are fewer times."""

_STANDS_OUT = 10.0
"""A second difference larger than those nearby by this factor may be a kink or a jump."""

_OF_ACCOUNT = 1e-10
"""What is below this part of the range of the data is none."""

_ROUNDINGS = 4.0
"""And what is below so many times the rounding of the equations' terms."""

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
        probes: What else they ask for, some times over, [probes, asked].
        members: Whether each of these is of a member of its own; rows are then those of one member after another.

    Attributes:
        breaks: Where they jump or have kinks, ascending.
        spread: How far they are from their median, in the mean over all times, [rows].
    """

    def __init__(self, system: System, probes: np.ndarray, *, members: bool = False):
        self.system, self._members = system, members
        start, end = system.statements.start, system.statements.end
        count = int(np.clip(_AT_ONCE // (len(probes) * system.rows), _FEWEST, _GRID)) if members else _GRID
        self.times = np.linspace(start, end, count)
        values = _at(system, self.times, probes)
        self._varying = np.isfinite(values).all(axis=(0, 1)) & np.ptp(values, axis=0).any(axis=0)
        self._probes = probes if members else probes[self._varying]
        self._values = np.where(self._varying, values, 0.0) if members else values[:, :, self._varying]
        noise = [_ROUNDINGS * _rounding(system, self.times, own) for own in self._probes]
        self._rounding = np.array(noise).reshape(len(noise), values.shape[1]).T
        self.spread = self._joined(np.abs(self._values - np.median(self._values, axis=0)).mean(axis=0))
        each = [(probes[k], values[:, :, k]) for k in self._varying.nonzero()[0]]
        every = sorted({time for fixed, own in each for time in _breaks(system, self.times, fixed, own)})
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
        between = slice(first + (self.times[first] == start) if first < len(self.times) else first, last)
        times = self.times[between]
        if len(times) < 1 or not self._varying.any():
            return None
        at_stages = _at(self.system, stamps, self._probes)
        at_stages = np.where(self._varying, at_stages, 0.0) if self._members else at_stages
        nodes = (stamps - start) / length
        powers = np.vander((times - start) / length, len(nodes), increasing=True)
        weights = powers @ np.linalg.inv(np.vander(nodes, len(nodes), increasing=True))
        base = at_stages[0]  # terms that do not vary may be so large that what the weights lack of 1 counts
        apart = np.abs(np.tensordot(weights, at_stages - base, axes=1) - (self._values[between] - base))
        return self._joined(np.maximum(apart.mean(axis=0) - self._rounding, 0.0))

    def _joined(self, sizes: np.ndarray) -> np.ndarray:
        """Sizes of rows at each probe, [rows, probes], as those of rows."""
        return sizes.T.ravel() if self._members else sizes.max(axis=1, initial=0.0)


def look_at_data(system: System, begin: np.ndarray) -> Data | None:
    """The data of a problem; None where nothing depends on time explicitly.

    Args:
        system: The equations.
        begin: The state at the beginning, which is one of those that are kept fixed.
    """
    if not system.explicit:
        return None
    scale = np.abs(begin).max() or 1.0
    other = scale * (0.2 + np.random.default_rng(0).random(len(system.asked)))
    return Data(system, np.stack([system.fixed(begin), other]))


def look_at_members(system: System, begin: np.ndarray, constants: np.ndarray) -> Data | None:
    """The data of each of some members; None where nothing depends on time explicitly.

    Args:
        system: The equations.
        begin: Their states at the beginning, [members, m].
        constants: Of each, [members, constants].
    """
    if not system.explicit:
        return None
    draws = np.random.default_rng(0).random(len(system.asked))
    states = np.stack([system.fixed(own) for own in begin]) + 0.1 * draws
    return Data(system, np.concatenate([states, constants], axis=1), members=True)


def _at(system: System, times: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """The equations at some times, with everything else fixed as in some probes [probes, asked], [n, rows, probes]."""
    points = np.empty((len(probes), len(times), 1 + probes.shape[1]))
    points[:, :, 0], points[:, :, 1:] = times, probes[:, None]
    with np.errstate(all="ignore"):
        values = system.evaluation.values(points.reshape(-1, points.shape[2]))
    return np.moveaxis(values.reshape(len(probes), len(times), -1), 0, 2)


def _breaks(system: System, times: np.ndarray, fixed: np.ndarray, values: np.ndarray) -> Sequence[float]:
    """Where data on a grid of times have jumps and kinks."""
    bend = np.abs(np.diff(values, 2, axis=0))
    size = np.ptp(values, axis=0)
    around = np.maximum(np.roll(bend, 3, axis=0), np.roll(bend, -3, axis=0))
    least = np.maximum(_OF_ACCOUNT * size, _ROUNDINGS * _rounding(system, times, fixed))
    marked = (bend > _STANDS_OUT * around) & (bend > least) & (size > 0)
    places, rows = marked.nonzero()
    if not len(places) or len(places) > _MANY:
        return []
    low, high = times[places], times[places + 2]
    sizes, fall = [], np.zeros(len(places))
    for level in range(_LEVELS):
        parts = np.linspace(0, 1, _PARTS + 1)
        at = low[:, None] + (high - low)[:, None] * parts
        own = _at(system, at.ravel(), fixed[None]).reshape(len(places), _PARTS + 1, -1)
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


def _rounding(system: System, times: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """What rounding makes of the equations' terms at most, [rows]; those that do not vary may be larger than data."""
    points = np.concatenate([[times[len(times) // 2]], fixed])[None]
    with np.errstate(all="ignore"):
        terms = np.abs(system.evaluation.slopes(points)[0, :, 1:] * points[:, 1:]).sum(axis=1)
    return np.where(np.isfinite(terms), NOISE * terms, 0.0)


def _plain(low: float, high: float) -> float:
    """A place between two, as a short number if there is one."""
    middle = (low + high) / 2
    for digits in (6, 9, 12):
        short = float(f"{middle:.{digits}g}")
        if low - 1e-15 * abs(low) <= short <= high + 1e-15 * abs(high):
            return short
    return middle
