"""The log of a solve: its history, its checkpoint, and progress for the caller."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gmnm_pde.geometry import Domain
from gmnm_pde.methods import Step
from gmnm_pde.results.history import History
from gmnm_pde.run.checkpoint import Checkpoint
from gmnm_pde.run.progress import Progress


@dataclass
class Log:
    """The log of a whole solve, to which all its parts write.

    Attributes:
        domain: Of the whole problem.
        started: When, by time.monotonic(), less the seconds of the interrupted runs that this one resumes.
        listener: Called with each ``Progress``.
        checkpoint: The file that is written during the solve.
        history: The rows so far.
    """

    domain: Domain
    started: float
    listener: Callable[[Progress], None] | None = None
    checkpoint: Checkpoint | None = None
    history: History = field(default_factory=History)

    def resume(self) -> Any:
        """The state in the checkpoint, whose history is continued; None where there is no file."""
        loaded = None if self.checkpoint is None else self.checkpoint.load()
        if loaded is None:
            return None
        state, self.history.rows = loaded
        if self.history.rows:
            self.started -= self.history.rows[-1]["seconds"]
        return state

    @property
    def seconds(self) -> float:
        """Since the solve began."""
        return time.monotonic() - self.started

    def add(
        self,
        figures: Mapping[str, float],
        message: Callable[[Mapping[str, float]], str],
        domain: Domain,
        step: int | None = None,
    ) -> None:
        """Add a row to the history, and tell the listener.

        Args:
            figures: The row without its step and its seconds.
            message: Makes the progress message from the row.
            domain: Of the part of the problem that the row is about, such as a time slab.
            step: The row's step; by default the number of the row.
        """
        slab = domain if domain.time and domain.bounds != self.domain.bounds else None
        row = {"step": len(self.history) + 1 if step is None else step, "seconds": self.seconds, **figures}
        self.history.append(row)
        if self.listener is not None:
            self.listener(Progress.of_row(message(row), row, slab))

    def tell(self, step: Step) -> None:
        """Tell the listener of a step of a method."""
        if self.listener is not None:
            self.listener(Progress.of_step(step, self.seconds))

    def tell_time(self, name: str, time: float, end: float, steps: int) -> None:
        """Tell the listener how far a march has come."""
        if self.listener is not None:
            self.listener(Progress.of_time(name, time, end, steps, self.seconds))

    def save(self, state: Mapping[str, Any], *, now: bool = True) -> None:
        """Write the checkpoint, if there is one and it is time to."""
        if self.checkpoint is not None:
            self.checkpoint.save(state, self.history.rows, now=now)
