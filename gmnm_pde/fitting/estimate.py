"""An error estimate that needs no exact solution.

Leading sub-models of a fit, which cost a back-substitution each, are worse solutions of the same problem. For each of
them both the distance to the full fit and the held-out residual are known; their quotient is how much error a unit of
residual makes in this problem with this approximator, its stability constant as observed. The full fit's own residual
times the largest such constant estimates its own error. On the problems of docs/accuracy.md the constants of sub-models
between 70 % and 90 % agree within a factor of about three, over errors from 1e-2 to 1e-14.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.fitting.fit import Fit

_FRACTIONS = (0.7, 0.8, 0.9)

_SAFETY = 2.0
"""The estimate is this times the observed constant: sub-models of one draw share some of their error."""


@dataclass(frozen=True)
class ErrorEstimate:
    """Relative L2 errors, estimated, by field; and of each unknown parameter, absolute."""

    by_field: dict[str, float]
    by_parameter: dict[str, float]

    @property
    def overall(self) -> float:
        """The largest over the fields."""
        return max(self.by_field.values())


def estimate_error(fit: Fit, points: Tensor) -> ErrorEstimate:
    """The estimate for ``fit``, with L2 norms taken over ``points`` [n, d]."""
    system, problem, solver = fit.system, fit.system.problem, fit.outcome.solver
    assert solver is not None
    full = _outputs(fit, fit.theta, points)
    size = full.norm(dim=0)
    size = torch.where(size > 0, size, torch.ones_like(size))
    constants, drifts = [], []
    for fraction in _FRACTIONS:
        head = max(1, int(fraction * fit.components))
        part = solver.leading(system.extra + system.fields * head)
        score = max(fit.score_of(part), torch.finfo(full.dtype).tiny)
        constants.append((_outputs(fit, part, points) - full).norm(dim=0) / size / score)
        drifts.append((part - fit.theta)[: system.extra].abs() / score)
    system.model.set_readout(system.readout(fit.theta))
    rounding = torch.finfo(full.dtype).eps
    errors = _SAFETY * fit.score * torch.stack(constants).amax(dim=0) + rounding
    # Where Newton stopped short, the step it still wants to take tells more than the residual.
    if not system.linear:
        wanted = _outputs(fit, solver.solution(), points) - full
        errors = torch.maximum(errors, wanted.norm(dim=0) / size)
    shifts = _SAFETY * fit.score * torch.stack(drifts).amax(dim=0)
    return ErrorEstimate(
        dict(zip(problem.fields, errors.tolist(), strict=True)),
        dict(zip(problem.parameters, shifts.tolist(), strict=True)),
    )


@torch.no_grad()
def _outputs(fit: Fit, theta: Tensor, points: Tensor) -> Tensor:
    fit.model.set_readout(fit.system.readout(theta))
    return fit.model(points)
