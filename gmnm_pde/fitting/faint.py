"""Fields that are next to nothing beside the others, as a velocity across a straight flow, or the pressure of a shear.

The error of such a field relative to itself says nothing: it is as large as the field, however exact the answer. What
counts then is how large the field might be in the equations beside the others.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from gmnm_pde.residuals.natural import beside_others, natural_sizes
from gmnm_pde.statement.problem import Problem

UNCLEAR = 0.5
"""A field whose error is larger than this part of it is not told from zero."""

FAINT = 0.01
"""The error of such a field is relative to this part of the size that the equations give it beside the others, where
that is larger than the field."""

_NOTHING = 1e-3
"""A field below this part of that is as good as zero where residuals are looked at."""


def measured_by(
    problem: Problem, sizes: Tensor, deviations: Tensor, errors: Tensor, parameters: Iterable[float] = ()
) -> Tensor | None:
    """What errors are to be relative to, [fields], where some fields are next to nothing; None where none is.

    Args:
        problem: What is solved.
        sizes: Root mean squares of the fields, [fields].
        deviations: Those of how they differ from their means.
        errors: Those of their errors.
        parameters: The values of the unknown parameters.
    """
    clear = errors <= UNCLEAR * sizes
    if len(sizes) != len(problem.fields) or len(sizes) < 2 or bool(clear.all()) or not bool(clear.any()):
        return None
    if not bool(sizes.isfinite().all()):
        return None
    least = FAINT * natural_sizes(problem, sizes, deviations, clear, tuple(parameters))
    faint = ~clear & (sizes < least)
    return torch.where(faint, least, sizes) if bool(faint.any()) else None


def deviations_of(values: Tensor) -> Tensor:
    """The root mean squares of how fields [n, fields] differ from their means."""
    return (values - values.mean(dim=0)).square().mean(dim=0).sqrt()


def at_least(problem: Problem, sizes: Tensor, deviations: Tensor) -> Tensor:
    """The sizes of the fields [branches], those of fields that are as good as zero as what they might be."""
    count = len(problem.fields)
    if count < 2 or not bool(sizes.isfinite().all()) or not bool(sizes.any()):
        return sizes
    by_field, changes = (values.unflatten(0, (-1, count)).amax(dim=0) for values in (sizes, deviations))
    least = FAINT * beside_others(problem, by_field, changes, tuple(problem.parameters.values()), most=True)
    floors = torch.where(by_field < _NOTHING * least, least, 0.0)
    return torch.maximum(sizes, floors.repeat(len(sizes) // count))
