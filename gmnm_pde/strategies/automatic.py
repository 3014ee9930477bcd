"""The strategy by default: least squares with one mixture; where its error estimate is poor, patches or time slabs."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

from gmnm_pde.adaptivity.continuation import Homotopy, along_diffusion, follow
from gmnm_pde.adaptivity.contrast import choose_contrast
from gmnm_pde.adaptivity.directions import choose_directions
from gmnm_pde.adaptivity.h_refinement import HRefinement, Refining, seconds_of_first
from gmnm_pde.adaptivity.loop import Stop, Trials, adapt
from gmnm_pde.adaptivity.p_refinement import Growth, PRefinement
from gmnm_pde.adaptivity.time_slabs import March, Slabs
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.fit import Fit, restored, saved
from gmnm_pde.fitting.inspection import NOTHING_LEFT, left
from gmnm_pde.fitting.stored import checked_estimate
from gmnm_pde.geometry import GivenPoints, Parted
from gmnm_pde.interruption import OutOfTime, limited
from gmnm_pde.run.clock import WorkClock
from gmnm_pde.run.resolved import missed
from gmnm_pde.run.result import RELIABLE, Result, Status, beside, is_good
from gmnm_pde.run.run import Run
from gmnm_pde.strategies.automatic_state import checked, kept
from gmnm_pde.strategies.boxes import foreseen_level, has_many_parts, is_suited, nothing_else_helps, tried
from gmnm_pde.strategies.going import Blocks, Going
from gmnm_pde.strategies.preference import is_better
from gmnm_pde.strategies.shooting import may_shoot, shot

_FITS = 10.0
"""Without a tolerance patches have fewer components where a time limit leaves time for less than this many first fits
of them."""

_TRIALS = 0.4
"""The part of a time limit that trials of directions may take."""


@dataclass(frozen=True)
class Automatic:
    """Solve with what was chosen by hand, or refine until the error estimate is good.

    Args:
        setup: Of the solve; with a partition, that one is used.
        description: For the report.
        blocks: Time slabs, where they are asked for.
        slabs_allowed: Whether time slabs or patches may be used unasked.
        homotopy: The continuation that is asked for, if any.
        continuation_allowed: Whether one may be used unasked.
        initial_guess: What Newton's method begins from, if that is given.
        numbers: Those that decide on what is used unasked.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"checkpoint", "blocks", "continuation", "engine", "initial_guess"})

    setup: Setup
    description: str
    blocks: Blocks | None = None
    slabs_allowed: bool = True
    homotopy: Homotopy | None = None
    continuation_allowed: bool = True
    initial_guess: InitialGuess | None = None
    numbers: Going = field(default_factory=Going)

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint says of the arguments of this strategy."""
        blocks = None if self.blocks is None else asdict(self.blocks)
        allowed = {"slabs_allowed": self.slabs_allowed, "continuation_allowed": self.continuation_allowed}
        return {"strategy": "automatic", "blocks": blocks, **allowed}

    def run(self, run: Run) -> Result:
        """Solve from the beginning, or from a checkpoint."""
        with limited(run.allowance.part(_TRIALS)):
            setup = choose_directions(self.setup, run)
        return _Solve(replace(self, setup=setup), run).result()


class _Solve:
    """An automatic solve under way.

    ``_guess`` is the initial guess that was given or that a continuation led to, and ``_note`` what the latter adds to
    the report's reason.
    ``_boxes`` is what boxes left, until something better is found.
    ``_stage`` names what the checkpoint was written in that this solve resumes, until that is gone on with.
    """

    def __init__(self, strategy: Automatic, run: Run):
        self._strategy, self._setup, self._run, self._numbers = strategy, strategy.setup, run, strategy.numbers
        self._resumed: Mapping[str, Any] = checked(run.resumed)
        self._stage: str = self._resumed.get("stage", "")
        self._note: str = self._resumed.get("note", "")
        self._guess: InitialGuess | None = strategy.initial_guess
        self._doubted = False
        self._boxes: Result | None = None
        if self._resumed.get("guess"):
            self._guess = restored(replace(self._setup, partition=None), self._resumed["guess"])

    def result(self) -> Result:
        """What was asked for by hand; else one mixture, and then patches or time slabs if they may do better."""
        try:
            with limited(self._run.allowance):
                return self._best()
        except OutOfTime:
            self._run.require_time()
            if self._boxes is not None:
                return replace(self._boxes, status=Status.TIME)
            return self._least()

    def _best(self) -> Result:
        self._boxes = on_parts = self._on_parts()
        if on_parts is not None and is_good(on_parts.best, self._run.tol):
            return on_parts
        self._setup = choose_contrast(self._setup, self._run)
        return self._preferred(self._otherwise(), on_parts)

    def _on_parts(self) -> Result | None:
        """On boxes, where a tolerance is given or parts are many: a mixture a part takes longer, for more digits."""
        untouched = self._is_untouched and not self._stage and not self._resumed.get("first")
        by_hand = self._strategy.homotopy is not None or self._strategy.blocks is not None
        asked = self._run.tol is not None or has_many_parts(self._setup)
        if not self._setup.problem.domain.parts or not asked or not untouched or by_hand:
            return None
        return self._tried(self._setup, self._run.bounded_by_work(self._numbers.work))

    @property
    def _tried(self) -> Callable[..., Result | None]:
        """On boxes, by a continuation if that is not ruled out."""
        return partial(tried, by_continuation=self._strategy.continuation_allowed)

    def _preferred(self, result: Result, boxes: Result | None) -> Result:
        """What else was found, or what boxes left where that is better."""
        if boxes is None or is_good(result.best, self._run.tol) or not boxes.best.error < result.best.error:
            return result
        return replace(boxes, details=f"{boxes.details}; nothing else left a smaller estimate")

    def _otherwise(self) -> Result:
        strategy, setup = self._strategy, self._setup
        if strategy.homotopy is not None and not self._stage:
            self._note = self._follow(strategy.homotopy)
        if strategy.blocks is not None:
            return self._in_slabs(strategy.blocks, self._run)
        if setup.partition is not None:
            return self._on_patches(self._guess, self._run, fixed=True)
        may = self._is_untouched and not self._stage and not setup.problem.domain.parts
        level = foreseen_level(setup, self._run.tol) if may else None
        amply = self._run.bounded_by_work(self._numbers.waves)
        boxes = None if level is None else self._tried(setup, amply, level)
        if boxes is not None and (is_good(boxes.best, self._run.tol) or nothing_else_helps(setup)):
            return boxes
        self._boxes = boxes
        return self._preferred(self._without_cells(), boxes)

    def _without_cells(self) -> Result:
        """One mixture, and where that left a poor estimate boxes, then patches."""
        setup, bounded = self._setup, self._run.bounded_by_work(self._numbers.work)
        first = self._first()
        self._doubted = first.best.left.settled
        if not self._wants_more(first) or not self._may_use_boxes(bounded):
            return self._larger(first)
        bounded = bounded.keeping(first=kept(first))
        boxes = None
        if not (self._boxes and setup.problem.linear):  # else they would be the same again
            boxes = self._tried(setup, bounded, guess=first.best.fit if first.best.fit.converged else self._guess)
        if boxes is not None and is_good(boxes.best, self._run.tol):
            left = f"before that one mixture left an error estimate of {first.best.error:.1e}"
            return replace(boxes, details=f"{boxes.details}; {left}")
        self._boxes = boxes or self._boxes
        return self._preferred(self._on_other_pieces(first, bounded), boxes)

    def _on_other_pieces(self, first: Result, bounded: Run) -> Result:
        """On patches or in slabs, where these may do better than one mixture."""
        setup = self._setup
        if not self._may_use_patches(bounded):
            return self._larger(first)
        second = self._in_pieces(first, bounded)
        if second is None:
            return self._cut_short(first, f"no fit on patches was finished before {self._run.ended_by}")
        left = f"before that one mixture left an error estimate of {first.best.error:.1e}"
        if is_better(second, first, self._run, setup):
            return replace(second, details=f"{second.details}; {left}")
        pieces = "blocks in time" if setup.problem.domain.time else "patches"
        words = f"{pieces} did no better, with an estimate of {second.best.error:.1e}"
        if second.status is Status.TIME:
            return self._cut_short(first, f"{words} when {self._run.ended_by} stopped them")
        return replace(first, details=f"{first.details}; {words}")

    def _cut_short(self, first: Result, words: str) -> Result:
        """One mixture, where what might have done better was cut short."""
        status = first.status if is_good(first.best, self._run.tol) else Status.TIME
        return replace(first, status=status, details=f"{first.details}; {words}")

    def _larger(self, first: Result) -> Result:
        """Where one mixture was given up for patches that there is no time for: more components after all."""
        run, fit, growth = self._run, first.best.fit, Growth()
        unknowns = fit.components * len(self._setup.problem.fields)
        given_up = first.status in (Status.MISSED, Status.POOR) and not self._setup.mixture.components
        if not (given_up and run.timed) or run.late or unknowns * growth.factor > growth.most_nonlinear:
            return first
        more = round(growth.factor * fit.components * len(self._setup.problem.fields) ** 0.5)
        growth = replace(growth, first=ByDimension(more, more, more, more), first_with_tol=1.0)
        try:
            second = adapt(PRefinement(self._setup, run.tol, fit, growth=growth), run.part())
        except OutOfTime:
            return first
        return second if is_better(second, first, run, self._setup) else first

    def _in_pieces(self, first: Result, run: Run) -> Result | None:
        """On patches, or in time slabs where there is time; None where a time limit left time for no fit."""
        try:
            if self._setup.problem.domain.time:
                return self._in_slabs(Blocks(None, Slabs().first), run)
            return self._on_patches(first.best.fit if first.best.fit.converged else self._guess, run)
        except OutOfTime:
            return None

    def _least(self) -> Result:
        """One small mixture, where the time limit left time for nothing else."""
        setup = replace(self._setup, partition=None)
        refinement = PRefinement(setup, self._run.tol, growth=replace(Growth(), searched=0, adjusted=0))
        least = refinement.growth.least
        candidate = refinement.attempt(least, Trials(), self._run)
        self._run.record(candidate)
        result = refinement.result(Trials().after(least, candidate, 0.0, better=True), Stop.TIME, self._run)
        left = f"{self._run.ended_by} left time for one small mixture alone"
        words = f"{beside(candidate.error, self._run.tol)}; {left}"
        return replace(result, details=words)

    def _first(self) -> Result:
        """One mixture, with a continuation where Newton's method does not converge."""
        if self._resumed.get("first"):
            return self._restored(self._resumed["first"])
        strategy, problem, numbers = self._strategy, self._setup.problem, self._numbers
        shooting = may_shoot(self._setup)
        first = self._with_one_mixture(lost=numbers.shoot if shooting else None)
        best = first.best.fit
        lost = not problem.linear and not best.converged and best.validation_residual > numbers.lost
        proposed = strategy.continuation_allowed and strategy.homotopy is None and not problem.domain.time
        if lost and proposed and not isinstance(self._guess, Fit) and problem.order > 0 and not self._run.late:
            began = "zero" if self._guess is None else "the initial guess"
            self._stage, told = "", self._follow(along_diffusion(problem))
            if self._guess is not None:
                self._note = f"Newton's method did not converge from {began}: {told}"
                first = self._with_one_mixture()
        if shooting and not best.converged and not self._run.late:
            first = self._after_shooting(first)
        return self._noted(first)

    def _after_shooting(self, first: Result) -> Result:
        """One mixture, from the march whose parameters meet the data best; if need be as it would go on without."""
        guess, run, setup = self._guess, self._run, self._setup
        try:
            self._guess = shot(setup)
            if self._guess is not None:
                second = self._with_one_mixture()
                first = second if is_better(second, first, run, setup) else first
            if not first.best.fit.converged and not run.late:
                self._guess = guess
                second = self._with_one_mixture()
                first = second if is_better(second, first, run, setup) else first
        except OutOfTime:
            pass
        return first

    def _noted(self, result: Result) -> Result:
        """With what a continuation came to."""
        return replace(result, details=f"{result.details}; {self._note}") if self._note else result

    def _follow(self, homotopy: Homotopy) -> str:
        """Take the initial guess from a continuation; in words what it came to."""
        self._guess, told = follow(self._setup, homotopy, self._run)
        return told

    def _keeping(self, stage: str, run: Run, note: str) -> Run:
        """A run that writes what this solve needs to be resumed."""
        guess = saved(self._guess) if isinstance(self._guess, Fit) else None
        return run.keeping(stage=stage, note=note, guess=guess)

    def _with_one_mixture(self, lost: int | None = None) -> Result:
        hopeless = self._numbers.hopeless
        domain, growth = self._setup.problem.domain, Growth()
        if isinstance(domain, Parted):
            # few components do not resolve what surrounds another part, and no corners of it
            hopeless = min(hopeless, self._limit(self._run.tol))
            growth = replace(growth, enough=0, foresight=4) if len(domain.junctions()) else growth
        hopeless = hopeless if self._may_use_boxes(self._run) else math.inf
        refinement = PRefinement(self._setup, self._run.tol, self._guess, hopeless, growth, lost)
        known = refinement.trials_from(self._resumed["state"]) if self._stage == "one mixture" else None
        self._stage = ""
        return adapt(refinement, self._keeping("one mixture", self._run, self._note), known)

    def _on_patches(self, guess: InitialGuess | None, run: Run, *, fixed: bool = False) -> Result:
        refinement = HRefinement(self._setup, run.tol, guess, fixed, self._refining(run), doubted=self._doubted)
        known = refinement.trials_from(self._resumed["state"]) if self._stage == "patches" else None
        result = adapt(refinement, self._keeping("patches", run, self._note), known)
        if not fixed:
            result = self._with_more_components(result, run)
            result = self._with_fewer_digits(result, guess, run)
        return self._noted(result)

    def _refining(self, run: Run) -> Refining:
        """Components for fewer digits where no tolerance was given and a time limit is short."""
        numbers = Refining()
        while run.timed and run.tol is None and numbers.digits > numbers.least_digits:
            if run.affords(_FITS * seconds_of_first(self._setup, None, numbers)):
                break
            numbers = replace(numbers, digits=numbers.digits - 1)
        return numbers

    def _with_fewer_digits(self, result: Result, guess: InitialGuess | None, run: Run) -> Result:
        """Where work was bounded, without a tolerance, and left a poor result: smaller boxes of fewer components."""
        done = result.best.error < self._numbers.poor or result.status is Status.UNSOLVED
        if run.tol is not None or run.timed or done:
            return result
        numbers = replace(Refining(), digits=Refining().least_digits)
        again = run.part(clock=WorkClock(), deadline=self._numbers.work / 2)
        second = adapt(HRefinement(self._setup, None, guess, refining=numbers), again)
        return second if is_better(second, result, run, self._setup) else result

    def _with_more_components(self, result: Result, run: Run) -> Result:
        """Where smaller boxes came to an end before a time limit: more components in each box."""
        ended = result.status in (Status.STALLED, Status.LARGEST)
        if not (ended and run.timed) or run.late:
            return result
        fit = result.best.fit
        setup = replace(self._setup, partition=fit.model.partition)
        refinement = HRefinement(setup, run.tol, fit, fixed=True, first=fit.components // setup.patches)
        try:
            more = adapt(refinement, run.part())
        except OutOfTime:
            return result
        return more if is_better(more, result, run, self._setup) else result

    def _in_slabs(self, blocks: Blocks, run: Run) -> Result:
        march = March(self._setup, blocks.edges, blocks.count, run.tol)
        known = march.slabs_from(self._resumed["state"]) if self._stage == "slabs" else ()
        return self._noted(march.run(self._keeping("slabs", run, self._note), known))

    def _wants_more(self, first: Result) -> bool:
        """Whether one mixture left a poor result, where there is one answer."""
        poor = first.best.error > self._limit(self._run.tol) or not first.best.fit.converged
        poor = poor or bool(missed(first.best, self._setup))
        contradicted = self._setup.posed.contradiction and first.best.left.relative > self._limit(self._run.tol)
        return poor and not first.best.estimate.sure and not contradicted

    def _limit(self, tol: float | None) -> float:
        """The error estimate of one mixture above which it is poor."""
        return self._numbers.poor if tol is None else max(tol, self._numbers.fine)

    def _may_use_patches(self, run: Run) -> bool:
        """Whether nothing of the mixture was chosen by hand, and patches are able to solve the problem in time."""
        return self._is_untouched and self._affords_patches(run)

    def _may_use_boxes(self, run: Run) -> bool:
        """Whether patches may be used, or would be but for time or data at given points, which boxes may have."""
        return self._may_use_patches(run) or (self._is_by_itself and is_suited(self._setup))

    @property
    def _is_untouched(self) -> bool:
        """Whether nothing of the mixture was chosen by hand, and patches are able to solve the problem."""
        return self._is_by_itself and not self._has_given_points

    @property
    def _has_given_points(self) -> bool:
        return any(isinstance(term.region, GivenPoints) for term in self._setup.problem.terms)

    @property
    def _is_by_itself(self) -> bool:
        """Whether nothing was chosen by hand, and the problem is one for patches or boxes."""
        mixture, problem = self._setup.mixture, self._setup.problem
        by_hand = (mixture.components, mixture.widths, mixture.patches, self._setup.points)
        few = problem.domain.dimension <= self._numbers.most_dimensions
        begun = not problem.domain.time or any(term.group == "initial" for term in problem.terms)
        begun = begun and not self._setup.posed.ill_posed
        able = few and begun and problem.order > 0 and not problem.parameters and not problem.periodic
        able = able and not any(feature.hidden for feature in self._setup.features)
        closed = self._setup.engine in ("auto", "closed")
        untouched = all(choice is None for choice in by_hand) and closed
        return self._strategy.slabs_allowed and able and untouched

    def _affords_patches(self, run: Run) -> bool:
        """Whether there is time for a first fit on patches."""
        return not run.limited or run.affords(seconds_of_first(self._setup, run.tol))

    def _restored(self, state: Mapping[str, Any]) -> Result:
        fit = restored(self._setup, state["best"])
        estimate = ErrorEstimate(**checked_estimate(self._setup.problem, state["estimate"]))
        candidate = Candidate(fit, estimate, left=left(fit) if estimate.overall > RELIABLE else NOTHING_LEFT)
        return Result(candidate, Status[state["status"]], state["details"])
