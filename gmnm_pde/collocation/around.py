"""Points around the features of a problem's data: ever denser toward them, down to their width."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gmnm_pde.geometry import Domain, GivenPoints, Region
from gmnm_pde.geometry.region import Chart, unknown_normal
from gmnm_pde.residuals import Placed
from gmnm_pde.sampling import Cloud, stream
from gmnm_pde.scrutiny import Feature
from gmnm_pde.statement.problem import Problem

_SHARE = 0.5
"""Points around features for each other point of a term."""

_LEAST = 24
"""The least points around features for each of them, in the interior and on a condition."""

_FARTHEST = 0.3
"""Points lie no farther from a feature than about this part of the domain."""

_NEAREST = 1e-4
"""The same for the nearest points at a jump or a kink, which have no width."""

_SPARE = 4
"""So many times more points are drawn than wanted, since those outside are left out."""

_PLACES = 16
"""The most places of one feature that are sought on a piece of a condition."""

_REFINEMENTS = 16
"""How often the search for the nearest point of a piece is refined."""


def with_features(
    placed: Sequence[Placed], problem: Problem, features: Sequence[Feature], *, seed: int
) -> list[Placed]:
    """The terms with more points around features; as they are where there are none."""
    if not features:
        return list(placed)
    return [_with(p, problem, features, stream(seed, "look", k)) for k, p in enumerate(placed)]


def around(domain: Domain, feature: Feature, count: int, seed: int, *, farthest: float = _FARTHEST) -> Tensor:
    """About ``count`` points of the domain around a feature, at distances of all sizes down to its width."""
    generator = torch.Generator().manual_seed(seed)
    bounds = torch.tensor(domain.bounds, dtype=torch.float64)
    low, extent, d = bounds[:, 0], bounds[:, 1] - bounds[:, 0], domain.dimension
    many = _SPARE * count
    at = feature.at[torch.randint(len(feature.at), (many,), generator=generator)]
    offset = _distances(feature, many, farthest, generator)[:, None]
    offset = offset * torch.randn(many, d, generator=generator, dtype=torch.float64) * extent
    if feature.plane is not None:
        axis = feature.plane[0]
        anywhere = low + torch.rand(many, d, generator=generator, dtype=torch.float64) * extent
        anywhere[:, axis] = feature.plane[1] + offset[:, axis]
        points = anywhere
    else:
        points = at + offset
    return points[domain.contains(points)][:count]


def _distances(feature: Feature, count: int, farthest: float, generator: torch.Generator) -> Tensor:
    """Distances of all sizes, as parts of the domain."""
    nearest = min(feature.relative / 2 or _NEAREST, farthest)
    part = torch.rand(count, generator=generator, dtype=torch.float64)
    return nearest * (farthest / nearest) ** part


def _with(placed: Placed, problem: Problem, features: Sequence[Feature], seed: int) -> Placed:
    region, cloud = placed.term.region, placed.cloud
    if isinstance(region, GivenPoints):
        return placed
    each = max(_LEAST, math.ceil(_SHARE * len(cloud) / len(features)))
    clouds = [cloud]
    for k, feature in enumerate(features):
        if placed.term.group == "interior":
            clouds.append(Cloud(around(problem.domain, feature, each, stream(seed, "look", k))))
        else:
            clouds += [_on(region, chart, problem.domain, feature, each, seed) for chart in region.charts]
    clouds = [one for one in clouds if len(one)]
    points = torch.cat([one.points for one in clouds])
    if cloud.normals is None:
        return Placed(placed.term, Cloud(points), placed.scales)
    normals = torch.cat([one.normals for one in clouds if one.normals is not None])
    return Placed(placed.term, Cloud(points, normals), placed.scales)


def _on(region: Region, chart: Chart, domain: Domain, feature: Feature, count: int, seed: int) -> Cloud:
    """Points of one piece of a condition around a feature; none where the feature does not reach it."""
    d = domain.dimension
    nothing = Cloud(torch.zeros(0, d, dtype=torch.float64), torch.zeros(0, d, dtype=torch.float64))
    if chart.dimension == 0 or chart.given is not None or chart.normal is unknown_normal:
        return nothing
    extent = torch.tensor([high - low for low, high in domain.bounds], dtype=torch.float64)
    at = feature.at[torch.linspace(0, len(feature.at) - 1, _PLACES).long()]
    unit = _nearest(chart, at, extent, 2 * feature.relative + 1e-6)
    if not len(unit):
        return nothing
    generator = torch.Generator().manual_seed(seed)
    many = _SPARE * count
    offset = _distances(feature, many, _FARTHEST, generator)[:, None]
    offset = offset * torch.randn(many, chart.dimension, generator=generator, dtype=torch.float64)
    unit = unit[torch.randint(len(unit), (many,), generator=generator)] + offset
    points = chart.embed(unit[((unit >= 0) & (unit <= 1)).all(dim=1)])
    points = points[region.keep_on(chart, points)]
    points = points[:count]
    return Cloud(points, torch.zeros_like(points) if chart.normal is None else chart.normal(points))


def _nearest(chart: Chart, at: Tensor, extent: Tensor, within: float) -> Tensor:
    """The points of a chart's unit cube, [k, e], that are carried nearest to those of some points that it comes near.

    Args:
        chart: A piece of a condition.
        at: The points.
        extent: Of the domain.
        within: What counts as near, in parts of the domain.
    """
    e = chart.dimension
    side = {1: 257, 2: 33, 3: 13}.get(e, 6)
    grid = torch.cartesian_prod(*[torch.linspace(0, 1, side, dtype=torch.float64)] * e).reshape(-1, e)
    images = chart.embed(grid) / extent
    distance, which = torch.cdist(at / extent, images).min(dim=1)
    spacing = images.unflatten(0, (side,) * e).diff(dim=0).norm(dim=-1).amax().item() if e else 0.0
    near = distance <= within + 2 * e * spacing
    best, at = grid[which[near]], at[near]
    if not len(at):
        return best
    steps = torch.cartesian_prod(*[torch.linspace(-1, 1, 5, dtype=torch.float64)] * e).reshape(-1, e)
    reach = 1 / (side - 1)
    for _ in range(_REFINEMENTS):
        tried = (best[:, None] + reach * steps).clamp(0, 1)
        images = chart.embed(tried.reshape(-1, e)).reshape(len(at), -1, at.shape[1])
        distance, which = ((images - at[:, None]) / extent).norm(dim=2).min(dim=1)
        best = tried[torch.arange(len(at)), which]
        reach *= 0.5
    return best[distance <= within]
