"""The log of a solve: its history, its checkpoint, and news for whoever looks."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gmnm_pde.geometry import Domain
from gmnm_pde.methods import Step
from gmnm_pde.results.history import History
from gmnm_pde.run.checkpoint import Checkpoint
from gmnm_pde.run.progress import Progress
from gmnm_pde.run.watching import Watch


@dataclass
class Log:
    """The log of a whole solve, to which all its parts write.

    Attributes:
        domain: Of the whole problem.
        started: When, by time.monotonic(), less the seconds of the interrupted runs that this one resumes.
        watch: All that look at the solve.
        checkpoint: The file that is written during the solve.
        history: The rows so far.
        estimate: The best error estimate so far, of the whole problem or of the slab that was solved last.
    """

    domain: Domain
    started: float
    watch: Watch = field(default_factory=Watch)
    checkpoint: Checkpoint | None = None
    history: History = field(default_factory=History)
    estimate: float = math.nan
    _slab: Domain | None = None

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
        """Add a row to the history, and tell whoever looks.

        Args:
            figures: The row without its step and its seconds.
            message: Says in words what the row is about.
            domain: Of the part of the problem that the row is about, such as a time slab.
            step: The row's step; by default the number of the row.
        """
        slab = domain if domain.time and domain.bounds != self.domain.bounds else None
        row = {"step": len(self.history) + 1 if step is None else step, "seconds": self.seconds, **figures}
        self.history.append(row)
        known = self.estimate if slab is self._slab else math.nan
        self.estimate, self._slab = min(row["error_estimate"], known, key=_nan_last), slab
        what, reached = message(row), math.nan
        if slab is not None:
            start, reached = slab.bounds[slab.coordinates.index(slab.time[0])]
            what = f"{slab.time[0]} from {start:.4g} to {reached:.4g}, {what}"
        self._tell(what, int(row["step"]), t=reached, loss=row.get("loss", math.nan), figures=row)

    def tell(self, step: Step) -> None:
        """Tell of a Newton step that was taken, or a linear solve that was done."""
        if self.watch.listens:
            self._tell(f"step {step.number}: residual norm {step.norm:.1e}", step.number)

    def tell_trial(self, components: int, residual: float) -> None:
        """Tell of one of the mixtures of which the best will be recorded."""
        if self.watch.listens:
            self._tell(f"{components} components: residual {residual:.1e} on held-out points", len(self.history) + 1)

    def tell_training(self, step: int, loss: float, last: int) -> None:
        """Tell of a step of a training, of ``last`` at most."""
        if self.watch.listens:
            self._tell(f"step {step} of {last}: loss {loss:.1e}", step, loss=loss, part=step / last)

    def tell_time(self, name: str, time: float, span: tuple[float, float], steps: int) -> None:
        """Tell how far a march has come."""
        if self.watch.listens:
            self.watch.tell(Progress.of_time(name, time, span, steps, self.seconds, self.estimate))

    def _tell(self, what: str, step: int, **more: Any) -> None:
        self.watch.tell(Progress(what, self.seconds, step, estimate=self.estimate, **more))

    def save(self, state: Mapping[str, Any], *, now: bool = True) -> None:
        """Write the checkpoint, if there is one and it is time to."""
        if self.checkpoint is not None:
            self.checkpoint.save(state, self.history.rows, now=now)


def _nan_last(value: float) -> float:
    return math.inf if math.isnan(value) else value
