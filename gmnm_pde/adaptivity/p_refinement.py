"""p-refinement: one mixture with more and more components, until it is good enough.

While fits are small, and take hundredths of a second, the widths of the components are searched; when they are large,
the widths of the last fit are carried over (a component's slope grows like the number of components per coordinate) and
only adjusted. The exact solution is never used: widths are chosen by the validation residual, and the error estimate
decides when to stop.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from gmnm_pde.adaptivity.finer import Finer
from gmnm_pde.adaptivity.loop import Stop, Trials, stalled
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import ErrorEstimate, estimate_error
from gmnm_pde.fitting.fit import Fit, fit, restored, saved
from gmnm_pde.fitting.inspection import NOTHING_LEFT, left
from gmnm_pde.fitting.stored import check_state, checked_estimate
from gmnm_pde.fitting.widths import Widths, WidthSearch, narrowed
from gmnm_pde.interruption import OutOfTime, finishing
from gmnm_pde.io import checks
from gmnm_pde.io.states import restoring
from gmnm_pde.methods.least_squares import best_truncated
from gmnm_pde.run.result import RELIABLE, Result, Status, beside, good_status, is_good
from gmnm_pde.run.run import Run
from gmnm_pde.statement.hard import is_hard_to_meet

AIM = 1e-12
"""The estimated error that is aimed at without a tolerance."""


@dataclass(frozen=True)
class Growth:
    """The numbers of p-refinement."""

    first: ByDimension = field(default=ByDimension(line=40, plane=150, space=400, beyond=600))
    """Components of the first mixture, by the number of coordinates."""
    factor: float = 1.6
    """How many times as many components the next mixture has."""
    least: int = 40
    """The fewest components, where a time limit leaves no time for more."""
    least_factor: float = 1.1
    """The smallest step that is made where a time limit leaves no time for a larger one."""
    first_with_tol: float = 0.4
    """With a tolerance a linear problem begins with this part of ``first``, so that few digits cost little. Nonlinear
    problems do not: Newton's method from zero needs a mixture of some size to converge."""
    factor_with_tol: float = 1.35
    """``factor`` where there is a tolerance."""
    width: float = 1.5
    """The slope of components that the first search for widths begins with, on the domain scaled to [-1, 1]^d."""
    searched: int = 500
    """Up to this many unknowns widths are searched, along each coordinate."""
    each_axis: int = 12
    """Up to this many coordinates widths are searched along each."""
    searching: float = 0.6
    """With a time limit that takes up to this part of the time that is left: what it finds is held against others."""
    adjusted: int = 1500
    """Up to this many unknowns of a linear problem widths are adjusted, by a factor for all coordinates."""
    adjusted_nonlinear: int = 1000
    """The same for nonlinear problems, where each fit takes several Newton steps."""
    most_linear: int = 2500
    """The most unknowns of a linear problem without a tolerance."""
    most_nonlinear: int = 1500
    """The most unknowns of a nonlinear problem without a tolerance."""
    most_linear_with_tol: int = 6000
    """The most unknowns of a linear problem with a tolerance."""
    most_nonlinear_with_tol: int = 3000
    """The most unknowns of a nonlinear problem with a tolerance."""
    first_ill_posed: float = 2.5
    """The part of ``first`` where the problem is ill-posed: few components show little of what the data hold."""
    most_ill_posed: int = 1500
    """The most unknowns of an ill-posed problem."""
    patience: int = 4
    """After this many fits without a gain it stops."""
    patience_ill_posed: int = 8
    """The same where the problem is ill-posed, and many fits miss what only a much larger one shows."""
    tries: int = 3
    """After this many fits it may be given up as hopeless; linear problems by the rate at which these converge."""
    hopeless_at_once: float = 10.0
    """A nonlinear problem is given up sooner if the estimate exceeds what is hopeless by this factor."""
    tiny: int = 120
    """With fewer unknowns than this it is not: the next fit takes hundredths of a second too."""
    foresight: int = 100
    """On no more than this many further sizes is counted when it is told where the estimates will end."""
    enough: int = 600
    """A linear problem, whose fits are quick, is not given up below this many unknowns."""


@dataclass(frozen=True)
class PRefinement:
    """More components in one mixture.

    Args:
        setup: Of the solve.
        tol: The error wanted.
        initial_guess: A fit that Newton's method starts from in the first fit.
        hopeless: It is given up early if the error estimate is going to stay above this.
        growth: The numbers of the refinement.
        lost: It is given up after so many fits if Newton's method converged in none of them; None for never.
    """

    setup: Setup
    tol: float | None
    initial_guess: InitialGuess | None = None
    hopeless: float = math.inf
    growth: Growth = Growth()
    lost: int | None = None

    def next(self, trials: Trials[int]) -> int | Stop:
        """The next number of components."""
        if trials.level is None:
            return self._sizes[0]
        larger = [size for size in self._sizes if size > trials.level]
        if not larger:
            return Stop.LARGEST
        if not self.setup.mixture.components and trials.best.fit.converged:
            if trials.best.error <= (AIM if self.tol is None else self.tol):
                return Stop.MET
            if self._stalled(trials):
                return Stop.STALLED
        lost = self.lost is not None and len(trials.errors) >= self.lost and not trials.best.fit.converged
        hopeless = lost or trials.doubtful or self._is_hopeless(trials, len(larger))
        return Stop.HOPELESS if hopeless else larger[0]

    @property
    def _sizes(self) -> list[int]:
        """The numbers of components that may be tried, in ascending order."""
        return list(self._growing())

    def _growing(self) -> Iterator[int]:
        mixture, linear, growth = self.setup.mixture, self.setup.problem.linear, self.growth
        if mixture.components and mixture.widths and linear:
            yield mixture.components
            return
        fields = len(self.setup.problem.fields)
        size, factor = growth.first.of(self.setup.dimension) / fields**0.5, growth.factor
        most = growth.most_linear if linear else growth.most_nonlinear
        if self.tol is not None:
            size, factor = size * (growth.first_with_tol if linear else 1.0), growth.factor_with_tol
            most = growth.most_linear_with_tol if linear else growth.most_nonlinear_with_tol
        if self.setup.posed.ill_posed:
            size = growth.first_ill_posed * growth.first.of(self.setup.dimension) / fields**0.5
            most = min(most, growth.most_ill_posed)
        parts = max(1, len(self.setup.problem.domain.parts))
        largest = mixture.components or most / fields / parts**0.5
        while size * factor**0.5 < largest:
            yield round(size)
            size *= factor
        yield round(largest)

    @cached_property
    def _finer(self) -> Finer:
        return Finer(self.setup)

    def _stalled(self, trials: Trials[int]) -> bool:
        patience = self.growth.patience_ill_posed if self.setup.posed.ill_posed else self.growth.patience
        return stalled(trials.errors, early=patience)

    def _is_hopeless(self, trials: Trials[int], sizes_left: int) -> bool:
        """Whether, at the rate at which they fall, the estimates will stay above ``hopeless``."""
        best, count, growth = min(trials.errors), len(trials.errors), self.growth
        if best <= self.hopeless:
            return False
        assert trials.level is not None
        unknowns = trials.level * len(self.setup.problem.fields)
        if not self.setup.problem.linear:
            at_once = best > growth.hopeless_at_once * self.hopeless and unknowns >= growth.tiny
            return at_once or count >= growth.tries
        if unknowns < growth.enough or count < growth.tries:
            return False
        rate = min(1.0, (trials.errors[-1] / trials.errors[-growth.tries]) ** (1 / (growth.tries - 1)))
        return best * rate ** min(sizes_left, growth.foresight) > self.hopeless

    def seconds(self, trials: Trials[int], level: int) -> float:
        """Growing from the last fit by the cube of the unknowns."""
        assert trials.level is not None
        return trials.seconds * (level / trials.level) ** 3

    def smaller(self, trials: Trials[int], level: int) -> int | None:
        """Half the step, in proportion; of a first mixture a third."""
        if trials.level is None:
            return max(self.growth.least, level // 3) if level > self.growth.least else None
        between = round((level * trials.level) ** 0.5)
        return between if between >= self.growth.least_factor * trials.level else None

    def attempt(self, level: int, trials: Trials[int], run: Run) -> Candidate:
        """The best fit with a number of components over the widths that are tried."""
        guess = self.initial_guess if trials.best is None else trials.best.fit

        def solve(widths: Widths, best: Fit | None) -> Fit:
            return fit(self.setup, level, widths, initial_guess=guess if best is None else best, monitor=run)

        until = run.share(self.growth.searching)
        search = WidthSearch(solve, lambda _: not run.late and run.clock.now() <= until)
        fitted = self._over_widths(search, level, self._first_widths(level, trials))
        with finishing(anyhow=trials.best is None):
            fitted = with_truncation(fitted)
            estimate = self._estimated(fitted, run)
            leaves = left(fitted) if estimate.overall > RELIABLE else NOTHING_LEFT
        return Candidate(fitted, estimate, left=leaves, hurried=search.hurried, tried=search.tried)

    def _estimated(self, fitted: Fit, run: Run) -> ErrorEstimate:
        """The error; whether finer fits show a larger one is not waited for where it is too large in any case."""
        if run.late:
            estimate = estimate_error(fitted, run.points)
            if not is_good(Candidate(fitted, estimate), self.tol):
                return estimate
        hidden, doubt = self._finer.hidden(fitted, run)
        return estimate_error(fitted, run.points, finer=hidden).doubted(doubt)

    def _first_widths(self, components: int, trials: Trials[int]) -> Widths:
        """Widths to begin a search with: those of the last fit, narrower as the components become denser."""
        if trials.level is None:
            return (self.growth.width,) * self.setup.dimension
        return narrowed(trials.last.fit.widths, components / trials.level)

    def _over_widths(self, search: WidthSearch[Fit], components: int, start: Widths) -> Fit:
        """The best fit over as many widths as a mixture of this size allows."""
        setup, growth = self.setup, self.growth
        unknowns = components * len(setup.problem.fields)
        adjusted = growth.adjusted if setup.problem.linear else growth.adjusted_nonlinear
        if setup.given_widths is not None:
            return search.at(setup.given_widths)
        if unknowns <= growth.searched:
            return search.over(start, octaves=(1.0, 0.5), by_axis=setup.dimension <= growth.each_axis)
        if unknowns <= adjusted:
            return search.over(start, octaves=(0.25,), by_axis=False)
        return search.at(start)

    def better(self, candidate: Candidate, trials: Trials[int]) -> bool:
        """A fit of the size that was asked for; else converged fits before others, then the smaller estimate.

        A fit that is sure that there are many answers knows more than coarser ones.
        """
        best: Candidate = trials.best
        if self.setup.mixture.components and candidate.fit.components == self._sizes[-1]:
            return True
        if candidate.fit.converged != best.fit.converged:
            return candidate.fit.converged
        return candidate.error <= best.error or candidate.estimate.sure

    def state(self, trials: Trials[int]) -> dict[str, Any]:
        """The best fit, and of the last one its size and widths."""
        return {
            "best": saved(trials.best.fit),
            "estimate": asdict(trials.best.estimate),
            "errors": trials.errors,
            "level": trials.level,
            "widths": trials.last.fit.widths,
            "seconds": trials.seconds,
        }

    @restoring()
    def trials_from(self, state: Mapping[str, Any]) -> Trials[int]:
        """The trials that ``state`` describes."""
        check_state(
            state,
            best=checks.anything,
            estimate=checks.anything,
            errors=checks.listed(checks.size, least=1),
            level=checks.whole(1),
            widths=checks.listed(checks.positive, count=self.setup.dimension),
            seconds=checks.size,
        )
        estimate = ErrorEstimate(**checked_estimate(self.setup.problem, state["estimate"]))
        best = Candidate(restored(self.setup, state["best"]), estimate)
        last = Candidate(_OnlyWidths(tuple(state["widths"])), best.estimate)
        return Trials(best, last, state["level"], tuple(state["errors"]), seconds=state["seconds"])

    def result(self, trials: Trials[int], stop: Stop, run: Run) -> Result:
        """The best candidate, whether it is good enough, and why the refinement stopped."""
        best: Candidate = trials.best
        outcome, words = best.fit.outcome, beside(best.error, self.tol)
        hurried = f"stopped by {run.ended_by} before all widths were tried"
        late, why = run.end_of_time if stop is Stop.TIME else (Status.TIME, hurried if best.hurried else "")
        if not outcome.converged:
            status = Status.TIME if outcome.late or stop is Stop.TIME else Status.NOT_CONVERGED
            return Result(best, status, "; ".join(filter(None, [outcome.reason, "" if outcome.late else why])))
        if is_good(best, self.tol):
            parts = [outcome.reason, words, why] if self.tol is None else [words]
            return Result(best, good_status(self.tol), "; ".join(filter(None, parts)))
        if why:
            return Result(best, late, f"{words}: {why}")
        if self.tol is None:
            more = f"the estimate is poor: try more components or look at the residual{self._exactly}"
            return Result(best, Status.POOR, f"{outcome.reason}; {words}; {more}")
        status, why = self._missed(trials, stop)
        return Result(best, status, f"{words}: {why}{self._exactly}")

    @property
    def _exactly(self) -> str:
        """That hard conditions may help: in many dimensions ridges on few coordinates do not meet them on a sphere."""
        helps = is_hard_to_meet(self.setup.problem)
        return ", or meet the conditions exactly, with hard=True" if helps else ""

    def _missed(self, trials: Trials[int], stop: Stop) -> tuple[Status, str]:
        """Why the tolerance was not met, though there was time."""
        if stop is Stop.HOPELESS:
            return Status.MISSED, "it falls too slowly with the number of components"
        if not self.setup.mixture.components and self._stalled(trials):
            return Status.STALLED, "it stopped falling"
        return Status.LARGEST, f"{trials.level} components are the most allowed"


@dataclass(frozen=True)
class _OnlyWidths:
    """What a checkpoint holds of the last fit, which is all that the next one needs."""

    widths: Widths


def with_truncation(fitted: Fit) -> Fit:
    """A fit, or the best truncated-SVD solution where its validation residual is far above that at fitted points."""
    residual = fitted.outcome.norm / fitted.system.rows**0.5 / fitted.reference
    if fitted.validation_residual <= 1e3 * residual or fitted.validation_residual < 1e-10:
        return fitted
    try:
        return fitted.with_theta(best_truncated(fitted.outcome, fitted.validation_residual_of))
    except OutOfTime:
        return fitted
