"""Points of the unit cube by several rules."""

import math

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from gmnm_pde._errors import nearest, refuse

RULES = ("chebyshev", "grid", "latin", "random", "sobol")
"""Ways to place points: two tensor-product rules and three that fill space."""

_TENSOR_RULES = ("chebyshev", "grid")
"""The rules that make tensor products of points on a line."""


def unit_points(n: int, dimension: int, rule: str = "sobol", *, seed: int = 0) -> Tensor:
    """About ``n`` points of the unit cube, [m, dimension], float64.

    ``chebyshev`` and ``grid`` are tensor products, so m is the nearest power; the others give m = n. A cube of
    dimension 0 is one point.
    """
    if rule not in RULES:
        raise refuse("sample(...)", expected="a rule for placing points", got=repr(rule), remedy=nearest(rule, RULES))
    if n < 1:
        raise refuse("sample(...)", expected="at least 1 point", got=n)
    if dimension == 0:
        return torch.zeros(1, 0, dtype=torch.float64)
    if rule in _TENSOR_RULES:
        side = max(1, round(n ** (1 / dimension)))
        steps = torch.arange(side, dtype=torch.float64)
        if rule == "chebyshev":
            line = 0.5 - 0.5 * torch.cos(math.pi * (2 * steps + 1) / (2 * side))
        else:
            line = steps / (side - 1) if side > 1 else torch.full((1,), 0.5, dtype=torch.float64)
        return torch.cartesian_prod(*[line] * dimension).reshape(-1, dimension)
    if rule == "sobol":
        engine = SobolEngine(dimension, scramble=True, seed=seed)
        first = (engine.quasi.double() / 2**engine.MAXBIT).float()  # torch has it in its default precision
        points = engine.draw(n, dtype=torch.float64)
        points[0] = first
        return points
    if rule == "latin":
        from scipy.stats import qmc  # here, because scipy.stats takes longer to import than all of this library

        return torch.as_tensor(qmc.LatinHypercube(dimension, rng=seed).random(n), dtype=torch.float64)
    return torch.rand(n, dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def normally(unit: Tensor) -> Tensor:
    """Points that are normally distributed, with the variance 1 of each coordinate, from points of the unit cube."""
    tiny = torch.finfo(unit.dtype).eps
    return torch.special.ndtri(unit.clamp(tiny, 1 - tiny))
