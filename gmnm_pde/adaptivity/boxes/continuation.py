"""A continuation on boxes: from a problem whose highest derivatives count more to the one that is stated.

Where these are diffusion, layers are thick at first, and Newton's method finds the solution; thinner ones then follow
by small steps. All along the boxes are fine enough to show the solution: least residuals of what boxes do not show are
far from solutions, and a path that went over one would be lost.
"""

import math
from dataclasses import dataclass, replace

from torch import Tensor

from gmnm_pde._errors import NotFiniteError
from gmnm_pde.adaptivity.boxes.lines import LineRefinement
from gmnm_pde.adaptivity.loop import adapt
from gmnm_pde.boxes.fit import BoxFit, fit_boxes
from gmnm_pde.boxes.foresight import Level, seconds_of
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.interruption import OutOfTime
from gmnm_pde.methods import LeastSquares
from gmnm_pde.run.result import Result
from gmnm_pde.run.run import Run

BOOSTS = (1.0, 1e2, 1e4, 1e6)
"""What the highest derivatives are multiplied by at the beginning: the first number for which a solution is found."""

_COUNTS = ByDimension(line=24, plane=6, space=2, beyond=1)
"""Boxes along each coordinate at the beginning."""

_DEGREE = ByDimension(line=16, plane=12, space=8, beyond=4)
"""Their degree."""

_SOLVED, _SEEN = 0.03, 1.0
"""A solution on the way is good enough below the first error estimate; between these two boxes may be too large."""

_FIRST, _SMALLEST = 0.1, 1 / 256
"""The first step, as a part of the way on a logarithmic scale, and the smallest."""

_EASY, _LONGER, _SHORTER = 5, 1.7, 0.4
"""After so few Newton steps the next step along the way is longer by the first factor; one that fails is shortened."""

_NEWTON = LeastSquares(max_steps=12)
"""Where a step along the way is short enough, so many Newton steps are plenty."""

_REFINED = 3
"""So many times in succession boxes are made smaller at one place at most."""


@dataclass(frozen=True)
class Reached:
    """Where a continuation has come to: a solution on the boxes of a level, with diffusion ``boost`` times as large."""

    level: Level
    fit: BoxFit
    boost: float


@dataclass(frozen=True)
class BoxContinuation:
    """Problems of ever less diffusion on boxes between lines.

    Args:
        statements: What is solved.
        seed: Of the solve.
    """

    statements: Statements
    seed: int

    def reached(self, run: Run) -> Reached | None:
        """The solution of the problem itself, roughly; None where no beginning or no way to it is found in time."""
        before, here, step = None, self._begun(run), _FIRST
        if here is None:
            return None
        first = math.log(here.boost)
        while here.boost > 1.0 and step >= _SMALLEST and not run.late:
            boost = max(1.0, here.boost * math.exp(-step * first))
            there = self._attempted(here.level, _foretold(before, here, boost), boost, run)
            if there is None:
                step *= _SHORTER
            else:
                before, here = here, there
                step *= _LONGER if there.fit.steps <= _EASY else 1.0
        return here if here.boost == 1.0 else None

    def _begun(self, run: Run) -> Reached | None:
        d = self.statements.problem.domain.dimension
        level = Level((_COUNTS.of(d),) * d, _DEGREE.of(d))
        for boost in BOOSTS:
            if run.late:
                break
            found = self._attempted(level, None, boost, run)
            if found is not None:
                return found
        return None

    def _attempted(self, level: Level, guess: InitialGuess | None, boost: float, run: Run) -> Reached | None:
        """With some diffusion, on smaller boxes if need be; None where Newton's method does not find it."""
        statements = boosted(self.statements, boost)
        refinement = LineRefinement(statements, _SOLVED, self.seed)
        for _ in range(_REFINED + 1):
            try:
                layout = level.layout(statements.problem.domain.bounds, statements.periodic)
                fit = fit_boxes(statements, layout, level.degree, self.seed, guess=guess, monitor=run, newton=_NEWTON)
            except NotFiniteError:
                return None
            error = max(fit.judged.errors)
            run.worked(fit.steps * seconds_of(level, shared=fit.shared, across=statements.across))
            if not fit.converged or fit.judged.doubt or not error <= _SEEN:
                return None
            if error <= _SOLVED:
                return Reached(level, fit, boost)
            finer = refinement.finer(level, fit, error)
            if finer is None or run.late:
                return None
            level, guess = finer, fit
        return None


@dataclass(frozen=True)
class _Foretold:
    """What comes after two solutions, on a straight line (``fitting/approximation.py``)."""

    before: BoxFit
    here: BoxFit
    ratio: float

    @property
    def theta(self) -> Tensor:
        return self.here.theta

    def solved_for(self, points: Tensor) -> Tensor:
        """The fields at points [n, d]: [n, fields]."""
        known = self.here.solved_for(points)
        return known + self.ratio * (known - self.before.solved_for(points))


def _foretold(before: Reached | None, here: Reached, boost: float) -> InitialGuess:
    """What Newton's method begins with at some boost."""
    if before is None:
        return here.fit
    return _Foretold(before.fit, here.fit, math.log(boost / here.boost) / math.log(here.boost / before.boost))


def may_be_continued(statements: Statements) -> bool:
    """Whether diffusion may be larger at first: of what is steady and nonlinear, on boxes between lines."""
    problem = statements.problem
    steady = not problem.linear and not problem.domain.time and problem.order > 1
    return steady and is_box(problem.domain) and not problem.domain.parts


def continued(statements: Statements, seed: int, before: Result, run: Run) -> Result:
    """The better of a result and of what a continuation leads to."""
    try:
        reached = BoxContinuation(statements, seed).reached(run)
        if reached is None:
            return before
        refinement = LineRefinement(statements, run.tol, seed, begin=reached.level, guess=reached.fit)
        result = adapt(refinement, run)
    except OutOfTime:
        return before
    told = f"{result.details}; with more diffusion at first"
    return replace(result, details=told) if result.best.error < before.best.error else before


def boosted(statements: Statements, boost: float) -> Statements:
    """The same statements with the highest derivatives in the equations so many times as large."""
    if boost == 1.0:
        return statements
    problem = statements.problem.boosted(boost)
    return replace(statements, problem=problem, equations=tuple(t for t in problem.terms if t.group == "interior"))
