"""One step of an implicit Runge-Kutta method: the stages' equations, solved by simplified Newton steps.

The unknowns are the increments Z of the state at the stages. Derivatives by time follow from them: those of the first
order are A^-1 Z / h, and where a field has a second one too, the increments of its first derivative are
A^-1 Z / h - u', and so on. In the directions of the eigenvectors of A^-1 each stage is a system of its own with the
matrix sum_j J_j (lambda / h)^j, where J_j is the slope by the j-th derivative.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.evolution.solvers import Size, Stages, StageSolver, roundings

_MOST = 10
"""Newton steps before a smaller step in time is tried."""

_SLOW = 0.9
"""Newton steps that shrink by no more than this factor do not converge."""

_ENOUGH = 0.01
"""Newton's method ends when what is left is this part of the error that a step may make."""


@dataclass(frozen=True)
class Solved:
    """Increments [stages, M], None if Newton's method failed, and by which factor its last steps shrank."""

    increments: Tensor | None
    rate: float


@dataclass(frozen=True, eq=False)
class Trial(Stages):
    """A step that is tried.

    Attributes:
        solver: Of the stages' equations.
    """

    solver: StageSolver

    def solved(self, guess: Tensor, size: Size, *, linear: bool) -> Solved:
        """The increments.

        Args:
            guess: Of them, [stages, M].
            size: Measures changes.
            linear: Whether the slopes are exact, so that one Newton step is enough.
        """
        increments = guess
        last, rate = None, 0.0
        for number in range(_MOST):
            change = self.solver.change(self, self.solver.residual(self, increments))
            norm = math.inf if change is None else size(change, increments - change)
            if change is None or not math.isfinite(norm):
                return Solved(None, math.inf)
            if last is not None:
                rate = norm / last if last else 0.0
                if rate > _SLOW:
                    rounding = norm < 1e-3 * _ENOUGH
                    return Solved(increments if rounding else None, rate)
            increments = increments - change
            if (linear and self.solver.exact) or norm == 0 or (number and rate / (1 - rate) * norm < _ENOUGH):
                return Solved(increments, rate)
            last = norm
        return Solved(None, rate)

    def error(self, increments: Tensor, size: Callable[[Tensor], float], *, first: bool) -> float:
        """The embedded estimate of the error of the step, measured by ``size``.

        Args:
            increments: Of the stages.
            size: How large an error [M] is; 1 is what a step may make.
            first: Whether the conditions on the sides need not have held before the step.
        """
        jets, chain = self._lower(increments)
        error = self._error(jets, chain, first=first)
        if size(error) >= 1:  # once more, as stiff parts ask
            error = self._error([jets[0] + error, *jets[1:]], chain, first=first)
        return size(error)

    def _lower(self, increments: Tensor) -> tuple[list[Tensor], Tensor]:
        """At the beginning, the state and its derivatives by the method of lower order; and what the equations u' = v
        and their like, for fields of second and higher order in time, add to the residual.
        """  # noqa: D205
        method, orders, count = self.method, self.system.orders, len(self.state)
        real, rise = method.real_shift / self.length, increments
        jets, carried, added = [self.state[0]], torch.zeros_like(self.state[0]), torch.zeros_like(self.state[0])
        for number in range(count):
            slope = -(method.weights @ rise) / self.length
            following = self.state[number + 1] if number + 1 < count else slope
            jets.append(torch.where(orders == number + 1, slope, following))
            if number + 1 < count:
                carried = real * carried + torch.where(orders > number + 1, slope - following, 0.0)
                added = added + self.solver.multiplied(number + 1, carried)
                rise = method.inverse @ rise / self.length - self.state[number + 1]
        if count > 1:
            added = added + self.solver.multiplied(count, real * carried)
        return jets, added

    def _error(self, jets: Sequence[Tensor], added: Tensor, *, first: bool) -> Tensor:
        begin = self.start + roundings(self.start, self.start + self.length)
        stamp = torch.tensor([begin], dtype=added.dtype, device=added.device)
        right = self.system.residual(stamp, self.system.shaped([jet[None] for jet in jets]))[0]
        right = self.system.without_conditions(right) if first else right
        return -self.solver.filtered(self, right + added)
