"""Fields that are next to nothing beside the others, as a velocity across a straight flow, or the pressure of a shear.

The error of such a field relative to itself says nothing: it is as large as the field, however exact the answer. What
counts then is how large the field might be in the equations beside the others.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from gmnm_pde.residuals.natural import natural_sizes
from gmnm_pde.statement.problem import Problem

UNCLEAR = 0.1
"""A field whose error is larger than this part of it is not told from zero."""

FAINT = 0.1
"""The error of such a field is relative to this part of the size that the equations give it beside the others, where
that is larger than the field."""


def measured_by(problem: Problem, sizes: Tensor, errors: Tensor, parameters: Iterable[float] = ()) -> Tensor | None:
    """What errors are to be relative to, [fields], where some fields are next to nothing; None where none is.

    Args:
        problem: What is solved.
        sizes: Root mean squares of the fields, [fields].
        errors: Those of their errors.
        parameters: The values of the unknown parameters.
    """
    unclear = ~(errors <= UNCLEAR * sizes)
    if len(sizes) < 2 or not bool(unclear.any()) or not _are_telling(sizes):
        return None
    least = FAINT * natural_sizes(problem, sizes, tuple(parameters))
    faint = unclear & (sizes < least)
    return torch.where(faint, least, sizes) if bool(faint.any()) else None


def at_least(problem: Problem, sizes: Tensor) -> Tensor:
    """The sizes of the fields [branches], those of fields that are next to nothing as what they might be."""
    if len(problem.fields) < 2 or not _are_telling(sizes):
        return sizes
    by_field = sizes.unflatten(0, (-1, len(problem.fields))).amax(dim=0)
    least = FAINT * natural_sizes(problem, by_field, tuple(problem.parameters.values()))
    return torch.maximum(sizes, least.repeat(len(sizes) // len(least)))


def _are_telling(sizes: Tensor) -> bool:
    """Whether they are numbers, not all of them zero."""
    return bool(sizes.isfinite().all()) and bool(sizes.any())
