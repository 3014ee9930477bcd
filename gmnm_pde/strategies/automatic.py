"""The strategy by default: least squares with one mixture; where its error estimate is poor, patches or time slabs."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from gmnm_pde.adaptivity.continuation import Homotopy, along_diffusion, follow
from gmnm_pde.adaptivity.contrast import choose_contrast
from gmnm_pde.adaptivity.directions import choose_directions
from gmnm_pde.adaptivity.h_refinement import HRefinement, seconds_of_first
from gmnm_pde.adaptivity.loop import adapt
from gmnm_pde.adaptivity.p_refinement import Growth, PRefinement
from gmnm_pde.adaptivity.time_slabs import March, Slabs
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.fit import Fit, restored, saved
from gmnm_pde.fitting.stored import check_state, checked_estimate
from gmnm_pde.geometry import GivenPoints, Parted
from gmnm_pde.io import checks
from gmnm_pde.run.result import Result, Status
from gmnm_pde.run.run import Run


@dataclass(frozen=True)
class Going:
    """The numbers by which patches, time slabs and a continuation are used unasked."""

    poor: float = 1e-4
    """Without a tolerance an error estimate of one mixture above this is poor, and patches are tried."""
    fine: float = 1e-8
    """An error estimate below this is never poor: for so smooth a solution patches do no better than one mixture."""
    hopeless: float = 1e-3
    """One mixture is given up early where its error estimate is going to stay above this."""
    lost: float = 1e-3
    """A continuation is tried where Newton's method did not converge and the validation residual is above this."""
    work: float = 200.0
    """Without a time limit patches may take as much work as one core is predicted to do in this many seconds."""
    most_dimensions: int = 3
    """The most coordinates with which patches are used."""


@dataclass(frozen=True)
class Blocks:
    """Time slabs as ``solve(blocks=...)`` asks for them: their edges, if given, and how many to begin with."""

    edges: tuple[float, ...] | None
    count: int


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
        numbers: Those that decide on what is used unasked.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"checkpoint", "blocks", "continuation", "engine"})

    setup: Setup
    description: str
    blocks: Blocks | None = None
    slabs_allowed: bool = True
    homotopy: Homotopy | None = None
    continuation_allowed: bool = True
    numbers: Going = Going()

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint says of the arguments of this strategy."""
        blocks = None if self.blocks is None else asdict(self.blocks)
        allowed = {"slabs_allowed": self.slabs_allowed, "continuation_allowed": self.continuation_allowed}
        return {"strategy": "automatic", "blocks": blocks, **allowed}

    def run(self, run: Run) -> Result:
        """Solve from the beginning, or from a checkpoint."""
        chosen = replace(self, setup=choose_contrast(choose_directions(self.setup, run), run))
        return _Solve(chosen, run).result()


class _Solve:
    """An automatic solve under way.

    ``_guess`` is the initial guess that a continuation led to, and ``_note`` what it adds to the report's reason.
    ``_stage`` names what the checkpoint was written in that this solve resumes, until that is gone on with.
    """

    def __init__(self, strategy: Automatic, run: Run):
        self._strategy, self._setup, self._run, self._numbers = strategy, strategy.setup, run, strategy.numbers
        self._resumed: Mapping[str, Any] = _checked(run.resumed)
        self._stage: str = self._resumed.get("stage", "")
        self._note: str = self._resumed.get("note", "")
        self._guess: Fit | None = None
        if self._resumed.get("guess"):
            self._guess = restored(replace(self._setup, partition=None), self._resumed["guess"])

    def result(self) -> Result:
        """What was asked for by hand; else one mixture, and then patches or time slabs if they may do better."""
        strategy, setup = self._strategy, self._setup
        if strategy.homotopy is not None and not self._stage:
            self._follow(strategy.homotopy)
            self._note += "; "
        if strategy.blocks is not None:
            return self._in_slabs(strategy.blocks, self._run)
        if setup.partition is not None:
            return self._on_patches(self._guess, self._run, fixed=True)
        first = self._first()
        bounded = self._run.bounded_by_work(self._numbers.work)
        if not self._wants_patches(first, bounded):
            return first
        bounded = bounded.keeping(first=_saved(first))
        left = f"one mixture left an error estimate of {first.best.error:.1e}"
        if setup.problem.domain.time:
            note = f"{self._note}{left}, so blocks in time, each on patches, were used: "
            second = self._in_slabs(Blocks(None, Slabs().first), bounded, note)
        else:
            note = f"{self._note}{left}, so patches were used: "
            guess = first.best.fit if first.best.fit.converged else self._guess
            second = self._on_patches(guess, bounded, note)
        return second if _rank(second) <= _rank(first) else _no_better(first, second)

    def _first(self) -> Result:
        """One mixture, with a continuation where Newton's method does not converge."""
        if self._resumed.get("first"):
            return self._restored(self._resumed["first"])
        strategy, problem, numbers = self._strategy, self._setup.problem, self._numbers
        first = self._with_one_mixture()
        best = first.best.fit
        lost = not problem.linear and not best.converged and best.validation_residual > numbers.lost
        proposed = strategy.continuation_allowed and strategy.homotopy is None and not problem.domain.time
        if lost and proposed and self._guess is None and problem.order > 0 and not self._run.late:
            self._stage, told = "", self._follow(along_diffusion(problem))
            if self._guess is not None:
                self._note = f"Newton's method did not converge from zero; {told}; "
                first = self._with_one_mixture()
        return replace(first, details=self._note + first.details)

    def _follow(self, homotopy: Homotopy) -> str:
        """Take the initial guess from a continuation; what it came to, in words."""
        self._guess, told = follow(self._setup, homotopy, self._run)
        self._note = told
        return told

    def _keeping(self, stage: str, run: Run, note: str) -> Run:
        """A run that writes what this solve needs to be resumed."""
        guess = None if self._guess is None else saved(self._guess)
        return run.keeping(stage=stage, note=note, guess=guess)

    def _with_one_mixture(self) -> Result:
        hopeless = self._numbers.hopeless
        domain, growth = self._setup.problem.domain, Growth()
        if isinstance(
            domain, Parted
        ):  # few components do not resolve what surrounds another part, and no corners of it
            hopeless = min(hopeless, self._limit(self._run.tol))
            growth = replace(growth, enough=0, foresight=4) if len(domain.junctions()) else growth
        hopeless = hopeless if self._may_use_patches(self._run) else math.inf
        refinement = PRefinement(self._setup, self._run.tol, self._guess, hopeless, growth)
        known = refinement.trials_from(self._resumed["state"]) if self._stage == "one mixture" else None
        self._stage = ""
        return adapt(refinement, self._keeping("one mixture", self._run, self._note), known)

    def _on_patches(self, guess: Fit | None, run: Run, note: str | None = None, *, fixed: bool = False) -> Result:
        refinement = HRefinement(self._setup, run.tol, guess, fixed)
        known = refinement.trials_from(self._resumed["state"]) if self._stage == "patches" else None
        result = adapt(refinement, self._keeping("patches", run, self._note), known)
        return replace(result, details=(self._note if note is None else note) + result.details)

    def _in_slabs(self, blocks: Blocks, run: Run, note: str | None = None) -> Result:
        march = March(self._setup, blocks.edges, blocks.count, run.tol)
        known = march.slabs_from(self._resumed["state"]) if self._stage == "slabs" else ()
        result = march.run(self._keeping("slabs", run, self._note), known)
        return replace(result, details=(self._note if note is None else note) + result.details)

    def _wants_patches(self, first: Result, run: Run) -> bool:
        """Whether one mixture left a poor result, and patches or time slabs may be used."""
        poor = first.best.error > self._limit(run.tol) or not first.best.fit.converged
        return self._may_use_patches(self._run) and poor and self._affords_patches(run)

    def _limit(self, tol: float | None) -> float:
        """The error estimate of one mixture above which it is poor."""
        return self._numbers.poor if tol is None else max(tol, self._numbers.fine)

    def _may_use_patches(self, run: Run) -> bool:
        """Whether nothing of the mixture was chosen by hand, and patches are able to solve the problem in time."""
        mixture, problem = self._setup.mixture, self._setup.problem
        by_hand = (mixture.components, mixture.widths, mixture.patches, self._setup.points)
        regions = all(not isinstance(term.region, GivenPoints) for term in problem.terms)
        few = problem.domain.dimension <= self._numbers.most_dimensions
        begun = not problem.domain.time or any(term.group == "initial" for term in problem.terms)
        able = regions and few and begun and problem.order > 0 and not problem.parameters and not problem.periodic
        closed = self._setup.engine in ("auto", "closed")
        untouched = all(choice is None for choice in by_hand) and closed
        return self._strategy.slabs_allowed and able and untouched and self._affords_patches(run)

    def _affords_patches(self, run: Run) -> bool:
        """Whether there is time for a first fit on patches."""
        return not run.limited or run.affords(seconds_of_first(self._setup, run.tol))

    def _restored(self, state: Mapping[str, Any]) -> Result:
        fit = restored(self._setup, state["best"])
        candidate = Candidate(fit, ErrorEstimate(**checked_estimate(self._setup.problem, state["estimate"])))
        return Result(candidate, Status[state["status"]], state["details"])


_FIRST = checks.record(
    best=checks.anything,
    estimate=checks.anything,
    status=checks.one_of(*Status.__members__),
    details=checks.text,
)
"""What a checkpoint holds of one mixture that was left for patches or slabs."""


def _checked(resumed: Any) -> Mapping[str, Any]:
    """The state of a solve in a checkpoint; nothing without a checkpoint.

    Raises:
        GmnmError: it is that of no course.
    """
    if resumed is None:
        return {}
    parts = {"note": checks.text, "guess": checks.anything, "state": checks.anything, "work": checks.size}
    first = {"first": _FIRST} if isinstance(resumed, dict) and "first" in resumed else {}
    check_state(resumed, stage=checks.one_of("one mixture", "patches", "slabs"), **parts, **first)
    return resumed


def _saved(result: Result) -> dict[str, Any]:
    estimate = asdict(result.best.estimate)
    named = {"status": result.status.name, "details": result.details}
    return {"best": saved(result.best.fit), "estimate": estimate, **named}


def _rank(result: Result) -> tuple[bool, float]:
    """What the better of two results has less of: converged fits before others, then the smaller estimate."""
    return not result.best.fit.converged, result.best.error


def _no_better(first: Result, second: Result) -> Result:
    return replace(first, details=f"{first.details}; patches did no better ({second.details})")
