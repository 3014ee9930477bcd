"""h-refinement: mixtures in the boxes of a partition, which is made finer where the residual is large.

The sides of neighbouring boxes never differ by more than a factor of two, so that the overlap of their windows, which
form a partition of unity, is a good part of both. A partition that was chosen by hand stays; its patches get more
components instead.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from gmnm_pde.adaptivity.indicators import indicators, marked
from gmnm_pde.adaptivity.loop import Stop, Trials, stalled
from gmnm_pde.adaptivity.partitions import balanced, first_partition, within
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import ErrorEstimate, estimate_error
from gmnm_pde.fitting.faint import deviations_of, measured_by
from gmnm_pde.fitting.fit import Fit, fit, restored, saved
from gmnm_pde.fitting.inspection import NOTHING_LEFT, left
from gmnm_pde.fitting.stored import check_state, checked_estimate
from gmnm_pde.fitting.widths import Widths, WidthSearch, narrowed
from gmnm_pde.interruption import finishing
from gmnm_pde.io import checks
from gmnm_pde.io.states import restoring
from gmnm_pde.models import Partition
from gmnm_pde.run.result import RELIABLE, Result, Status, beside, good_status, is_good
from gmnm_pde.run.run import Run
from gmnm_pde.statement.problem import Problem


@dataclass(frozen=True)
class Refining:
    """The numbers of h-refinement."""

    components: ByDimension = field(default=ByDimension(line=24, plane=100, space=240, beyond=400))
    """Components of each patch for six digits and equations of second order, by the number of coordinates."""
    by_order: float = 1.5
    """The power of the equations' order with which ``components`` grow: with 132, 220 and 300 components a patch the
    Korteweg-de Vries equation, of third order, came to errors of 6e-8, 4e-9 and 2e-9 in ten seconds."""
    least_digits: float = 5.0
    """With fewer components than for this many digits an error is left that halving boxes does not lower."""
    digits: float = 8.0
    """The digits that components are chosen for without a tolerance."""
    aim: float = 1e-8
    """The estimated error that is aimed at without a tolerance."""
    width: float = 0.7
    """The slope of components that the first search for widths begins with, on a box scaled to [-1, 1]^d."""
    more: float = 1.35
    """Where the partition is fixed, the patches of the next fit have this many times as many components."""
    most_components: int = 1000
    """The most components of a patch."""
    begun: float = 0.1
    """Where the partition is fixed, fits without a gain end the refinement only once the error is below this."""
    patience: int = 3
    """After this many fits without a gain it stops."""
    least: int = 20
    """The fewest components of a patch, where a time limit leaves no time for more."""
    step: float = 1.05
    """The smallest step to more components that is made where a time limit leaves no time for a larger one."""
    growth: float = 1.3
    """The power of the number of patches with which the time of a fit grows."""
    slack: float = 1.2
    """The next fit is made if this many times its predicted time is left."""
    settled: int = 4
    """So many fits in succession that leave the same smooth residual end it."""
    doubted: int = 3
    """So many that leave the same, where one mixture left a smooth one."""
    large: float = 0.3
    """A residual above this part of its terms is large there."""
    most_unknowns: int = 60_000
    """The most unknowns."""


@dataclass(frozen=True)
class Level:
    """A discretisation: a partition and the mixtures in its patches.

    Attributes:
        partition: The boxes.
        components: Of each patch.
        begin: Widths that a search begins with.
        widths: Widths that are kept, in place of a search.
        most: How many boxes were halved at most, where a time limit left no time for all that are to be.
    """

    partition: Partition
    components: int
    begin: Widths
    widths: Widths | None
    most: int | None = None


@dataclass(frozen=True)
class HRefinement:
    """Smaller boxes, or more components in each box of a fixed partition.

    Args:
        setup: Of the solve; with a partition, that one is begun with.
        tol: The error wanted.
        initial_guess: What Newton's method starts from, where the problem is nonlinear.
        fixed: Whether the partition is kept.
        refining: The numbers of the refinement.
        first: Components of each patch that there were before; the first fit has more.
        doubted: Whether one mixture left a large residual that no finer one was going to lower.
    """

    setup: Setup
    tol: float | None
    initial_guess: InitialGuess | None = None
    fixed: bool = False
    refining: Refining = Refining()
    first: int | None = None
    doubted: bool = False

    def next(self, trials: Trials[Level]) -> Level | Stop:
        """The next partition and its components."""
        level, numbers, mixture = trials.level, self.refining, self.setup.mixture
        if level is None:
            return self._first
        if trials.errors[-1] <= self._aim:
            return Stop.MET
        if self._unsolved(trials):
            return Stop.UNSOLVED
        no_gain = all(stalled(values, early=numbers.patience) for values in (trials.errors, trials.residuals))
        no_gain = no_gain or stalled(trials.errors, early=2 * numbers.patience)
        if trials.doubtful or (no_gain and (not self.fixed or min(trials.errors) < numbers.begun)):
            return Stop.STALLED
        if self.fixed and mixture.components:
            return Stop.LARGEST
        level = self._finer(level, trials.last.fit)
        unknowns = len(level.partition) * level.components * len(self.setup.problem.fields)
        too_large = unknowns > numbers.most_unknowns or level.components > numbers.most_components
        return Stop.LARGEST if too_large else level

    def _unsolved(self, trials: Trials[Level]) -> bool:
        """Whether fits leave a residual that stays as large as it is, as where conditions contradict each other."""
        numbers = self.refining
        sure = trials.stays(numbers.settled) and all(trials.settled[-numbers.settled :])
        likely = self.doubted and trials.stays(numbers.doubted) and trials.left[-1] > numbers.large
        return sure or likely

    @property
    def _aim(self) -> float:
        return self.refining.aim if self.tol is None else self.tol

    @property
    def _first(self) -> Level:
        setup, problem = self.setup, self.setup.problem
        first = setup.partition or first_partition(problem, self.tol, setup.seed, setup.features)
        partition = within(problem.domain, first)
        components = setup.mixture.components or components_for(problem, self.tol, self.refining)
        if self.first is not None:
            components = round(self.refining.more * self.first)
        return Level(partition, components, (self.refining.width,) * setup.dimension, setup.given_widths)

    def _finer(self, level: Level, last: Fit, most: int | None = None) -> Level:
        if not self.fixed:
            finer = balanced(level.partition.split(marked(indicators(last), most)))
            return Level(within(self.setup.problem.domain, finer), level.components, level.begin, last.widths, most)
        more = self.refining.more
        begin = narrowed(last.widths, more)
        return Level(level.partition, round(more * level.components), begin, self.setup.given_widths)

    def smaller(self, trials: Trials[Level], level: Level) -> Level | None:
        """Fewer boxes halved, or a smaller step to more components."""
        before = trials.level
        if before is None:
            fewer = level.components // 2
            return replace(level, components=fewer) if self.fixed and fewer >= self.refining.least else None
        if self.fixed:
            between = round((level.components * before.components) ** 0.5)
            return replace(level, components=between) if between >= self.refining.step * before.components else None
        most = (level.most or len(level.partition) - len(before.partition)) // 3
        return self._finer(before, trials.last.fit, most) if most else None

    def seconds(self, trials: Trials[Level], level: Level) -> float:
        """Growing from the last fit by the cube of a patch's components and a power of the number of patches."""
        assert trials.level is not None
        patches = len(level.partition) / len(trials.level.partition)
        components = level.components / trials.level.components
        return self.refining.slack * trials.seconds * patches**self.refining.growth * components**3

    def attempt(self, level: Level, trials: Trials[Level], run: Run) -> Candidate:
        """The fit of a level; its error estimate also takes account of how the fits so far differ."""
        setup = replace(self.setup, partition=level.partition)
        guess = self.initial_guess if trials.last is None else trials.last.fit
        began = run.clock.now()

        def solve(widths: Widths, best: Fit | None) -> Fit:
            return fit(setup, level.components, widths, initial_guess=guess if best is None else best, monitor=run)

        search = WidthSearch(solve, lambda count: run.affords((run.clock.now() - began) / count))
        if level.widths is None:
            fitted = search.over(level.begin, octaves=(0.5,), by_axis=False)
        else:
            fitted = search.at(level.widths)
        drift = None if trials.last is None else _drift(fitted, trials.last.fit, run.points)
        drifts = trials.drifts if drift is None else (*trials.drifts, drift)
        with finishing(anyhow=trials.best is None):
            estimate = _with_tail(estimate_error(fitted, run.points), drifts)
            leaves = left(fitted) if estimate.overall > RELIABLE else NOTHING_LEFT
        return Candidate(fitted, estimate, drift, leaves, hurried=search.hurried, tried=search.tried)

    def better(self, candidate: Candidate, trials: Trials[Level]) -> bool:
        """The smaller estimate."""
        return candidate.error <= trials.best.error or candidate.estimate.sure

    def state(self, trials: Trials[Level]) -> dict[str, Any]:
        """The best fit and the last one, and what the next one depends on."""
        level = trials.level
        assert level is not None
        return {
            "best": saved(trials.best.fit),
            "best_estimate": asdict(trials.best.estimate),
            "last": saved(trials.last.fit),
            "last_estimate": asdict(trials.last.estimate),
            "begin": level.begin,
            "components": level.components,
            "errors": trials.errors,
            "residuals": trials.residuals,
            "drifts": trials.drifts,
            "left": trials.left,
            "settled": trials.settled,
            "seconds": trials.seconds,
        }

    @restoring()
    def trials_from(self, state: Mapping[str, Any]) -> Trials[Level]:
        """The trials that ``state`` describes."""
        ways = ("best", "last")
        figures = {name: checks.listed(checks.size) for name in ("errors", "residuals", "drifts", "left")}
        figures["errors"] = figures["residuals"] = checks.listed(checks.size, least=1)
        check_state(
            state,
            **dict.fromkeys((*ways, *(f"{name}_estimate" for name in ways)), checks.anything),
            begin=checks.listed(checks.positive, count=self.setup.dimension),
            components=checks.whole(1),
            seconds=checks.size,
            settled=checks.listed(checks.flag),
            **figures,
        )
        best, last = (
            Candidate(
                restored(self.setup, state[name]),
                ErrorEstimate(**checked_estimate(self.setup.problem, state[f"{name}_estimate"])),
            )
            for name in ways
        )
        partition, begin = last.fit.model.partition, tuple(state["begin"])
        level = Level(partition, state["components"], begin, None if self.fixed else last.fit.widths)
        known = {name: tuple(state[name]) for name in (*figures, "settled")}
        return Trials(best, last, level, **known, seconds=state["seconds"])

    def result(self, trials: Trials[Level], stop: Stop, run: Run) -> Result:
        """The best candidate, whether it is good enough, and why the refinement stopped."""
        best: Candidate = trials.best
        assert trials.level is not None
        status, words = self._verdict(best, trials.level, stop, run)
        patches = len(best.fit.model.inner.members)
        each = (best.fit.components or 0) // patches
        return Result(best, status, f"{words}; {patches} patches of {each} components")

    def _verdict(self, best: Candidate, level: Level, stop: Stop, run: Run) -> tuple[Status, str]:
        outcome, words = best.fit.outcome, beside(best.error, self.tol)
        status, why = self._why(level, stop, run)
        if not outcome.converged:
            status = Status.TIME if outcome.late or stop is Stop.TIME else Status.NOT_CONVERGED
            return status, outcome.reason if outcome.late or not why else f"{outcome.reason}; {why}"
        if is_good(best, self.tol):
            return good_status(self.tol), words if self.tol is not None or not why else f"{words}: {why}"
        if self.tol is None and status not in (Status.TIME, Status.UNSOLVED):
            status = Status.POOR
        return status, f"{words}: {why}"

    def _why(self, level: Level, stop: Stop, run: Run) -> tuple[Status, str]:
        """Why there was no further fit."""
        if stop is Stop.MET:
            return Status.MET, ""
        if stop is Stop.TIME:
            return run.end_of_time
        if stop is Stop.UNSOLVED:
            return Status.UNSOLVED, "whatever was made finer, a residual stayed as large"
        if stop is Stop.STALLED:
            return Status.STALLED, "it stopped falling"
        if self.fixed and self.setup.mixture.components:
            return Status.LARGEST, "patches and components are kept as given"
        return Status.LARGEST, f"{len(level.partition)} patches of {level.components} components are the most that fit"


def seconds_of_first(setup: Setup, tol: float | None, numbers: Refining | None = None) -> float:
    """Seconds that the first fit on patches takes on one core, roughly."""
    partition = setup.partition or first_partition(setup.problem, tol, setup.seed, setup.features)
    components = setup.mixture.components or components_for(setup.problem, tol, numbers)
    return replace(setup, partition=partition).seconds_of_solve(components)


def components_for(problem: Problem, tol: float | None, numbers: Refining | None = None) -> int:
    """Components in each patch: more for more digits, and for high derivatives, whose rounding small boxes magnify."""
    numbers, d = numbers or Refining(), problem.domain.dimension
    digits = numbers.digits if tol is None else min(12.0, max(numbers.least_digits, -math.log10(tol)))
    higher = (max(problem.order, 2) / 2) ** numbers.by_order
    first = numbers.components.of(d)
    return round(first * (digits / 6) ** min(d, 2) * (higher if d > 1 else 1.0))


def _drift(fitted: Fit, before: Fit, points: Tensor) -> float:
    """The distance of a fit from the one before it, relative L2, the largest over the fields."""
    outputs = fitted.outputs(points)
    distance = (outputs - before.outputs(points)).square().mean(dim=0).sqrt()
    sizes = outputs.square().mean(dim=0).sqrt()
    problem, numbers = fitted.system.problem, fitted.parameters.values()
    larger = measured_by(problem, sizes, deviations_of(outputs), distance, numbers)
    return (distance / (sizes if larger is None else larger).clamp_min(1e-300)).max().item()


def _with_tail(estimate: ErrorEstimate, drifts: Sequence[float]) -> ErrorEstimate:
    """The estimate of a fit, or, if larger, the sum of all drifts to come as a geometric series foretells it."""
    if len(drifts) == 0:
        return estimate
    rate = min(0.9, drifts[-1] / max(drifts[-2], 1e-300)) if len(drifts) > 1 else 0.5
    tail = drifts[-1] * rate / (1 - rate)
    return replace(estimate, by_field={name: max(value, tail) for name, value in estimate.by_field.items()})
