"""Points for a region: a rule on the unit cube, carried to the region's patches."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry.region import GivenPoints, Patch, Region
from gmnm_pde.geometry.unit import RULES as RULES
from gmnm_pde.geometry.unit import unit_points as unit_points

_ATTEMPTS = 6


@dataclass(frozen=True)
class Cloud:
    """Points, [n, d], with outward unit normals, [n, d], where they lie on a boundary."""

    points: Tensor
    normals: Tensor | None = None

    def __len__(self) -> int:
        return len(self.points)


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
    """Points of one patch that it and the region's predicates keep, trying more points while too few are kept."""
    cut = patch.keep is not None or bool(region.predicates)
    rule = rule if patch.tensor else "sobol"
    asked = math.ceil(n / patch.kept)
    for _ in range(_ATTEMPTS if cut else 1):
        points = patch.embed(unit_points(asked, patch.dimension, rule, seed=seed))
        if cut:
            if patch.keep is not None:
                points = points[patch.keep(points)]
            points = points[region.keep(points)]
            if len(points) < 0.75 * n and patch.dimension:
                asked = math.ceil(1.1 * asked * n / len(points)) if 4 * len(points) > n else 4 * asked
                continue
        break
    return Cloud(points, patch.normal(points) if patch.normal else None)
