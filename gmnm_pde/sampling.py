"""Points for a region: a rule on the unit cube, carried to the region's patches."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry.region import GivenPoints, Patch, Region, unknown_normal
from gmnm_pde.geometry.unit import RULES as RULES
from gmnm_pde.geometry.unit import unit_points as unit_points

_ATTEMPTS = 6

_LEAST = 24
"""Points that each shape's part of a boundary gets, however small: a cut part may keep three quarters of them."""


@dataclass(frozen=True)
class Cloud:
    """Points, [n, d], with outward unit normals, [n, d], where they lie on a boundary."""

    points: Tensor
    normals: Tensor | None = None

    def __len__(self) -> int:
        return len(self.points)


def sample(region: Region | GivenPoints, n: int, rule: str = "sobol", *, seed: int = 0) -> Cloud:
    """About ``n`` points of ``region``, shared among its patches by measure, each patch getting at least one.

    On a boundary that several shapes make up, each shape's part gets at least 16 points, or an equal share if ``n`` is
    too small for that; so there may be more than ``n`` in all, at most twice as many. Of a patch that is a finite set,
    ``n`` different points are picked, or all if there are no more.

    Raises:
        GmnmError: ``where(...)`` leaves no point, or the rule or the count is none.
    """
    if isinstance(region, GivenPoints):
        return Cloud(region.points)
    shares = _shares(region.patches, n)
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


def _shares(patches: tuple[Patch, ...], n: int) -> list[int]:
    """How many of ``n`` points each patch gets."""
    total = sum(patch.measure for patch in patches)
    parts: dict[int, float] = {}  # the measure of each shape's part of the boundary
    for patch in patches:
        if patch.normal is not None and patch.dimension:
            parts[id(patch.origin)] = parts.get(id(patch.origin), 0.0) + patch.measure
    least = min(_LEAST, n // max(1, len(parts)))
    shares = []
    for patch in patches:
        share = n * patch.measure / total
        part = parts.get(id(patch.origin), 0.0) if patch.normal is not None and patch.dimension else 0.0
        if part and n * part < least * total:
            share = least * patch.measure / part
        shares.append(max(1, round(share)))
    return shares


def _sample_patch(region: Region, patch: Patch, n: int, rule: str, seed: int) -> Cloud:
    """Points of one patch that it and the region's predicates keep, trying more points while too few are kept."""
    if patch.given is not None:
        points = _picked(region, patch, n, seed)
        return Cloud(points, _normals(patch, points))
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
    return Cloud(points, _normals(patch, points))


def _picked(region: Region, patch: Patch, n: int, seed: int) -> Tensor:
    """At most ``n`` different ones of the points that a patch consists of, [m, d]."""
    assert patch.given is not None
    points = patch.given if patch.keep is None else patch.given[patch.keep(patch.given)]
    points = points[region.keep(points)]
    if n >= len(points):
        return points
    return points[torch.randperm(len(points), generator=torch.Generator().manual_seed(seed))[:n]]


def _normals(patch: Patch, points: Tensor) -> Tensor | None:
    return None if patch.normal is None or patch.normal is unknown_normal else patch.normal(points)
