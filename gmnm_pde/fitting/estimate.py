"""An error estimate that needs no exact solution.

Leading sub-models of a fit, which cost a back-substitution each, are worse solutions of the same problem. From each of
them to the full fit the solution and the residual change; the quotient is how much error a unit of residual makes in
this problem with this approximator, its stability constant as observed. The full fit's own held-out residual times the
largest such constant estimates its error: within a factor of about three where residuals fall quickly from sub-model to
sub-model, over errors from 1e-2 to 1e-14.

Where they do not fall, sub-models share what is wrong with the fit, and tell little. The stability constant itself
(``stability.py``) then bounds the error: the less the residual falls, the more the estimate is drawn towards that
bound, at most to the geometric mean of both.

A field that is zero as far as can be told is judged beside the others (``faint.py``).

A single number may come out right in all sub-models by luck. For unknown parameters the rows tell more (``shifts.py``),
and the larger of both counts.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.fitting.faint import deviations_of, measured_by
from gmnm_pde.fitting.fit import Fit, rms
from gmnm_pde.fitting.shifts import shifts_of
from gmnm_pde.fitting.stability import stability_of
from gmnm_pde.fitting.uniqueness import Doubt, doubt_of, undetermined
from gmnm_pde.linalg.qr import RIDGE
from gmnm_pde.residuals import FieldMap
from gmnm_pde.statement.problem import Problem

FRACTIONS = (0.7, 0.8, 0.9)
"""Sizes of the sub-models, in parts of the full model's components."""

SAFETY = 2.0
"""The estimate is this times the observed constant: sub-models of one draw share some of their error."""

_QUICK = 10.0
"""A residual that falls by this factor from the smallest sub-model to the fit falls quickly."""


@dataclass(frozen=True)
class ErrorEstimate:
    """The estimated error of each field, relative L2, and of each unknown parameter, absolute.

    ``doubt`` says in words why the answer is, or may be, one of many; ``sure`` where finer fits cannot tell otherwise.
    ``faint`` are the fields that are next to nothing, whose errors are relative to what might be there.
    """

    by_field: dict[str, float]
    by_parameter: dict[str, float]
    doubt: str = ""
    sure: bool = False
    faint: tuple[str, ...] = ()

    @classmethod
    def unknown(cls, problem: Problem) -> "ErrorEstimate":
        """NaN for every field and parameter, where the error cannot be estimated."""
        return cls(dict.fromkeys(problem.fields, math.nan), dict.fromkeys(problem.parameters, math.nan))

    def doubted(self, doubt: Doubt) -> "ErrorEstimate":
        """The estimate where the answer is, or may be, one of many."""
        if not doubt.words:
            return self
        errors = {name: max(error, 1.0) for name, error in self.by_field.items()}
        return replace(self, by_field=errors, doubt=doubt.words, sure=doubt.sure)

    @property
    def overall(self) -> float:
        """The largest over the fields."""
        return max(self.by_field.values())


@torch.no_grad()
def estimate_error(
    fit: Fit, points: Tensor, size: Tensor | None = None, *, finer: Sequence[float] = ()
) -> ErrorEstimate:
    """The estimate for ``fit``, with L2 norms taken over ``points`` [n, d].

    Relative to the root mean squares ``size`` [fields]; by default those of the fields. Of an ill-posed problem
    ``finer`` are the constants of a finer fit, by field: what the residual may hide there, this fit does not show.
    """
    fields = FieldMap(fit.system, points)
    if size is not None:
        return _estimate(fit, fields, points, size, finer)
    values = fields.at(fit.theta)
    size, changes = values.square().mean(dim=0).sqrt(), deviations_of(values)
    own = torch.where(size > 0, size, torch.ones_like(size))
    estimate = _estimate(fit, fields, points, own, finer)
    errors = own * own.new_tensor(list(estimate.by_field.values()))
    problem = fit.system.problem
    larger = None if estimate.doubt else measured_by(problem, size, changes, errors, fit.parameters.values())
    if larger is None:
        return estimate
    faint = tuple(name for name, more in zip(problem.fields, (larger > size).tolist(), strict=True) if more)
    return replace(_estimate(fit, fields, points, larger, finer), faint=faint)


def _estimate(fit: Fit, fields: FieldMap, points: Tensor, size: Tensor, finer: Sequence[float]) -> ErrorEstimate:
    """The estimate relative to sizes of the fields, [fields], none of them zero."""
    problem, solver = fit.system.problem, fit.outcome.solver
    assert solver is not None
    observed = _observed(fit, fields, size)
    stability = stability_of(fit, fields, size)
    doubt = Doubt() if finer else doubt_of(fit, stability, observed.residual, fields, points)
    errors = observed.towards(observed.fields, stability.by_field) + RIDGE * torch.finfo(size.dtype).eps
    # Where the method did not converge, the step that is left to the least squares solution tells more.
    step = fields.forth((solver.solution() - fit.theta)[:, None])[:, :, 0]
    errors = torch.maximum(errors, step.square().mean(dim=0).sqrt() / size)
    if finer:
        errors = torch.maximum(errors, observed.residual * errors.new_tensor(finer) / size)
    if doubt.words:
        errors = errors.clamp_min(1.0)
    else:
        doubt = undetermined(fit, stability)
    shifts = observed.towards(observed.parameters, stability.by_parameter)
    shifts = torch.maximum(shifts, SAFETY * shifts_of(fit, observed.residual))
    fit.install()
    return ErrorEstimate(
        dict(zip(problem.fields, errors.tolist(), strict=True)),
        dict(zip(problem.parameters, shifts.tolist(), strict=True)),
        doubt.words,
        doubt.sure,
    )


@dataclass(frozen=True)
class _Observed:
    """What sub-models show: errors of fields [fields] and parameters [parameters] for the fit's held-out residual.

    ``residual`` is its root mean square, rows scaled, and ``quickly`` how quickly it falls: 0 if not at all, 1 at most.
    """

    fields: Tensor
    parameters: Tensor
    residual: float
    quickly: float

    def towards(self, errors: Tensor, constants: tuple[float, ...]) -> Tensor:
        """Errors as observed, drawn towards their bound by stability constants where the residual does not fall."""
        return drawn(errors, self.residual * errors.new_tensor(constants), self.quickly)


def _observed(fit: Fit, fields: FieldMap, size: Tensor) -> _Observed:
    system, solver, held = fit.system, fit.outcome.solver, fit.held_out
    assert solver is not None
    tiny = torch.finfo(size.dtype).tiny
    left = held.residual(fit.theta)
    residual = rms(left)
    parts = torch.stack([solver.leading(system.part(fraction)) for fraction in FRACTIONS], dim=1)
    of_parts = torch.stack([held.residual(part) for part in parts.unbind(1)], dim=1)
    moved = parts - fit.theta[:, None]
    changes = (of_parts - left[:, None]).square().mean(dim=0).sqrt().clamp_min(tiny)
    of_fields = fields.forth(moved).square().mean(dim=0).sqrt() / size[:, None] / changes
    of_parameters = moved[: system.extra].abs() / changes
    quickly = quickly_falling(rms(of_parts[:, 0]), residual)
    largest = [SAFETY * residual * constants.amax(dim=1) for constants in (of_fields, of_parameters)]
    return _Observed(largest[0], largest[1], residual, quickly)


def drawn(errors: Tensor, bounds: Tensor, quickly: Tensor | float) -> Tensor:
    """Errors as observed, drawn towards their bounds the less residuals fall, at most to the geometric mean of both."""
    tiny = torch.finfo(errors.dtype).tiny
    excess = (bounds.clamp_min(tiny) / errors.clamp_min(tiny)).clamp_min(1.0)
    return errors * excess ** (0.5 * (1 - quickly))


def quickly_falling(before: float, residual: float) -> float:
    """How quickly the residual falls from the smallest sub-model to the fit: 0 if not at all, 1 at most."""
    tiny = sys.float_info.min
    fall = before / max(residual, tiny)
    return min(1.0, max(0.0, math.log(max(fall, tiny)) / math.log(_QUICK))) if math.isfinite(fall) else 0.0
