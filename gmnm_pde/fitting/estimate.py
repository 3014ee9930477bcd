"""An error estimate that needs no exact solution.

Leading sub-models of a fit, which cost a back-substitution each, are worse solutions of the same problem. For each of
them both the distance to the full fit and the validation residual are known; their quotient is how much error a unit of
residual makes in this problem with this approximator, its stability constant as observed. The full fit's own residual
times the largest such constant estimates its own error. On the problems of docs/accuracy.md the constants of sub-models
between 70 % and 90 % agree within a factor of about three, over errors from 1e-2 to 1e-14.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.fitting.fit import Fit
from gmnm_pde.statement.problem import Problem

FRACTIONS = (0.7, 0.8, 0.9)
"""Sizes of the sub-models, in parts of the full model's components."""

SAFETY = 2.0
"""The estimate is this times the observed constant: sub-models of one draw share some of their error."""

_LOST = 0.1
"""A fit that leaves more than this part of the zero solution's residual explains too little for its sub-models to tell
anything; its error is then estimated by that part."""


@dataclass(frozen=True)
class ErrorEstimate:
    """The estimated error of each field, relative L2, and of each unknown parameter, absolute."""

    by_field: dict[str, float]
    by_parameter: dict[str, float]

    @classmethod
    def unknown(cls, problem: Problem) -> "ErrorEstimate":
        """NaN for every field and parameter, where the error cannot be estimated."""
        return cls(dict.fromkeys(problem.fields, math.nan), dict.fromkeys(problem.parameters, math.nan))

    @property
    def overall(self) -> float:
        """The largest over the fields."""
        return max(self.by_field.values())


def estimate_error(fit: Fit, points: Tensor) -> ErrorEstimate:
    """The estimate for ``fit``, with L2 norms taken over ``points`` [n, d]."""
    system, problem, solver = fit.system, fit.system.problem, fit.outcome.solver
    assert solver is not None
    full = fit.outputs(points)
    size = full.norm(dim=0)
    size = torch.where(size > 0, size, torch.ones_like(size))
    constants, drifts = [], []
    for fraction in FRACTIONS:
        part = solver.leading(system.part(fraction))
        residual = max(fit.validation_residual_of(part), torch.finfo(full.dtype).tiny)
        constants.append((fit.outputs(points, part) - full).norm(dim=0) / size / residual)
        drifts.append((part - fit.theta)[: system.extra].abs() / residual)
    rounding = torch.finfo(full.dtype).eps
    errors = SAFETY * fit.validation_residual * torch.stack(constants).amax(dim=0) + rounding
    # Where the method did not converge, the step that is left to the least squares solution tells more.
    step = fit.outputs(points, solver.solution()) - full
    errors = torch.maximum(errors, step.norm(dim=0) / size)
    fit.install()
    if fit.validation_residual > _LOST:
        errors = errors.clamp_min(min(1.0, fit.validation_residual))
    shifts = SAFETY * fit.validation_residual * torch.stack(drifts).amax(dim=0)
    return ErrorEstimate(
        dict(zip(problem.fields, errors.tolist(), strict=True)),
        dict(zip(problem.parameters, shifts.tolist(), strict=True)),
    )
