"""Boundary layers that the coefficients of the equations foretell.

Where along a coordinate convection b outweighs diffusion a by far, a solution of -a u'' + b u' + ... = f changes within
a / |b| of the end that the convection runs into. Where a reaction c outweighs it, within sqrt(a / c) of both ends.
If the boxes do not resolve such a layer, least squares prefers a smeared solution to the right one, and the residual
does not show where boxes are too large: the layers have to be known beforehand.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.jets import Alpha
from gmnm_pde.residuals import Placed
from gmnm_pde.residuals.pointwise import linearize, reference_jets
from gmnm_pde.sampling import sample
from gmnm_pde.statement.problem import Problem

_THIN = 0.02
"""Layers are taken account of where they are thinner than this part of the domain."""

_POINTS = 256
"""Points at which coefficients are looked at."""


@dataclass(frozen=True)
class Layers:
    """Widths of layers at the low and at the high end of each coordinate, on [-1, 1]; 0 where no layer is foretold."""

    low: tuple[float, ...]
    high: tuple[float, ...]


def find_layers(problem: Problem, seed: int) -> Layers:
    """The layers that second-order equations, linearised at zero, foretell along the coordinates of space."""
    d = problem.domain.dimension
    low, high = [0.0] * d, [0.0] * d
    for term in problem.terms:
        if term.group != "interior":
            continue
        cloud = sample(term.region, _POINTS, "sobol", seed=seed)
        points = cloud.points
        guesses = [torch.tensor(value, dtype=points.dtype) for value in problem.parameters.values()]
        jets = reference_jets(term, points, problem)
        for linearized in linearize(problem, Placed(term, cloud), points, jets, guesses).values():
            for axis, name in enumerate(problem.domain.coordinates):
                if name not in problem.domain.time:
                    for field in range(len(problem.branches)):
                        slopes = {alpha: slope for (k, alpha), slope in linearized.slopes.items() if k == field}
                        _add(slopes, axis, problem.domain.bounds[axis], low, high)
    return Layers(tuple(low), tuple(high))


def _add(
    slopes: dict[Alpha, Tensor], axis: int, ends: tuple[float, float], low: list[float], high: list[float]
) -> None:
    """Note the layers at both ends of one coordinate that the operator on one field foretells."""
    d, length = len(low), ends[1] - ends[0]
    second, first, none = (tuple(order * (k == axis) for k in range(d)) for order in (2, 1, 0))
    diffusion = slopes.get(second)
    if diffusion is None or max(sum(alpha) for alpha in slopes) > 2 or not bool((diffusion != 0).all()):
        return
    if first in slopes:
        rate = -slopes[first] / diffusion * length  # positive where convection runs towards the high end
        for widths, fastest in ((high, rate.max().item()), (low, -rate.min().item())):
            if fastest > 1 / _THIN:
                widths[axis] = _thinner(widths[axis], 2 / fastest)
    if none in slopes:
        fastest = (-slopes[none] / diffusion).clamp_min(0).max().sqrt().item() * length
        if fastest > 1 / _THIN:
            low[axis], high[axis] = _thinner(low[axis], 2 / fastest), _thinner(high[axis], 2 / fastest)


def _thinner(known: float, width: float) -> float:
    return min(known, width) if known else width
