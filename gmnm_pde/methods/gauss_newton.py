"""Gauss-Newton with Levenberg's damping, on every parameter of a model.

Each step solves min |J d + r|^2 + mu s^2 |d|^2, with r the residuals, each divided by the root of its count, J their
derivatives by all unknowns, and s the root mean square norm of J's columns. With fewer unknowns than residuals this is
one QR factorisation of J with the damping below it; with more, the same step is found in the space of the residuals, as
d = -J^T (J J^T + mu s^2)^-1 r, which is the smaller problem. Damping falls as steps keep their promise (H. B. Nielsen,
Damping parameter in Marquardt's method, 1999).

Marquardt's scaling, each unknown by its own column, was tried and is worse here: it lets a unit with a small column run
off to a kink between the points (four of four starts of a 1-D Poisson problem stuck, against one of four).
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.methods.training import Best, Trained, Watch, late


class Linearizable(Protocol):
    """Residuals of unknown tensors, with their Jacobian."""

    def unknowns(self) -> list[nn.Parameter]: ...
    def residual_vector(self) -> Tensor: ...
    def jacobian(self) -> Tensor: ...


@dataclass(frozen=True)
class GaussNewton:
    """Gauss-Newton steps with Levenberg's damping on all parameters.

    Args:
        steps: The most steps.
        damping: mu at the start, relative to the mean squared norm of the Jacobian's columns.
    """

    steps: int = 200
    damping: float = 1e-2

    def __post_init__(self) -> None:
        if not isinstance(self.steps, int) or isinstance(self.steps, bool) or self.steps < 1:
            raise refuse("GaussNewton(...)", expected="a positive number of steps", got=repr(self.steps))
        if not (isinstance(self.damping, int | float) and math.isfinite(self.damping) and self.damping > 0):
            raise refuse("GaussNewton(damping=...)", expected="a positive number", got=repr(self.damping))

    def run(self, system: Linearizable, *, deadline: float = math.inf, watch: Watch | None = None) -> Trained:
        """Train until done or time.monotonic() passes ``deadline``; the best state seen is left in place."""
        mu, growth = self.damping, 2.0
        residual = system.residual_vector()
        loss = residual.square().sum().item()
        best = Best(system)  # type: ignore[arg-type]
        best.see(loss)
        reason, step = f"{self.steps} Gauss-Newton steps", 0
        for step in range(1, self.steps + 1):
            if late(deadline):
                reason = f"stopped by the time limit after {step - 1} Gauss-Newton steps"
                break
            jacobian = system.jacobian()
            scale = jacobian.norm(dim=0).square().mean().sqrt()
            scaled = jacobian / scale
            moved = False
            while not moved and mu < 1e12:
                direction = _damped_step(scaled, residual, mu)
                _move(system.unknowns(), direction / scale)
                trial = system.residual_vector()
                trial_loss = trial.square().sum().item()
                promise = loss - (residual + scaled @ direction).square().sum().item()
                gain = (loss - trial_loss) / max(promise, 1e-300) if math.isfinite(trial_loss) else -1.0
                moved = gain > 0
                if moved:
                    residual, loss = trial, trial_loss
                    mu, growth = mu * max(1 / 3, 1 - (2 * min(gain, 1.0) - 1) ** 3), 2.0
                    mu = max(mu, 1e-14)
                else:
                    _move(system.unknowns(), -direction / scale)
                    mu, growth = mu * growth, 2 * growth
            best.see(loss)
            if watch is not None:
                watch(step, loss)
            if not moved:
                reason = f"Gauss-Newton found no decrease after {step - 1} steps"
                break
        best.put_back()
        return Trained(best.loss, step, "time limit" not in reason, reason)


def _damped_step(jacobian: Tensor, residual: Tensor, mu: float) -> Tensor:
    rows, columns = jacobian.shape
    if columns <= rows:
        ridge = math.sqrt(mu) * torch.eye(columns, dtype=jacobian.dtype, device=jacobian.device)
        stacked = torch.cat([jacobian, ridge])
        right = torch.cat([-residual, residual.new_zeros(columns)])
        return torch.linalg.lstsq(stacked, right[:, None], driver="gels").solution[:, 0]
    gram = jacobian @ jacobian.mT
    gram.diagonal().add_(mu)
    factor, info = torch.linalg.cholesky_ex(gram)
    if info:
        return torch.full_like(jacobian[0], torch.nan)
    return -jacobian.mT @ torch.cholesky_solve(residual[:, None], factor)[:, 0]


@torch.no_grad()
def _move(unknowns: list[nn.Parameter], direction: Tensor) -> None:
    start = 0
    for parameter in unknowns:
        parameter.add_(direction[start : start + parameter.numel()].view_as(parameter))
        start += parameter.numel()
