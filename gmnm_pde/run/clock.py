"""What a run reads the time from."""

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that pass."""

    def now(self) -> float: ...
    def count(self, seconds: float) -> None:
        """Hear of work, in seconds that one core takes for it as predicted."""
        ...

    @property
    def work(self) -> float:
        """The work that a checkpoint has to remember."""
        ...


class WallClock:
    """The machine's: what a time limit is held to."""

    def now(self) -> float:
        return time.monotonic()

    def count(self, seconds: float) -> None:
        """Nothing: it runs by itself."""

    @property
    def work(self) -> float:
        return 0.0


class WorkClock:
    """Runs by the work that is done, not by the time that it takes, so that it decides alike on every machine."""

    def __init__(self, done: float = 0.0):
        self._seconds = done

    def now(self) -> float:
        return self._seconds

    def count(self, seconds: float) -> None:
        self._seconds += seconds

    @property
    def work(self) -> float:
        return self._seconds
