"""Least squares in the readout: one solve where the system is linear, Newton steps with a line search where not."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from gmnm_pde._errors import NotFiniteError, refuse
from gmnm_pde.interruption import OutOfTime, pause
from gmnm_pde.linalg.fronts import Rows
from gmnm_pde.linalg.multifrontal import FrontSolver
from gmnm_pde.linalg.qr import RidgeSolver, reduce
from gmnm_pde.methods.method import Method, threshold
from gmnm_pde.methods.monitor import UNWATCHED, Monitor, Step

_HALVINGS = 12
"""Finite trials of a line search, each half as long as the one before."""

_SHORTEST = 2.0**-60
"""The shortest step that is tried on the way to a finite residual."""


class System(Protocol):
    """What least squares sees: a residual, and its linearisation in blocks of rows.

    A system with ``groups`` gives the linearisation in pieces that hold a few groups of unknowns each (``Grouped``);
    one with ``factored`` solves it by itself.
    """

    @property
    def linear(self) -> bool: ...
    @property
    def columns(self) -> int: ...
    def start(self) -> Tensor: ...
    def residual(self, theta: Tensor) -> Tensor: ...
    def blocks(self, theta: Tensor) -> Iterator[tuple[Tensor, Tensor]]: ...


class Grouped(System, Protocol):
    """A system whose unknowns come in groups; ``groups`` gives their sizes and where all but the first sit in space."""

    @property
    def groups(self) -> tuple[tuple[int, ...], Tensor]: ...
    def pieces(self, theta: Tensor) -> Iterator[tuple[tuple[int, ...], Tensor, Tensor]]: ...


class Factored(System, Protocol):
    """A system that factors its linearisation by itself, in the unknowns themselves."""

    def factored(self, theta: Tensor) -> "Solver": ...


class Solver(Protocol):
    """A factored system."""

    misfit: float

    def solution(self) -> Tensor: ...
    def leading(self, kept: Any, /) -> Tensor: ...
    def truncated(self, cutoffs: Iterable[float]) -> list[Tensor]: ...
    def inverse(self, vectors: Tensor) -> Tensor: ...
    def inverse_transposed(self, vectors: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Outcome:
    """Where least squares arrived, with the last linearised solve for its leading sub-models (None if restored).

    ``late`` says that a time limit or a request ended it.
    """

    theta: Tensor
    norm: float
    steps: int
    converged: bool
    reason: str
    solver: Solver | None = None
    late: bool = False


@dataclass(frozen=True, repr=False)
class LeastSquares(Method):
    """Solve for the readout (and the unknown scalars) in the least squares sense; features stay as they are.

    A linear problem takes one solve, a nonlinear one damped Newton (Gauss-Newton) steps: each linearises the residual
    at every point and solves for the new unknowns by Householder QR, then halves the step until the residual falls.

    Args:
        max_steps: The most Newton steps.
        oversampling: Rows for each unknown, where ``solve`` chooses the points.
        sufficient: Armijo's constant, the part of the predicted decrease that a step must achieve.
        stationary: Newton has converged when a step can lower the residual norm by no more than this part of it.
        faithful: Newton has converged when a full step leaves a residual that differs from what the linear model
            promised by no more than this part: the rest is misfit that no step removes.
        small: Where the residual is this small a part of the zero solution's, and no step, damped or full, changes its
            size, what is left is the rounding of badly conditioned components.
        bold: How many full steps are tried once damped ones fail.
        rounding: Newton has converged to rounding when the residual is this small a part of the zero solution's and
            full steps gain little.
        stalled: A full step gains little when it leaves more than this part of the residual.

    Raises:
        GmnmError: a number out of its range.
    """

    max_steps: int = 40
    oversampling: float = 2.2
    sufficient: float = threshold(1e-4)
    stationary: float = threshold(1e-3)
    faithful: float = threshold(1e-3)
    small: float = threshold(1e-3)
    bold: int = threshold(20)
    rounding: float = threshold(1e-7)
    stalled: float = threshold(0.5)

    def __post_init__(self) -> None:
        if not isinstance(self.max_steps, int) or self.max_steps < 1:
            raise refuse("LeastSquares(max_steps=...)", expected="a positive integer", got=repr(self.max_steps))
        if not self.oversampling > 1:
            raise refuse(
                "LeastSquares(oversampling=...)",
                expected="more than 1 row for each unknown",
                got=self.oversampling,
                remedy="2 to 3 is good; below 1.5 the residual between the points grows.",
            )
        for name in ("sufficient", "stationary", "faithful", "small", "bold", "rounding", "stalled"):
            value = getattr(self, name)
            if not value > 0:
                raise refuse(f"LeastSquares({name}={value!r})", expected="a positive number", got=repr(value))

    def run(self, system: System, *, start: Tensor | None = None, monitor: Monitor = UNWATCHED) -> Outcome:
        """Solve ``system``, from ``start`` where it is nonlinear, until ``monitor`` says that it is late."""
        theta = system.start() if start is None else start
        if not system.linear:
            return _Newton(self, system, theta, monitor).run()
        solver = solve_linearized(system, torch.zeros_like(theta))
        outcome = Outcome(solver.solution(), solver.misfit, 1, True, "one linear solve", solver)
        monitor.step(Step(1, outcome.theta, outcome.norm, 1.0))
        return outcome


class _Newton:
    """Newton steps; damped while the line search finds a decrease, full ones once it does not.

    A residual can rise for a few full steps before quadratic convergence sets in (quasi-linearisation of a growth
    law is the standard case), and no damped path leads there. The best state is kept whatever happens.
    """

    def __init__(self, method: LeastSquares, system: System, theta: Tensor, monitor: Monitor):
        self._method, self._system, self._monitor = method, system, monitor
        start = system.start()
        self._zero_norm = _norm(system.residual(start))
        self._theta, self._norm = theta, _norm(system.residual(theta))
        if not math.isfinite(self._norm):  # an initial guess that is of no use
            self._theta, self._norm = start, self._zero_norm
        try:
            self._solver = solve_linearized(system, self._theta)
        except NotFiniteError:
            if self._theta is start:
                raise
            self._theta, self._norm = start, self._zero_norm
            self._solver = solve_linearized(system, start)
        self._best = self._norm, self._theta, self._solver
        self._number, self._late = 0, False
        self._bold_since: int | None = None

    def run(self) -> Outcome:
        """Step until there is a reason to end."""
        try:
            ending = self._stepped()
        except OutOfTime:
            ending = self._out_of_time()
        norm, theta, solver = self._best
        converged, reason = ending
        return Outcome(theta, norm, self._number, converged, reason, solver, self._late)

    def _stepped(self) -> tuple[bool, str]:
        ending = self._ends_here()
        while not ending:
            ending = self._advance()
            if not ending:
                try:
                    self._solver = solve_linearized(self._system, self._theta)
                except NotFiniteError as error:
                    ending = False, f"after {self._number} Newton steps {error}"
                    break
                self._keep_the_best()
                ending = self._ends_here()
        return ending

    def _out_of_time(self) -> tuple[bool, str]:
        self._late = True
        return False, f"stopped by {self._monitor.ended_by} after {self._number} Newton steps"

    def _keep_the_best(self) -> None:
        if self._norm <= self._best[0]:
            self._best = self._norm, self._theta, self._solver

    def _ends_here(self) -> tuple[bool, str] | None:
        """Whether the state as it is converged, and why; None if a step is to be taken."""
        if self._norm - self._solver.misfit <= self._method.stationary * self._norm:
            return True, f"Newton converged in {self._number} steps"
        if self._number >= self._method.max_steps:
            return False, f"no convergence in {self._method.max_steps} Newton steps"
        if self._monitor.late:
            return self._out_of_time()
        return None

    def _advance(self) -> tuple[bool, str] | None:
        """Take a step; None if the next is to follow."""
        method, norm, misfit = self._method, self._norm, self._solver.misfit
        target = self._limited(self._solver.solution())
        length, theta, new_norm = 0.0, self._theta, norm
        if self._bold_since is None:
            length, theta, new_norm = self._line_search(target - self._theta)
        if length == 0.0:
            length, theta, new_norm = 1.0, target, _norm(self._system.residual(target))
            unmoved = norm <= method.small * self._zero_norm and new_norm <= 3 * norm
            if unmoved or norm <= method.rounding * self._zero_norm:
                return True, f"Newton converged to rounding in {self._number} steps"
            self._bold_since = self._number if self._bold_since is None else self._bold_since
            if self._number - self._bold_since >= method.bold or not math.isfinite(new_norm):
                return False, (
                    f"Newton found no way down from a residual norm of {self._best[0]:.1e} in {self._number} steps; "
                    "try more components, a smaller domain or a milder problem to start from"
                )
        self._number += 1
        faithful = length == 1.0 and abs(new_norm - misfit) <= method.faithful * misfit
        stalled = length == 1.0 and new_norm > method.stalled * norm and new_norm <= method.rounding * self._zero_norm
        self._theta, self._norm = theta, new_norm
        self._monitor.step(Step(self._number, theta, new_norm, length))
        if not (faithful or stalled):
            return None
        self._keep_the_best()
        return True, f"Newton converged{' to rounding' if stalled else ''} in {self._number} steps"

    def _limited(self, trial: Tensor) -> Tensor:
        """A trial within the bounds of a system that has any."""
        limited = getattr(self._system, "limited", None)
        return trial if limited is None else limited(self._theta, trial)

    def _line_search(self, direction: Tensor) -> tuple[float, Tensor, float]:
        """Halve the step until the squared residual falls by enough of what the linear model promises.

        Steps to where it is not finite do not count: they say nothing of how far is far enough.
        """
        promise = 1 - (self._solver.misfit / self._norm) ** 2  # relative, so that squares do not overflow
        length, tried = 1.0, 0
        while tried < _HALVINGS and length > _SHORTEST:
            pause()
            trial = self._limited(self._theta + length * direction)
            trial_norm = _norm(self._system.residual(trial))
            if trial_norm <= self._norm and (
                (trial_norm / self._norm) ** 2 <= 1 - self._method.sufficient * length * promise
            ):
                return length, trial, trial_norm
            tried += math.isfinite(trial_norm)
            length /= 2
        return 0.0, self._theta, self._norm


def best_truncated(outcome: Outcome, score: Callable[[Tensor], float]) -> Tensor:
    """The best of the solution and its truncated versions, by a score on points that were not fitted."""
    assert outcome.solver is not None
    candidates = [outcome.theta, *outcome.solver.truncated((1e-14, 1e-12, 1e-10, 1e-8))]
    return min(candidates, key=lambda theta: _or_infinite(score(theta)))


def solve_linearized(system: System, theta: Tensor) -> Solver:
    """Solve r + A (new - theta) ~ 0 for the new unknowns: for them, not for the step, so that they stay bounded."""
    if hasattr(system, "factored"):
        return cast(Factored, system).factored(theta)
    moved = bool(theta.any())
    if not hasattr(system, "groups"):
        rows = (_right(A, r, theta if moved else None) for A, r in system.blocks(theta))
        return RidgeSolver(reduce(rows, system.columns))
    return _solve_grouped(cast(Grouped, system), theta, moved=moved)


def _right(A: Tensor, r: Tensor, theta: Tensor | None) -> tuple[Tensor, Tensor]:
    """Rows with their right-hand side, for the new unknowns; a place to stop between blocks of rows."""
    pause()
    return A, -r if theta is None else A @ theta - r


def _solve_grouped(system: Grouped, theta: Tensor, *, moved: bool) -> Solver:
    sizes, centers = system.groups
    parts = theta.split(list(sizes))
    pieces = [
        Rows(groups, *_right(A, r, torch.cat([parts[g] for g in groups]) if moved else None))
        for groups, A, r in system.pieces(theta)
    ]
    return FrontSolver(pieces, sizes, centers, everywhere=tuple(range(len(sizes) - len(centers))))


def _norm(residual: Tensor) -> float:
    return _or_infinite(residual.norm().item())


def _or_infinite(value: float) -> float:
    return value if math.isfinite(value) else math.inf
