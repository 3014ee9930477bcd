"""The loop of all adaptive methods: solve, estimate, mark, refine."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from gmnm_pde.interruption import OutOfTime, finishing
from gmnm_pde.run.run import Run

Level = TypeVar("Level")
"""A discretisation, coarse or fine: a number of components, a partition, or whatever a refinement makes finer."""


_DOUBTS = 2
"""So many fits may say that the answer is not unique: the first ones are coarse."""


_SAME = 0.7
"""Residuals that differ by no more than this factor are the same."""


SHOWN = 1e-2
"""A candidate shows the solution whose error estimate is below this."""


class Stop(Enum):
    """Why a refinement stops."""

    MET = "the error estimate meets the tolerance, or what is aimed at without one"
    STALLED = "the error estimate stopped falling"
    LARGEST = "the largest size was reached"
    HOPELESS = "at this rate the estimate would not become good"
    UNSOLVED = "a residual stays as large as it is"
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
        left: What they leave of the equations relative to their terms.
        settled: Which of these no finer candidate is going to lower, by its looks.
        seconds: How long the last candidate took; under a time limit, one of the fits that it was chosen from.
    """

    best: Any = None
    last: Any = None
    level: Level | None = None
    errors: tuple[float, ...] = ()
    residuals: tuple[float, ...] = ()
    drifts: tuple[float, ...] = ()
    left: tuple[float, ...] = ()
    settled: tuple[bool, ...] = ()
    seconds: float = 0.0

    def stays(self, count: int) -> bool:
        """Whether so many candidates in succession left the same residual."""
        last = self.left[-count:]
        return len(last) == count and min(last) >= _SAME * max(last)

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
            left=(*self.left, candidate.left.relative),
            settled=(*self.settled, candidate.left.settled),
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

    def smaller(self, trials: Trials[Level], level: Level) -> Level | None:
        """A smaller level, between the last one and this one, for where this one does not fit; None if none is."""
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


class Forecast:
    """By what factor fits took longer than was foretold."""

    factor = 1.0

    def hold(self, foretold: float, taken: float) -> None:
        """Hold what was foretold beside what it took."""
        if foretold > 0 and taken > 0:
            self.factor = min(4.0, max(0.25, taken / foretold))


def adapt(
    refinement: Refinement[Level], run: Run, trials: Trials[Level] | None = None, *, whole: Run | None = None
) -> Any:
    """Fit on finer and finer discretisations until the refinement stops or the time is up.

    Args:
        refinement: How they are made finer.
        run: What they may take.
        trials: Those so far.
        whole: What they may take once one of them shows the solution: then nothing else is likely to do better.

    Raises:
        OutOfTime: the time limit left time for no fit at all.
    """
    trials, forecast = Trials() if trials is None else trials, Forecast()
    while True:
        try:
            with finishing(anyhow=trials.best is None):
                level = refinement.next(trials)
            fitting = None if isinstance(level, Stop) else _fitting(refinement, trials, level, run, forecast)
        except OutOfTime:
            if trials.best is None:
                raise
            level, fitting = Stop.TIME, None
        if isinstance(level, Stop):
            return refinement.result(trials, level, run)
        candidate, seconds = None, 0.0
        while fitting is not None and candidate is None:
            level, started = fitting, run.clock.now()
            try:
                candidate = refinement.attempt(level, trials, run)
            except OutOfTime:  # the time is up, or a piece of this level's work would not fit
                fitting = None if run.late else refinement.smaller(trials, level)
            seconds = run.clock.now() - started
        if candidate is None:
            if trials.best is None:
                raise OutOfTime
            return refinement.result(trials, Stop.TIME, run)
        if run.timed:
            seconds /= candidate.tried
            forecast.hold(refinement.seconds(trials, level) if trials.best is not None else seconds, seconds)
        if whole is not None and candidate.error < SHOWN:
            run = whole
        better = trials.best is None or refinement.better(candidate, trials)
        trials = trials.after(level, candidate, seconds, better=better)
        run.record(candidate, refinement.state(trials) if run.writes else None)


def _fitting(
    refinement: Refinement[Level], trials: Trials[Level], level: Level, run: Run, forecast: Forecast
) -> Level | None:
    """The level, or under a time limit a smaller one that there is time for; None if there is time for none."""
    if trials.best is None:
        return level
    fitting: Level | None = level
    with finishing():
        while fitting is not None and not run.affords(forecast.factor * refinement.seconds(trials, fitting)):
            fitting = refinement.smaller(trials, fitting) if run.timed else None
    return fitting


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
