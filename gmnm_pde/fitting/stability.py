"""How much error a residual can hide: the stability constant of a fit, measured.

The constant is the largest |fields| / |rows| over all unknowns: root mean squares of a field, in units of the
solution's, and of the scaled rows of the linearised system. A residual of size rho then leaves an error of at most rho
times the constant, as far as the approximator can show it. It is about 1 for well-posed problems, grows towards
resonances and for problems that are ill-posed, and is limited by rounding alone where the answer is not unique; the
unknowns that attain it describe what is free.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.fitting.fit import Fit
from gmnm_pde.linalg.extremes import largest_gain
from gmnm_pde.residuals import FieldMap

_POINTS = 600
"""Points that norms of fields are taken over here; the constant is wanted to a few per cent at best."""


@dataclass(frozen=True)
class Stability:
    """The stability constants of a fit.

    Attributes:
        by_field: Of each field, relative to the solution's size.
        by_parameter: Of each unknown parameter.
        overall: Of all fields together, in the units of the approximator; what tells whether an answer is unique.
        direction: Unknowns that have it, with rows of root mean square 1, [columns].
    """

    by_field: tuple[float, ...]
    by_parameter: tuple[float, ...]
    overall: float
    direction: Tensor


@torch.no_grad()
def stability_of(fit: Fit, fields: FieldMap, size: Tensor) -> Stability:
    """The stability constants of ``fit``; ``size`` are the root mean squares of its fields, [fields]."""
    system, solver = fit.system, fit.outcome.solver
    assert solver is not None
    overall, direction = _constant(fit, fields, torch.ones_like(size))
    one_by_one = torch.eye(len(size), dtype=size.dtype, device=size.device) / size
    by_field = [overall / size[0].item()] if len(size) == 1 else [_constant(fit, fields, w)[0] for w in one_by_one]
    chosen = torch.eye(system.columns, system.extra, dtype=size.dtype, device=size.device)
    by_parameter = solver.inverse_transposed(chosen).norm(dim=0) if system.extra else size.new_zeros(0)
    return Stability(tuple(by_field), tuple((system.rows**0.5 * by_parameter).tolist()), overall, direction)


@torch.no_grad()
def constant_of_part(fit: Fit, fields: FieldMap, fraction: float) -> float:
    """The overall constant of the leading sub-model of a fraction of the components; of one mixture only."""
    return _constant(fit, fields, fit.theta.new_ones(fit.system.fields), fit.system.part(fraction))[0]


def _constant(fit: Fit, fields: FieldMap, weights: Tensor, leading: int | None = None) -> tuple[float, Tensor]:
    """The constant of all fields together, each times its weight, [fields], and unknowns that have it."""
    first, weights = fields.first(_POINTS), weights[:, None] / min(_POINTS, fields.count) ** 0.5

    def forth(unknowns: Tensor) -> Tensor:
        return (first.forth(unknowns) * weights).flatten(0, 1)

    def back(values: Tensor) -> Tensor:
        return first.back(values.unflatten(0, (-1, len(weights))) * weights)

    assert fit.outcome.solver is not None
    gain, unknowns = largest_gain(fit.outcome.solver, forth, back, fit.theta, leading)
    rows = fit.system.rows**0.5
    return gain * rows, unknowns * rows
