"""Least squares in the readout: one solve where the system is linear, Newton steps with a line search where not."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.linalg.multifrontal import FrontSolver, Rows
from gmnm_pde.linalg.qr import RidgeSolver, reduce

_SUFFICIENT = 1e-4
"""Armijo's constant: the part of the predicted decrease that a step must achieve."""

_STATIONARY = 1e-3
"""Newton has arrived when a step can lower the residual norm by no more than this part of it."""

_FAITHFUL = 1e-3
"""Newton has arrived when a full step leaves a residual this near to what the linear model promised: the rest is misfit
that no step removes."""

_SMALL = 1e-3
"""Where the residual is this small a part of the zero solution's, and no step, damped or full, changes its size, what
is left is the rounding of badly conditioned components."""

_BOLD = 20
"""How many full steps are tried once damped ones fail."""

_ROUNDING, _STALLED = 1e-7, 0.5
"""Newton has arrived at rounding when the residual is this small a part of the zero solution's
and full steps gain little."""


class System(Protocol):
    """What least squares sees: a residual, and its linearisation in blocks of rows.

    A system with ``groups`` gives the linearisation in pieces that hold a few groups of unknowns each (``Grouped``).
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


class Solver(Protocol):
    """A factored system."""

    misfit: float

    def solution(self) -> Tensor: ...
    def leading(self, kept: Any, /) -> Tensor: ...
    def truncated(self, cutoffs: Iterable[float]) -> list[Tensor]: ...


@dataclass(frozen=True)
class Step:
    """The state after a step: unknowns [K], the norm of the residual, and how far the step went (1 is all of it)."""

    number: int
    theta: Tensor
    norm: float
    length: float


@dataclass(frozen=True)
class Outcome:
    """Where least squares arrived, with the last linearised solve for its leading sub-models (None if restored)."""

    theta: Tensor
    norm: float
    steps: int
    converged: bool
    reason: str
    solver: Solver | None = None


@dataclass(frozen=True)
class LeastSquares:
    """Solve for the readout (and the unknown scalars) in the least squares sense; features stay as they are.

    A linear problem takes one solve, a nonlinear one damped Newton (Gauss-Newton) steps: each linearises the residual
    at every point and solves for the new unknowns by Householder QR, then halves the step until the residual falls.

    Args:
        max_steps: The most Newton steps.
        oversampling: Rows for each unknown, where ``solve`` chooses the points.

    Raises:
        GmnmError: a number out of its range.
    """

    max_steps: int = 40
    oversampling: float = 2.2

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

    def run(
        self,
        system: System,
        *,
        start: Tensor | None = None,
        deadline: float = math.inf,
        watch: Callable[[Step], None] | None = None,
    ) -> Outcome:
        """Solve ``system``, from ``start`` where it is nonlinear, until time.monotonic() passes ``deadline``."""
        theta = system.start() if start is None else start
        if system.linear:
            theta = torch.zeros_like(theta)
            solver = solve_linearized(system, theta)
            outcome = Outcome(solver.solution(), solver.misfit, 1, True, "one linear solve", solver)
            if watch is not None:
                watch(Step(1, outcome.theta, outcome.norm, 1.0))
            return outcome
        return self._newton(system, theta, deadline, watch)

    def _newton(self, system: System, theta: Tensor, deadline: float, watch: Callable[[Step], None] | None) -> Outcome:
        """Newton steps; damped while the line search finds a decrease, full ones once it does not.

        A residual can rise for a few full steps before quadratic convergence sets in (quasi-linearisation of a growth
        law is the standard case), and no damped path leads there. The best state is kept whatever happens.
        """
        zero_norm = _norm(system.residual(system.start()))
        norm = _norm(system.residual(theta))
        best: tuple[float, Tensor, Solver] | None = None
        bold_since: int | None = None
        number, converged, reason = 0, False, f"no convergence in {self.max_steps} Newton steps"
        while True:
            solver = solve_linearized(system, theta)
            if best is None or norm <= best[0]:
                best = norm, theta, solver
            if norm - solver.misfit <= _STATIONARY * norm:
                converged, reason = True, f"Newton converged in {number} steps"
                break
            if number >= self.max_steps:
                break
            if time.monotonic() > deadline:
                reason = f"stopped by the time limit after {number} Newton steps"
                break
            target = solver.solution()
            length = 0.0
            if bold_since is None:
                length, new_theta, new_norm = _line_search(system, theta, target - theta, norm, solver.misfit)
            if length == 0.0:
                length, new_theta, new_norm = 1.0, target, _norm(system.residual(target))
                unmoved = norm <= _SMALL * zero_norm and new_norm <= 3 * norm
                if unmoved or norm <= _ROUNDING * zero_norm:
                    converged, reason = True, f"Newton converged to rounding in {number} steps"
                    break
                bold_since = number if bold_since is None else bold_since
                if number - bold_since >= _BOLD or not math.isfinite(new_norm):
                    reason = (
                        f"Newton found no way down from a residual norm of {best[0]:.1e} in {number} steps; try more "
                        "components, a smaller domain or a milder problem to start from"
                    )
                    break
            number += 1
            faithful = length == 1.0 and abs(new_norm - solver.misfit) <= _FAITHFUL * solver.misfit
            stalled = length == 1.0 and new_norm > _STALLED * norm and new_norm <= _ROUNDING * zero_norm
            theta, norm = new_theta, new_norm
            if watch is not None:
                watch(Step(number, theta, norm, length))
            if faithful or stalled:
                if norm <= best[0]:
                    best = norm, theta, solver
                at = " to rounding" if stalled else ""
                converged, reason = True, f"Newton converged{at} in {number} steps"
                break
        norm, theta, solver = best
        return Outcome(theta, norm, number, converged, reason, solver)


def rescue(outcome: Outcome, score: Callable[[Tensor], float]) -> Tensor:
    """The best of the solution and its truncated versions, by a score on points that were not fitted."""
    assert outcome.solver is not None
    candidates = [outcome.theta, *outcome.solver.truncated((1e-14, 1e-12, 1e-10, 1e-8))]
    return min(candidates, key=lambda theta: _or_infinite(score(theta)))


def solve_linearized(system: System, theta: Tensor) -> Solver:
    """Solve r + A (new - theta) ~ 0 for the new unknowns: for them, not for the step, so that they stay bounded."""
    moved = bool(theta.any())
    if not hasattr(system, "groups"):
        rows = ((A, (A @ theta - r) if moved else -r) for A, r in system.blocks(theta))
        return RidgeSolver(reduce(rows, system.columns))
    return _solve_grouped(cast(Grouped, system), theta, moved=moved)


def _solve_grouped(system: Grouped, theta: Tensor, *, moved: bool) -> Solver:
    sizes, centers = system.groups
    parts = theta.split(list(sizes))
    pieces = [
        Rows(groups, A, (A @ torch.cat([parts[g] for g in groups]) - r) if moved else -r)
        for groups, A, r in system.pieces(theta)
    ]
    return FrontSolver(pieces, sizes, centers, everywhere=tuple(range(len(sizes) - len(centers))))


def _line_search(
    system: System, theta: Tensor, direction: Tensor, norm: float, predicted: float
) -> tuple[float, Tensor, float]:
    """Halve the step until the squared residual falls by enough of what the linear model promises."""
    promise = norm**2 - predicted**2
    length = 1.0
    for _ in range(12):
        trial = theta + length * direction
        trial_norm = _norm(system.residual(trial))
        if trial_norm**2 <= norm**2 - _SUFFICIENT * length * promise:
            return length, trial, trial_norm
        length /= 2
    return 0.0, theta, norm


def _norm(residual: Tensor) -> float:
    return _or_infinite(residual.norm().item())


def _or_infinite(value: float) -> float:
    return value if math.isfinite(value) else math.inf
