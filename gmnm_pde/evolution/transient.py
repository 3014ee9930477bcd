"""Data that do not fit together, such as an initial value of 1 between walls at 0, and what becomes of them.

At first the solution changes within no time at all, and no step is short enough for an error that is small beside it.
What matters is how much that counts in the whole: an error that lives for a time t of T counts as sqrt(t / T) of it,
and as (t / T)^(1/2 + p) relative to a field that begins at zero and grows as t^p. Until steps hold what they are to
hold without it, errors may be larger by the inverse of that, both those of steps and those of modes.
"""

import math
from collections.abc import Mapping
from typing import Any

_LOOKS = 3
"""So many steps are tried first."""

_SLOW = 0.7
"""Errors that fall with no more than this power of the length are those of data that do not fit together."""

FASTEST = 1.5
"""The largest power p that is believed."""

_GROWTH = 2.0
"""Steps grow by no more than this meanwhile."""


class Transient:
    """The time after the beginning, or after a break, in which data that did not fit together are felt.

    Args:
        origin: When it begins.
        span: How long the time is that errors are relative to.
    """

    def __init__(self, origin: float, span: float):
        self.origin, self.span = origin, span
        self.active = False
        self._power = 0.5
        self._seen: list[tuple[float, float, float]] = []

    def saved(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"origin": self.origin, "span": self.span, "active": self.active, "power": self._power}

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> "Transient":
        """From what ``saved`` gave, after a step was taken."""
        made = cls(known["origin"], known["span"])
        made.active, made._power = known["active"], known["power"]
        return made

    def allowance(self, time: float) -> float:
        """By what factor errors at a time may be larger."""
        return (self.span / max(time - self.origin, 1e-300)) ** self._power if self.active else 1.0

    def saw(self, length: float, error: float, size: float) -> None:
        """Hear of a first step that was not taken, of its error, and of the size of the field that this is in."""
        if math.isfinite(error) and error > 0 and size > 0:
            self._seen.append((length, error, size))
        if len(self._seen) >= _LOOKS:
            (long, large, great), (short, small, little) = self._seen[-_LOOKS], self._seen[-1]
            times = math.log(long / short)
            self.active |= math.log(large / small) < _SLOW * times
            self._power = 0.5 + min(FASTEST, max(0.0, math.log(great / little) / times))

    def factor(self, error: float) -> float:
        """By which the next step may be longer, from an error that is relative to what is allowed."""
        return min(_GROWTH, max(0.05, 0.7 * error**-1.3)) if error > 0 else _GROWTH

    def took(self, error: float) -> None:
        """Hear of a step that was taken."""
        self.active &= not error < 1
        self._seen.clear()
