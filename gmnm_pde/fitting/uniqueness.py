"""Whether a problem has one answer only, and if not, what is free.

Where a field other than zero leaves no residual in the equations and conditions, any multiple of it can be added. A
mixture shows such a field as one whose rows are as small as it can approximate it at all: smaller and smaller as the
mixture grows. Near a resonance they are small too, but stay as they are; then the stability constant bounds the error.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.fitting.fit import Fit
from gmnm_pde.fitting.stability import Stability, constant_of_part
from gmnm_pde.residuals import FieldMap, PatchworkSystem, ReadoutSystem

SUSPECT = 1e6
"""A stability constant above this is one of a problem that may have many answers."""

_ROUNDED = 1e8
"""One above this may be limited by rounding."""

LOST = 1e-2
"""With such a constant, a residual that leaves a larger error than this says nothing of the answer."""

_PART = 0.7
"""The sub-model, in parts of the components, that the constant is compared with."""

_GROWS = 3.0
"""If it grows by this factor from there to the fit, it is not that of the problem yet, which may have none."""

_LITTLE = 1e-6
"""Errors below this are believed although the constant grows, as for ill-posed problems it does without end."""

_NONE = 1e-16
"""A residual below this part of the data's is none: the solution is zero, or met by construction, and tells nothing."""

_SHAPE = 1e-3
"""A field is constant, or affine, if no more than this part of it is left by the best constant or affine one."""


_FREE = 1e-12
"""A parameter that changes no row by more than this part when it changes by its initial guess is not determined."""


@dataclass(frozen=True)
class Doubt:
    """Why an answer is, or may be, one of many, in words; ``sure`` where no finer fit could tell otherwise."""

    words: str = ""
    sure: bool = False


def doubt_of(fit: Fit, stability: Stability, residual: float, fields: FieldMap, points: Tensor) -> Doubt:
    """Whether the answer is one of many, given the stability constants and the held-out residual of a fit."""
    bound, none = residual * max(stability.by_field), residual <= _NONE * fit.reference
    sure = stability.overall > SUSPECT and (bound > LOST or none)
    if not sure and not ((bound > _LITTLE or none) and _grows(fit, stability, fields)):
        return Doubt()
    verb = "is" if sure else "may be"
    free = fields.forth(stability.direction[:, None])[:, :, 0]
    return Doubt(f"the answer {verb} one of many: {described(fit.system, free, points)}", sure)


def resonant(fit: Fit, stability: Stability, fields: FieldMap, points: Tensor) -> Doubt | None:
    """Whether a fit shows a field that can be added to any answer; None where it shows that there is none.

    Without words where more components are needed to tell. Constants that do not grow are limited by rounding where
    they are large enough.
    """
    grows = _grows(fit, stability, fields)
    if not grows and stability.overall <= _ROUNDED:
        return None
    if grows and stability.overall <= SUSPECT:
        return Doubt()
    free = fields.forth(stability.direction[:, None])[:, :, 0]
    return Doubt(f"the answer is one of many: {described(fit.system, free, points)}", True)


def undetermined(fit: Fit, stability: Stability) -> Doubt:
    """Whether unknown parameters can change, alone or together, without any row that shows it."""
    guesses, rounding = fit.system.problem.parameters, _FREE * fit.reference
    free = [
        name
        for (name, guess), constant in zip(guesses.items(), stability.by_parameter, strict=True)
        if rounding * constant > (abs(guess) or 1.0)
    ]
    if not free:
        return Doubt()
    what = f"the unknown parameter '{free[0]}'"
    if len(free) > 1:
        what = f"a combination of the unknown parameters {', '.join(free)}"
    return Doubt(f"nothing determines {what}; leave it out, or observe what depends on it", True)


def _grows(fit: Fit, stability: Stability, fields: FieldMap) -> bool:
    """Whether the stability constant grows with the mixture; not asked of patches, to be eliminated anew for it."""
    if isinstance(fit.system, PatchworkSystem):
        return False
    return stability.overall > _GROWS * constant_of_part(fit, fields, _PART)


def described(system: ReadoutSystem, values: Tensor, points: Tensor) -> str:
    """In words, the fields that can be added, [n, fields]."""
    fields, coordinates = system.problem.fields, system.problem.domain.coordinates
    sizes = values.square().mean(dim=0).sqrt()
    shown = sizes > _SHAPE * sizes.amax()
    parts = [_shape(values[:, k], points, coordinates, fields[k]) for k in shown.nonzero()[:, 0].tolist()]
    return f"equations and conditions let {' together with '.join(parts)} be added; state what fixes it"


def _shape(values: Tensor, points: Tensor, coordinates: tuple[str, ...], name: str) -> str:
    ones = torch.ones_like(values)
    for what, basis in (("any constant", ones[:, None]), ("an affine function", torch.column_stack([ones, points]))):
        rest = values - basis @ torch.linalg.lstsq(basis, values[:, None]).solution[:, 0]
        if rest.norm() <= _SHAPE * values.norm():
            return f"{what} in {name}"
    largest = points[values.abs().argmax()].tolist()
    where = ", ".join(f"{c}={x:.3g}" for c, x in zip(coordinates, largest, strict=True))
    return f"a field in {name} that is largest near {where}"
