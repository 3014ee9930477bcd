"""Clocks for time limits: one measures time, the other the work that was done."""

import time
from typing import Protocol

from gmnm_pde.processes import agreed


class Clock(Protocol):
    """What deadlines are measured on."""

    def now(self) -> float:
        """The time, in seconds."""
        ...

    def count(self, seconds: float) -> None:
        """Take account of work that was done, by the seconds that one core is predicted to take for it."""
        ...

    @property
    def work(self) -> float:
        """The work so far, where a checkpoint has to keep it."""
        ...


class WallClock:
    """The machine's clock, for a time limit; where processes solve together that of the first."""

    def now(self) -> float:
        return agreed(time.monotonic())

    def count(self, seconds: float) -> None:
        """Do nothing: the clock runs by itself."""

    @property
    def work(self) -> float:
        return 0.0


class WorkClock:
    """A clock of the work that was done, not of the time it took, so that solves end alike on every machine."""

    def __init__(self, done: float = 0.0):
        self._seconds = done

    def now(self) -> float:
        return self._seconds

    def count(self, seconds: float) -> None:
        self._seconds += seconds

    @property
    def work(self) -> float:
        return self._seconds
