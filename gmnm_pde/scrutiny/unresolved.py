"""Whether a solution resolves what a close look at its problem's data found."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.residuals.pointwise import Placed, jets_of, linearize
from gmnm_pde.sampling import Cloud
from gmnm_pde.scrutiny.feature import Feature
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_POINTS = 256
"""Points around each feature at which residuals are looked at."""

_REACH = 3.0
"""They lie within so many of its widths."""

_LEFT = 0.1
"""A feature is not resolved where the residual stays above this part of the terms that should cancel in it."""


def unresolved(
    model: Any, problem: Problem, features: Sequence[Feature], values: Sequence[float], seed: int
) -> Feature | None:
    """The first feature that a solution does not resolve; None if it resolves all.

    What jumps and is differentiated is never resolved, since derivatives see nothing of it. What is
    narrow is not resolved where the residual near it is as large as its own terms. At other jumps and kinks residuals
    stay large within ever smaller surroundings; the error estimate sees what they amount to.

    Args:
        model: From points of the problem's domain to its fields, with derivatives.
        problem: What was solved.
        features: What was found in its data.
        values: Of its unknown parameters.
        seed: Of the points.
    """
    hidden = [feature for feature in features if feature.hidden]
    if hidden:
        return hidden[0]
    narrow = (feature for feature in features if feature.kind == "narrow")
    return next((f for f in narrow if _left(model, problem, f, values, seed) > _LEFT), None)


def _left(model: Any, problem: Problem, feature: Feature, values: Sequence[float], seed: int) -> float:
    """The largest residual of the equations around a feature, relative to the size of its terms there."""
    points = _around(problem, feature, seed)
    terms = [term for term in problem.terms if term.group == "interior"]
    if not len(points) or not terms:
        return 0.0
    return max(_relative(model, problem, term, points, values) for term in terms)


def _around(problem: Problem, feature: Feature, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    domain = problem.domain
    at = feature.at[torch.randint(len(feature.at), (4 * _POINTS,), generator=generator)]
    extent = torch.tensor([high - low for low, high in domain.bounds], dtype=torch.float64)
    offset = 2 * torch.rand(at.shape, generator=generator, dtype=torch.float64) - 1
    points = at + offset * _REACH * feature.relative * extent
    return points[domain.contains(points)][:_POINTS]


def _relative(model: Any, problem: Problem, term: Term, points: Tensor, values: Sequence[float]) -> float:
    like = next(model.parameters())
    points = points.to(like)
    parameters = [torch.tensor(value, dtype=like.dtype, device=like.device) for value in values]
    with torch.no_grad():
        jets = jets_of(model, term, points, "auto")
    worst = 0.0
    for linearized in linearize(problem, Placed(term, Cloud(points)), points, jets, parameters).values():
        size = linearized.sizes(jets).max().item()
        if size > 0:
            worst = max(worst, linearized.residual.abs().max().item() / size)
    return worst
