"""The error of a march by the march before it, which allowed more."""

import torch
from torch import Tensor

from gmnm_pde.evolution.marched import Marched

PART = 0.6
"""The estimate of the second of two marches is this part of what they differ by."""

_IN_STEP = 1000
"""Points of the steps at which marches are compared; there is at least one in each step."""

_NOTHING = 10.0
"""A field whose size is below so many times the rounding in it is zero."""

_ROUNDING, _OF_MODES, _OF_WAVES = 2e-15, 5e-14, 2e-13
"""No estimate is below this: the rounding of marches in time alone, of those with modes in space, and of those with
derivatives of second and higher order in time, which are differences of differences."""


def errors_of(marched: Marched, before: Marched, points: Tensor) -> list[float]:
    """The estimated errors of the fields of a march, by how far the one before it is from it.

    Points of the whole, [n, d], tell of the whole; those in single steps of what lives for a short time.
    """
    errors = [0.0] * len(marched.problem.fields)
    for places, weights in ((points, None), marched.in_steps(_IN_STEP)):
        found = errors_up_to(marched, before, places, weights)
        errors = [max(pair) for pair in zip(errors, found or errors, strict=True)]
    return errors


def errors_up_to(
    marched: Marched, before: Marched, points: Tensor, weights: Tensor | None = None
) -> list[float] | None:
    """The same at those of some points that both reach, as events may end one sooner; None if they reach none.

    ``weights`` [n] say how much of the domain each point stands for; by default all for the same.
    """
    fields, others = marched.outputs(points), before.outputs(points)
    both = (fields.isfinite() & others.isfinite()).all(dim=1)
    if not bool(both.any()):
        return None
    fields, others, noise = fields[both], others[both], marched.told.noise
    apart = (fields - others).abs()
    if noise is not None:  # a field that is zero all the time is met by its rounding
        nothing = fields.square().mean(dim=0).sqrt() < _NOTHING * noise.to(fields)
        apart = torch.where(nothing, (apart - noise.to(apart)).clamp_min(0.0), apart)
    share = torch.ones(len(apart), 1).to(apart) if weights is None else weights[both].sqrt()[:, None]
    size = (share * fields).norm(dim=0) / share.norm()
    if not marched.reached:  # beside all that the other one knows: at first a field may be next to nothing
        known = before.outputs(points)
        size = torch.maximum(size, known[known.isfinite().all(dim=1)].square().mean(dim=0).sqrt())
    whole = torch.where(size > 0, size, torch.ones_like(size))
    return [max(_least(marched), PART * own) for own in ((share * apart).norm(dim=0) / share.norm() / whole).tolist()]


def _least(marched: Marched) -> float:
    """The least error that an estimate may show."""
    if not marched.statements.space:
        return _ROUNDING
    return _OF_MODES if marched.statements.order < 2 else _OF_WAVES
