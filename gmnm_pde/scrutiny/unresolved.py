"""Whether a solution resolves what a close look at its problem's data found."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.geometry import Parted, Region
from gmnm_pde.residuals.pointwise import Placed, jets_of, linearize
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.scrutiny.looks.feature import Feature
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_POINTS = 256
"""Points around each feature at which residuals are looked at."""

_REACH = 3.0
"""They lie within so many of its widths."""

_TIMES, _OF_SPACE = 32, 512
"""Where equations have integrals over space: at so many of these points, with so many all over the space for each."""

_LEFT = 0.1
"""A feature is not resolved where the residual stays above this part of the terms that should cancel in it."""


def unresolved(
    model: Any, problem: Problem, features: Sequence[Feature], values: Sequence[float], seed: int
) -> Feature | None:
    """The first feature that a solution does not resolve; None if it resolves all.

    What jumps and is differentiated is never resolved, since derivatives see nothing of it. What is
    narrow is not resolved where the residual near it is as large as its own terms. At other jumps and kinks, and at
    poles, residuals stay large within ever smaller surroundings; the error estimate sees what they amount to.

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
    narrow = (feature for feature in features if feature.kind == "narrow" and not feature.tail)
    return next((f for f in narrow if _left(model, problem, f, values, seed) > _LEFT), None)


def _left(model: Any, problem: Problem, feature: Feature, values: Sequence[float], seed: int) -> float:
    """The largest residual around a feature, of its condition or the equations, relative to the size of its terms."""
    points = _around(problem, feature, seed)
    terms = [term for term in problem.terms if term.group == "interior"]
    own = [term for term in problem.terms if feature.term in term.trace.names and term.group != "interior"]
    cloud = _on_its_plane(own[0], feature, points) if own else None
    if cloud is not None and len(points):
        return _relative(model, problem, own[0], cloud, values)
    if not len(points) or not terms:
        return 0.0
    inside = ((term, _where_it_holds(problem, term, points)) for term in terms)
    return max(_relative(model, problem, term, Cloud(own), values) for term, own in inside if len(own))


def _where_it_holds(problem: Problem, term: Term, points: Tensor) -> Tensor:
    """Those of some points [n, d] that lie in the part in which an equation is to hold."""
    domain = problem.domain
    return points[domain.lies_in(term.parts[0], points)] if term.parts and isinstance(domain, Parted) else points


def _on_its_plane(term: Term, feature: Feature, points: Tensor) -> Cloud | None:
    """Points [n, d] on that of the planes of a condition on which a feature lies; None where it lies on none."""
    if not isinstance(term.region, Region):
        return None
    for chart in term.region.charts:
        if chart.flat is not None and bool((feature.at[:, chart.flat[0]] == chart.flat[1]).all()):
            points = points.clone()
            points[:, chart.flat[0]] = chart.flat[1]
            return Cloud(points, None if chart.normal is None else chart.normal(points))
    return None


def _around(problem: Problem, feature: Feature, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    domain = problem.domain
    at = feature.at[torch.randint(len(feature.at), (4 * _POINTS,), generator=generator)]
    extent = torch.tensor([high - low for low, high in domain.bounds], dtype=torch.float64)
    offset = 2 * torch.rand(at.shape, generator=generator, dtype=torch.float64) - 1
    points = at + offset * _REACH * feature.relative * extent
    return points[domain.contains(points)][:_POINTS]


def _with_all_of_space(problem: Problem, cloud: Cloud) -> tuple[Cloud, Tensor, Callable[[Tensor], Tensor]]:
    """Some of the points, each after many of the space at its time; the rows of these; and the integrals over space."""
    domain = problem.domain
    axis = domain.coordinates.index(domain.time[0])
    own, all_over = cloud.points[:_TIMES], sample(domain.interior, _OF_SPACE, "sobol", seed=1).points
    points = torch.cat([all_over.expand(len(own), -1, -1), own[:, None]], dim=1).clone()
    points[:, :, axis] = own[:, None, axis]
    volume = math.prod(high - low for k, (low, high) in enumerate(domain.bounds) if k != axis)

    def integrate(values: Tensor) -> Tensor:
        by_time = values.detach().unflatten(0, (len(own), -1))
        total = volume * by_time[:, :-1].mean(dim=1, keepdim=True)
        return total.expand_as(by_time).flatten().clone().requires_grad_()

    rows = (torch.arange(len(own)) + 1) * points.shape[1] - 1
    return Cloud(points.flatten(0, 1)), rows, integrate


def _relative(model: Any, problem: Problem, term: Term, cloud: Cloud, values: Sequence[float]) -> float:
    like = next(model.parameters())
    rows, integrate = None, None
    if term.trace.over_space:
        cloud, rows, integrate = _with_all_of_space(problem, cloud)
    points = cloud.points.to(like)
    parameters = [torch.tensor(value, dtype=like.dtype, device=like.device) for value in values]
    with torch.no_grad():
        jets = jets_of(model, term, points, "auto")
    worst = 0.0
    placed = Placed(term, cloud, integrate=integrate)
    there = jets if rows is None else {alpha: jet[rows] for alpha, jet in jets.items()}
    for every in linearize(problem, placed, points, jets, parameters).values():
        linearized = every if rows is None else every.select(rows)
        size = linearized.sizes(there).max().item()
        if size > 0:
            worst = max(worst, linearized.residual.abs().max().item() / size)
    return worst
