"""The loop of all adaptive methods: solve, estimate, mark, refine."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from gmnm_pde.run.run import Run

Level = TypeVar("Level")
"""A discretisation, coarse or fine: a number of components, a partition, or whatever a refinement makes finer."""


_DOUBTS = 2
"""So many fits may say that the answer is not unique: the first ones are coarse."""


class Stop(Enum):
    """Why a refinement stops."""

    MET = "the error estimate meets the tolerance, or what is aimed at without one"
    STALLED = "the error estimate stopped falling"
    LARGEST = "the largest size was reached"
    HOPELESS = "at this rate the estimate would not become good"
    TIME = "the time is up"


@dataclass(frozen=True)
class Trials(Generic[Level]):
    """The candidates so far.

    Attributes:
        best: The best candidate.
        last: The last candidate.
        level: Its discretisation.
        errors: The estimated errors of all candidates.
        residuals: Their validation residuals.
        drifts: The distance of each from the one before it, where that is known.
        seconds: How long the last candidate took.
    """

    best: Any = None
    last: Any = None
    level: Level | None = None
    errors: tuple[float, ...] = ()
    residuals: tuple[float, ...] = ()
    drifts: tuple[float, ...] = ()
    seconds: float = 0.0

    @property
    def doubtful(self) -> bool:
        """Whether fit after fit has shown that there is no one answer."""
        return len(self.errors) > _DOUBTS and self.best.estimate.sure and self.last.estimate.sure

    def after(self, level: Level, candidate: Any, seconds: float, *, better: bool) -> "Trials[Level]":
        """With one more candidate, which is ``better`` than the best so far or not."""
        return Trials(
            best=candidate if better else self.best,
            last=candidate,
            level=level,
            errors=(*self.errors, candidate.error),
            residuals=(*self.residuals, candidate.validation_residual),
            drifts=self.drifts if candidate.drift is None else (*self.drifts, candidate.drift),
            seconds=seconds,
        )


class Refinement(Protocol[Level]):
    """How a discretisation is made finer: more components (p), smaller boxes (h)."""

    def next(self, trials: Trials[Level]) -> Level | Stop:
        """The next level to try, or why there is none."""
        ...

    def seconds(self, trials: Trials[Level], level: Level) -> float:
        """How long that will take, as predicted from how long the last candidate took."""
        ...

    def attempt(self, level: Level, trials: Trials[Level], run: Run) -> Any:
        """The candidate of a level."""
        ...

    def better(self, candidate: Any, trials: Trials[Level]) -> bool:
        """Whether a candidate is better than the best so far."""
        ...

    def state(self, trials: Trials[Level]) -> Any:
        """What a checkpoint holds of the trials; None where they cannot be resumed."""
        ...

    def result(self, trials: Trials[Level], stop: Stop, run: Run) -> Any:
        """The result, and why the refinement stopped."""
        ...


def adapt(refinement: Refinement[Level], run: Run, trials: Trials[Level] | None = None) -> Any:
    """Fit on finer and finer discretisations until the refinement stops or the time is up."""
    trials = Trials() if trials is None else trials
    while True:
        level = refinement.next(trials)
        if isinstance(level, Stop):
            return refinement.result(trials, level, run)
        if trials.best is not None and not run.affords(refinement.seconds(trials, level)):
            return refinement.result(trials, Stop.TIME, run)
        started = run.clock.now()
        candidate = refinement.attempt(level, trials, run)
        better = trials.best is None or refinement.better(candidate, trials)
        trials = trials.after(level, candidate, run.clock.now() - started, better=better)
        run.record(candidate, refinement.state(trials) if run.writes else None)


def stalled(values: tuple[float, ...], *, early: int, late: int = 2, digits: float = 1e-4, gain: float = 0.5) -> bool:
    """Whether the last values brought no gain: none is below ``gain`` times the least value before them.

    Args:
        values: Estimated errors or residuals, in the order of the trials.
        early: How many values without a gain are waited for.
        late: The same once the least value is below ``digits``.
        digits: The value below which ``late`` holds.
        gain: The part of the least value so far that counts as a gain.
    """
    patience = late if min(values) < digits else early
    return len(values) > patience + 1 and min(values[-patience:]) > gain * min(values[:-patience])
