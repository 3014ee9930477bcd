"""What errors of unknowns are measured by: what is aimed at, and how large the unknowns are."""

from dataclasses import dataclass

import numpy as np

_FADE = 0.5
"""The size that errors of an unknown are relative to is at least this part of what it was a step before."""

_FLOOR, _FLOOR_OF_ALL = 1e-10, 1e-14
"""And at least this part of what it was before, and of what it will ever be, where a march before tells."""

_BORN = 1e-3
"""Below this part of what it is at the end of a step an unknown is as good as zero at its beginning."""

_ROUNDINGS = 8.0
"""Errors below so many times the rounding are none."""


@dataclass(frozen=True)
class Aim:
    """What steps are to hold.

    Attributes:
        relative: The error aimed at, relative to each unknown, [m].
        absolute: Errors below this do not matter, [m].
        stages: Of the method.
    """

    relative: np.ndarray
    absolute: np.ndarray
    stages: int

    @property
    def embedded(self) -> np.ndarray:
        """What the embedded estimate, of lower order than the method, may be."""
        return 0.1 * self.relative ** ((self.stages + 1) / (2 * self.stages))

    @property
    def newton(self) -> float:
        """What Newton's method may leave, as a part of that."""
        return min(0.03, 0.1 * float((self.relative / self.embedded).min()))


class Scales:
    """The sizes of unknowns as a march goes on.

    Args:
        aim: What steps are to hold.
        state: At the beginning, [m].
        largest: What unknowns will be at most, where a march before tells.

    Attributes:
        scale: What errors are relative to, [m].
        largest: What it was at most.
        part: The embedded estimate that is allowed, beside the error aimed at.
        noise: The largest rounding that steps had.
    """

    def __init__(self, aim: Aim, state: np.ndarray, largest: np.ndarray | None):
        self.aim, self.embedded = aim, aim.embedded
        self.part = self.embedded / aim.relative
        self.scale = self.largest = np.abs(state)
        self.noise = np.zeros(len(state))
        self._least = np.zeros(len(state)) if largest is None else _FLOOR_OF_ALL * largest
        self._growing = np.zeros(len(state), dtype=bool)
        self._rejected = (np.zeros(len(state)), 0.0)

    def begin(self, state: np.ndarray) -> None:
        """Begin anew with a state."""
        self.largest = np.maximum(self.largest, np.abs(state))
        self.scale = self.of(np.abs(state))

    def of(self, sizes: np.ndarray) -> np.ndarray:
        """What errors are relative to where unknowns have some sizes."""
        floor = np.maximum(_FLOOR * self.largest, self._least)
        return np.maximum(np.maximum(sizes, _FADE * self.scale), floor)

    def allowed(self, scale: np.ndarray, rounding: np.ndarray) -> np.ndarray:
        """The error that the embedded estimate of a step may tell of each unknown, [m]."""
        allowed = np.maximum(self.embedded * scale, self.part * self.aim.absolute)
        return np.maximum(allowed, _ROUNDINGS * rounding) + 1e-300

    def taken(self, scale: np.ndarray, rounding: np.ndarray) -> None:
        """Learn from a step that was taken."""
        self.scale, self.largest = scale, np.maximum(self.largest, scale)
        self.noise = np.maximum(self.noise, _ROUNDINGS * rounding)
        self._rejected = (np.zeros_like(scale), 0.0)

    def rejected(self, errors: np.ndarray, sizes: np.ndarray, state: np.ndarray, length: float) -> None:
        """Notice unknowns that grow from nothing like a high power of time: their relative error is the same in each
        first step, however short.
        """  # noqa: D205
        before, last = self._rejected
        if 0.5 * last <= length < last:  # by so little less, powers are not told apart
            return
        if length < last:
            same = (errors >= 1) & (errors > 0.5 * before) & (np.abs(state) < _BORN * sizes)
            self._growing = self._growing | same
        self._rejected = (errors, length)

    def growth(self, sizes: np.ndarray, state: np.ndarray) -> np.ndarray | float:
        """By which factors those grow in a step; what they are wrong by is small beside what they will be."""
        if not self._growing.any():
            return 1.0
        factor = sizes / np.maximum(np.abs(state), 1e-300)
        self._growing = self._growing & (factor > 2)
        return np.where(self._growing, factor, 1.0)
