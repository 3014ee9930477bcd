"""All the places within a step at which a function changes its sign, also those that lie close together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from scipy.optimize import brentq

Values = Callable[[np.ndarray], np.ndarray]
"""A function at parts of a step [n]: [n]."""

_MOST = 2**14
"""The most places at which a function is looked at."""

_NOTHING = 1e-11
"""A function is as good as zero below this part of its size in the step."""

_DIPS = 64
"""So many of the places where a function comes near to zero and turns are looked at more closely."""

_PARTS, _LEVELS = 13, 9
"""In so many parts, so often, for as long as they may reach zero."""


@dataclass(frozen=True)
class Bracket:
    """Two parts of a step, between which a function changes its sign once.

    Attributes:
        low: The first.
        high: The second.
        direction: 1 where the function rises, -1 where it falls.
        exact: Whether it is zero at the second.
    """

    low: float
    high: float
    direction: int
    exact: bool


def brackets(values: Values, looks: int) -> list[Bracket] | None:
    """Those of a function, ascending; None where it changes its sign more often than can be told.

    The number of places is doubled until that of changes stays the same. A zero at the beginning of the step belongs to
    the step before.

    Args:
        values: The function.
        looks: Places to begin with.
    """
    while True:
        looks *= 2
        places = _places(looks)
        seen = _cleared(values(places))
        every = _changes(seen)
        if len(every) == len(_changes(np.append(seen[:-1:2], seen[-1]))):
            break
        if looks > _MOST:
            return None
    return brackets_between(values, places, seen)


def brackets_between(values: Values, places: np.ndarray, seen: np.ndarray) -> list[Bracket]:
    """Those between places at which a function was seen, [n] both, ascending."""
    found = [_bracket(places, seen, k) for k in _changes(seen)]
    return sorted([*found, *_turns(values, places, seen)], key=lambda own: own.low)


def zero_in(values: Values, bracket: Bracket) -> float:
    """Where the function is zero."""
    if bracket.exact:
        return bracket.high
    try:
        return cast(float, brentq(lambda at: values(np.array([at]))[0], bracket.low, bracket.high, xtol=1e-15))
    except ValueError:  # one of the ends is zero but for rounding
        ends = np.array([bracket.low, bracket.high])
        return float(ends[np.abs(values(ends)).argmin()])


@lru_cache(maxsize=32)
def _places(count: int) -> np.ndarray:
    """Places from 0 to 1, spread unevenly: nothing that returns evenly is between them every time."""
    inner = (np.arange(1, count) + 0.6 * (np.random.default_rng(7).random(count - 1) - 0.5)) / count
    return np.concatenate([[0.0], inner, [1.0]])


def _cleared(seen: np.ndarray) -> np.ndarray:
    """Values, with those at the ends that are rounding as zeros."""
    seen, least = seen.copy(), _NOTHING * np.abs(seen).max()
    for end in (0, -1):
        if abs(seen[end]) <= least:
            seen[end] = 0.0
    return seen


def _changes(seen: np.ndarray) -> np.ndarray:
    """The numbers of the places after which values change their sign."""
    signs = np.sign(seen)
    return ((signs[:-1] * signs[1:] < 0) | ((signs[:-1] != 0) & (signs[1:] == 0))).nonzero()[0]


def _bracket(places: np.ndarray, seen: np.ndarray, k: int) -> Bracket:
    return Bracket(float(places[k]), float(places[k + 1]), -int(np.sign(seen[k])), bool(seen[k + 1] == 0))


def _turns(values: Values, places: np.ndarray, seen: np.ndarray) -> list[Bracket]:
    """Pairs of zeros between neighbouring places, where a function comes near to zero and turns."""
    size, signs = np.abs(seen), np.sign(seen)
    inner = (size[1:-1] <= size[:-2]) & (size[1:-1] < size[2:]) & (signs[1:-1] != 0)
    alike = (signs[1:-1] == signs[:-2]) & (signs[1:-1] == signs[2:])
    dips = 1 + (inner & alike).nonzero()[0]
    dips = dips[_may_reach_zero(places, size, dips)]
    dips = dips[np.argsort(size[dips])[:_DIPS]]
    low, high, side = places[dips - 1], places[dips + 1], signs[dips]
    found: list[Bracket] = []
    for _ in range(_LEVELS):
        if not len(low):
            break
        at = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, _PARTS + 1)
        own = side[:, None] * values(at.ravel()).reshape(at.shape)
        best = own[:, 1:-1].argmin(axis=1) + 1
        rows = np.arange(len(low))
        now = own[rows, best]
        for k in (now < 0).nonzero()[0]:
            first, sign = at[k, best[k]], int(side[k])
            found += [Bracket(low[k], first, -sign, exact=False), Bracket(first, high[k], sign, exact=False)]
        middle = (best > 1) & (best < _PARTS - 1)
        on = (now > 0) & (~middle | _may_reach_zero(at.ravel(), own.ravel(), rows * (_PARTS + 1) + best))
        low, high, side = at[rows, best - 1][on], at[rows, best + 1][on], side[on]
    return found


def _may_reach_zero(places: np.ndarray, size: np.ndarray, dips: np.ndarray) -> np.ndarray:
    """Which least values may be of a function that is zero nearby: lines through those beside them meet below zero."""
    before, after = np.maximum(dips - 2, 0), np.minimum(dips + 2, len(size) - 1)
    (x, y), (z, w) = (places[dips - 1], size[dips - 1]), (places[dips + 1], size[dips + 1])
    with np.errstate(all="ignore"):
        fall, rise = (y - size[before]) / (x - places[before]), (size[after] - w) / (places[after] - z)
        meet = (w - y + fall * x - rise * z) / (fall - rise)
        least = y + fall * (meet - x)
    return ~((fall < 0) & (rise > 0) & (least > 0))
