"""Points for a region: a rule on the unit cube, carried to the region's charts."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry.region import Chart, GivenPoints, Region, unknown_normal
from gmnm_pde.geometry.unit import unit_points

CHART_STRIDE = 7919
"""How far apart the seeds of a region's charts are."""

EQUAL = ("sobol", "latin", "random")
"""The rules whose points weigh the same."""

_ATTEMPTS = 6
"""How often points are drawn, more of them each time, where cuts and predicates leave too few."""

_ENOUGH = 0.75
"""The fraction of the points asked for that is enough, where cuts and predicates leave fewer."""

_LEAST_ON_A_PART = 24
"""Points that each shape's part of a boundary is given, however small it is; a cut part keeps ``_ENOUGH`` of them."""


@dataclass(frozen=True)
class Cloud:
    """Points, [n, d], with outward unit normals, [n, d], where they lie on a boundary.

    ``weights``, [n], are what each point counts in a sum that stands for an integral; None where they are not known.
    """

    points: Tensor
    normals: Tensor | None = None
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.points)


def sample(region: Region | GivenPoints, n: int, rule: str = "sobol", *, seed: int = 0) -> Cloud:
    """About ``n`` points of ``region``, shared among its charts by measure, each chart getting at least one.

    On a boundary that several shapes make up, each shape's part is given 24 points, of which it keeps at least 16 where
    it is cut, or an equal share if ``n`` is too small for that; so there may be more than ``n`` in all, at most twice
    as many. Of a chart that is a finite set, ``n`` different points are picked, or all if there are no more.

    Raises:
        GmnmError: ``where(...)`` leaves no point, ``rule`` is unknown, or ``n`` is not positive.
    """
    if isinstance(region, GivenPoints):
        return Cloud(region.points)
    shares = _shares(region.charts, n)
    clouds = [
        _sample_chart(region, chart, share, rule, seed + k * CHART_STRIDE)
        for k, (chart, share) in enumerate(zip(region.charts, shares, strict=True))
    ]
    points = torch.cat([cloud.points for cloud in clouds])
    if not len(points):
        raise refuse(
            f"sampling {region.name}",
            expected="a selection that holds at least one point",
            got=f"none of about {n * 4**_ATTEMPTS} tried",
            remedy="Check the inequality in where(...): an equality such as x == 1 selects nothing; use face(x=1).",
        )
    weights = torch.cat([cloud.weights for cloud in clouds if cloud.weights is not None])
    if any(cloud.normals is None for cloud in clouds):
        return Cloud(points, None, weights)
    return Cloud(points, torch.cat([cloud.normals for cloud in clouds if cloud.normals is not None]), weights)


def _shares(charts: tuple[Chart, ...], n: int) -> list[int]:
    """How many of ``n`` points each chart is given."""
    total = sum(chart.measure for chart in charts)
    parts: dict[int, float] = {}  # the measure of each shape's part of the boundary
    for chart in charts:
        if chart.normal is not None and chart.dimension:
            parts[id(chart.origin)] = parts.get(id(chart.origin), 0.0) + chart.measure
    least = min(_LEAST_ON_A_PART, n // max(1, len(parts)))
    shares = []
    for chart in charts:
        share = n * chart.measure / total
        part = parts.get(id(chart.origin), 0.0) if chart.normal is not None and chart.dimension else 0.0
        if part and n * part < least * total:
            share = least * chart.measure / part
        shares.append(max(1, round(share)))
    return shares


def _sample_chart(region: Region, chart: Chart, n: int, rule: str, seed: int) -> Cloud:
    """Points of one chart that it and the region's predicates keep, trying more points while too few are kept."""
    if chart.given is not None:
        points = _picked(region, chart, n, seed)
        return Cloud(points, _normals(chart, points), _equal(chart.measure, points))
    cut = chart.keep is not None or bool(region.predicates)
    rule = rule if chart.tensor or rule in EQUAL else "sobol"
    asked = math.ceil(n / chart.kept)
    for _ in range(_ATTEMPTS if cut else 1):
        unit = unit_points(asked, chart.dimension, rule, seed=seed)
        points = chart.embed(unit)
        if cut:
            if chart.keep is not None:
                points = points[chart.keep(points)]
            points = points[region.keep(points)]
            if len(points) < _ENOUGH * n and chart.dimension:
                asked = math.ceil(1.1 * asked * n / len(points)) if 4 * len(points) > n else 4 * asked
                continue
        break
    return Cloud(points, _normals(chart, points), _equal(chart.whole * len(points) / len(unit), points))


def _equal(measure: float, points: Tensor) -> Tensor:
    """A measure in equal parts, one for each point, [n]."""
    return points.new_full((len(points),), measure / max(len(points), 1))


def _picked(region: Region, chart: Chart, n: int, seed: int) -> Tensor:
    """At most ``n`` different points of those that a chart consists of, [m, d]."""
    assert chart.given is not None
    points = chart.given if chart.keep is None else chart.given[chart.keep(chart.given)]
    points = points[region.keep(points)]
    if n >= len(points):
        return points
    return points[torch.randperm(len(points), generator=torch.Generator().manual_seed(seed))[:n]]


def _normals(chart: Chart, points: Tensor) -> Tensor | None:
    return None if chart.normal is None or chart.normal is unknown_normal else chart.normal(points)
