"""Whether a problem is better approached from milder ones, and from which.

Where convection outweighs diffusion by far, least squares on boxes that do not resolve the layer prefer a solution that
is smeared all over to the right one with a layer, and no residual tells where the boxes are too large. With diffusion
made so much stronger that the first boxes resolve it, each next problem finds its layer nearly resolved by the boxes of
the one before.
"""

import torch

from gmnm_pde.residuals import Placed
from gmnm_pde.residuals.pointwise import linearize, zero_jets
from gmnm_pde.sampling import sample
from gmnm_pde.statement.problem import Problem

_CONVECTIVE = 200.0
"""From this Peclet number on (convection times length over diffusion) a problem is approached."""

_FIRST, _STEP = 20.0, 4.0
"""The Peclet number to begin with, and by how much it grows from problem to problem."""

_POINTS = 64


def factors(problem: Problem, seed: int) -> list[float]:
    """What the highest derivatives are multiplied by on the way, in descending order; nothing if there is no need."""
    number = 0.0 if problem.domain.time else peclet(problem, seed)
    if number < _CONVECTIVE:
        return []
    found, factor = [], number / _FIRST
    while factor > 1.5:
        found.append(factor)
        factor /= _STEP
    return found


def peclet(problem: Problem, seed: int) -> float:
    """The largest quotient of a coefficient one order below the highest, times the domain's length, by the highest."""
    length = max(high - low for low, high in problem.domain.bounds)
    largest = 0.0
    for term in problem.terms:
        if term.group != "interior":
            continue
        placed = Placed(term, sample(term.region, _POINTS, "sobol", seed=seed))
        points = placed.cloud.points
        guesses = [torch.tensor(value, dtype=points.dtype) for value in problem.parameters.values()]
        for one in linearize(problem, placed, points, zero_jets(problem, term, points), guesses).values():
            sizes: dict[int, float] = {}
            for (_, alpha), slope in one.slopes.items():
                sizes[sum(alpha)] = max(sizes.get(sum(alpha), 0.0), slope.abs().mean().item())
            order = max((k for k, size in sizes.items() if size > 0), default=0)
            if order > 1:
                largest = max(largest, sizes.get(order - 1, 0.0) * length / sizes[order])
    return largest
