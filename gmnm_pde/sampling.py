"""Points for a region: a rule on the unit cube, carried to the region's patches."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.geometry.region import GivenPoints, Patch, Region

RULES = ("chebyshev", "grid", "latin", "random", "sobol")
"""Ways to place points: two tensor-product rules and three that fill space."""

_TENSOR_RULES = ("chebyshev", "grid")
_ATTEMPTS = 6


@dataclass(frozen=True)
class Cloud:
    """Points, [n, d], with outward unit normals, [n, d], where they lie on a boundary."""

    points: Tensor
    normals: Tensor | None = None

    def __len__(self) -> int:
        return len(self.points)


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
        return SobolEngine(dimension, scramble=True, seed=seed).draw(n, dtype=torch.float64)
    if rule == "latin":
        from scipy.stats import qmc  # here, because scipy.stats takes longer to import than all of this library

        return torch.as_tensor(qmc.LatinHypercube(dimension, rng=seed).random(n), dtype=torch.float64)
    return torch.rand(n, dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def sample(region: Region | GivenPoints, n: int, rule: str = "sobol", *, seed: int = 0) -> Cloud:
    """About ``n`` points of ``region``, shared among its patches by measure, each patch getting at least one.

    Raises:
        GmnmError: ``where(...)`` leaves no point, or the rule or the count is none.
    """
    if isinstance(region, GivenPoints):
        return Cloud(region.points)
    total = region.measure
    shares = [max(1, round(n * patch.measure / total)) for patch in region.patches]
    clouds = [
        _sample_patch(region, patch, share, rule, seed + 7919 * k)
        for k, (patch, share) in enumerate(zip(region.patches, shares, strict=True))
    ]
    points = torch.cat([cloud.points for cloud in clouds])
    if not len(points):
        raise refuse(
            f"sampling {region.name}",
            expected="a selection that holds at least one point",
            got=f"none of about {n * 4**_ATTEMPTS} tried",
            remedy="Check the inequality in where(...): an equality such as x == 1 selects nothing; use face(x=1).",
        )
    if any(cloud.normals is None for cloud in clouds):
        return Cloud(points)
    return Cloud(points, torch.cat([cloud.normals for cloud in clouds if cloud.normals is not None]))


def _sample_patch(region: Region, patch: Patch, n: int, rule: str, seed: int) -> Cloud:
    """Points of one patch that the region's predicates keep, trying more points while too few are kept."""
    asked = n
    for _ in range(_ATTEMPTS if region.predicates else 1):
        points = patch.embed(unit_points(asked, patch.dimension, rule, seed=seed))
        if region.predicates:
            points = points[region.keep(points)]
            if len(points) < 0.75 * n and patch.dimension:
                asked = math.ceil(1.1 * asked * n / len(points)) if 4 * len(points) > n else 4 * asked
                continue
        break
    return Cloud(points, patch.normal(points) if patch.normal else None)
