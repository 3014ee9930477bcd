"""p-refinement: one mixture with more and more components, until it is good enough.

Where fits are small, and take hundredths of a second, the widths of the components are searched; where they are large,
the widths of the last fit are carried over (a component's slope grows like the number of components per coordinate) and
only adjusted. Nothing here looks at the exact solution: widths are chosen by the residual on points held out, and the
end comes by the error estimate.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gmnm_pde.adaptivity.loop import Stop, Trials, stalled
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import ErrorEstimate, estimate_error
from gmnm_pde.fitting.fit import Fit, fit, restored, saved
from gmnm_pde.fitting.stored import check_state, checked_estimate
from gmnm_pde.fitting.widths import Widths, search_widths
from gmnm_pde.io import checks
from gmnm_pde.io.states import restoring
from gmnm_pde.methods.least_squares import best_truncated
from gmnm_pde.models import along_each
from gmnm_pde.run.result import Result, Status
from gmnm_pde.run.run import Run

AIM = 1e-12
"""The error that is aimed at where no tolerance is given."""


@dataclass(frozen=True)
class Growth:
    """The numbers of p-refinement."""

    first: Mapping[int, int] = field(default_factory=lambda: {1: 40, 2: 150, 3: 400})
    """Components of the first mixture, by the number of coordinates."""
    first_beyond: int = 600
    """The same for more coordinates than ``first`` names."""
    factor: float = 1.6
    """How many times as many components the next mixture has."""
    first_with_tol: float = 0.4
    """With a tolerance a linear problem begins with this part of ``first``, so that few digits cost little; Newton's
    method from zero needs a mixture of some size to converge."""
    factor_with_tol: float = 1.35
    """The factor where there is a tolerance."""
    width: float = 1.5
    """The slope of components at first, on the domain scaled to [-1, 1]^d."""
    searched: int = 500
    """Up to this many unknowns widths are searched."""
    adjusted: int = 1500
    """Up to this many unknowns of a linear problem widths are adjusted."""
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
    patience: int = 4
    """Fits without a gain after which it ends."""
    tries: int = 3
    """Fits after which it may be given up as hopeless; for linear problems by the rate of the last of them."""
    hopeless_at_once: float = 10.0
    """A nonlinear problem is given up at once if the estimate is this many times what is hopeless."""
    enough: int = 600
    """A linear problem, whose fits are quick, is not given up below this many unknowns."""


@dataclass(frozen=True)
class PRefinement:
    """More components in one mixture.

    Args:
        setup: Of the solve.
        tol: The error wanted.
        initial_guess: A fit that Newton's method starts from at first.
        hopeless: The error above which it is given up early, if it will stay there.
        growth: The numbers.
    """

    setup: Setup
    tol: float | None
    initial_guess: Fit | None = None
    hopeless: float = math.inf
    growth: Growth = Growth()

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
        return Stop.HOPELESS if self._is_hopeless(trials, len(larger)) else larger[0]

    @property
    def _sizes(self) -> list[int]:
        """The numbers of components that are tried, the last of which is the most."""
        return list(self._growing())

    def _growing(self) -> Iterator[int]:
        mixture, linear, growth = self.setup.mixture, self.setup.problem.linear, self.growth
        if mixture.components and mixture.widths and linear:
            yield mixture.components
            return
        fields = len(self.setup.problem.fields)
        size, factor = growth.first.get(self.setup.dimension, growth.first_beyond) / fields**0.5, growth.factor
        most = growth.most_linear if linear else growth.most_nonlinear
        if self.tol is not None:
            size, factor = size * (growth.first_with_tol if linear else 1.0), growth.factor_with_tol
            most = growth.most_linear_with_tol if linear else growth.most_nonlinear_with_tol
        largest = mixture.components or most / fields
        while size * factor**0.5 < largest:
            yield round(size)
            size *= factor
        yield round(largest)

    def _stalled(self, trials: Trials[int]) -> bool:
        return stalled(trials.errors, early=self.growth.patience)

    def _is_hopeless(self, trials: Trials[int], sizes_left: int) -> bool:
        """Whether the estimates, which are above ``hopeless``, will stay there at the rate at which they fall."""
        best, count, growth = min(trials.errors), len(trials.errors), self.growth
        if best <= self.hopeless:
            return False
        if not self.setup.problem.linear:
            return best > growth.hopeless_at_once * self.hopeless or count >= growth.tries
        assert trials.level is not None
        if trials.level * len(self.setup.problem.fields) < growth.enough or count < growth.tries:
            return False
        rate = min(1.0, (trials.errors[-1] / trials.errors[-growth.tries]) ** (1 / (growth.tries - 1)))
        return best * rate**sizes_left > self.hopeless

    def seconds(self, trials: Trials[int], level: int) -> float:
        """By the cube of the unknowns."""
        assert trials.level is not None
        return trials.seconds * (level / trials.level) ** 3

    def attempt(self, level: int, trials: Trials[int], run: Run) -> Candidate:
        """The best fit with a number of components over the widths that are tried."""
        nearest = self.initial_guess if trials.best is None else trials.best.fit
        found, hurried = self._over_widths(level, self._widths_carried_over(level, trials), nearest, run)
        found = with_truncation(found)
        return Candidate(found, estimate_error(found, run.points), hurried=hurried)

    def _widths_carried_over(self, components: int, trials: Trials[int]) -> Widths:
        """The widths of the last fit, narrower as the components become denser."""
        if trials.level is None:
            return (self.growth.width,) * self.setup.dimension
        denser = (components / trials.level) ** (1 / self.setup.dimension)
        return tuple(width * denser for width in trials.last.fit.widths)

    def _over_widths(self, components: int, begin: Widths, nearest: Fit | None, run: Run) -> tuple[Fit, bool]:
        """The best fit, and whether the time limit kept widths from being tried."""
        setup, growth = self.setup, self.growth
        fits: dict[Widths, Fit] = {}
        hurried = False

        def residual_with(widths: Widths) -> float:
            nonlocal hurried
            if fits and run.late:
                hurried = True
                return math.inf
            guess = min(fits.values(), key=lambda known: known.validation_residual, default=nearest)
            fits[widths] = fit(setup, components, widths, initial_guess=guess, monitor=run)
            return fits[widths].validation_residual

        unknowns = components * len(setup.problem.fields)
        adjusted = growth.adjusted if setup.problem.linear else growth.adjusted_nonlinear
        chosen = begin
        if setup.mixture.widths is not None:
            chosen = along_each(setup.mixture.widths, setup.dimension)
            residual_with(chosen)
        elif unknowns <= growth.searched:
            chosen = search_widths(residual_with, begin, octaves=(1.0, 0.5), by_axis=True)
        elif unknowns <= adjusted:
            chosen = search_widths(residual_with, begin, octaves=(0.25,), by_axis=False)
        else:
            residual_with(begin)
        return fits[chosen], hurried

    def better(self, candidate: Candidate, trials: Trials[int]) -> bool:
        """A fit of the size that was asked for; else a converged one, and then the smaller estimate."""
        best: Candidate = trials.best
        if self.setup.mixture.components and candidate.fit.components == self._sizes[-1]:
            return True
        if candidate.fit.converged != best.fit.converged:
            return candidate.fit.converged
        return candidate.error <= best.error

    def state(self, trials: Trials[int]) -> dict[str, Any]:
        """Of the best fit everything, of the last its size and widths."""
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
        """The trials that ``state`` was given."""
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
        """Whether the best candidate is good enough, and why there is no better one."""
        best: Candidate = trials.best
        outcome, error = best.fit.outcome, best.error
        if stop is Stop.TIME:
            return Result(best, *run.end_of_time)
        if not outcome.converged:
            return Result(best, Status.TIME if outcome.late else Status.NOT_CONVERGED, outcome.reason)
        if self.tol is None:
            if best.hurried:
                words = "stopped by the time limit before all widths were tried"
                return Result(best, Status.TIME, f"{words}; error estimate {error:.1e}")
            status = Status.RELIABLE if error < 1e-2 else Status.POOR
            note = "" if status.converged else "; the estimate is poor: try more components or look at the residual"
            return Result(best, status, f"{outcome.reason}; error estimate {error:.1e}{note}")
        if error <= self.tol:
            return Result(best, Status.MET, f"the error estimate {error:.1e} meets tol={self.tol:g}")
        gave_up = not self.setup.mixture.components and self._stalled(trials)
        why = "it stopped falling" if gave_up else f"{trials.level} components are the most allowed"
        status = Status.STALLED if gave_up else Status.LARGEST
        return Result(best, status, f"the error estimate {error:.1e} does not meet tol={self.tol:g}: {why}")


@dataclass(frozen=True)
class _OnlyWidths:
    """All that is known of a fit from a file, where no more is needed."""

    widths: Widths


def with_truncation(found: Fit) -> Fit:
    """Where the residual between the points is far above that on them, a truncated-SVD solution may do better."""
    fitted = found.outcome.norm / found.system.rows**0.5 / found.reference
    if found.validation_residual <= 1e3 * fitted or found.validation_residual < 1e-10:
        return found
    return found.with_theta(best_truncated(found.outcome, found.validation_residual_of))
