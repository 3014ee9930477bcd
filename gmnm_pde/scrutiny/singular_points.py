"""Points in the plane at which solutions are known to be singular before they are computed.

Those are re-entrant corners, corners of parts, and the places on a boundary at which one kind of condition gives way
to another: where u is given up to a point of a straight side and its normal derivative beyond, a solution grows as the
square root of the distance.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from gmnm_pde.geometry import Parted, Region
from gmnm_pde.geometry.bisection import bisected
from gmnm_pde.geometry.region import Chart
from gmnm_pde.statement.problem import Problem

_STEPS = 512
"""Places on each piece of the boundary at which it is looked which conditions hold."""

_HALVINGS = 52
"""How often the interval is halved in which conditions change: to rounding."""

_MOST = 32
"""A boundary on which conditions change more often is left as it is."""

_OBTUSE = 0.27
"""At a corner that fills this part of its surroundings, 97 degrees, another kind of condition makes u singular."""

_RING, _AWAY = 60, 1e-5
"""Places around a corner that tell how much of its surroundings it fills, and how near they are."""

_NEAR = 1e-6
"""Places that are no farther from each other are the same corner."""

_BEYOND = -1
"""The kind of places that are not on the boundary."""


@lru_cache(maxsize=16)
def singular_points(problem: Problem) -> Tensor:
    """The points, [k, 2]; none but in the plane."""
    domain = problem.domain
    if domain.dimension != 2:
        return torch.zeros(0, domain.dimension, dtype=torch.float64)
    corners = domain.reentrant_corners()
    if domain.time or isinstance(domain, Parted):
        return corners
    changes = _changes(problem)
    near = torch.cdist(changes, corners) < _NEAR * max(high - low for low, high in domain.bounds)
    return torch.cat([corners, changes[~near.any(dim=1)]])


def _changes(problem: Problem) -> Tensor:
    """Where one kind of condition gives way to another, [k, 2]."""
    terms = [t for t in problem.terms if t.group == "boundary" and t.partner is None and isinstance(t.region, Region)]
    charts = [c for c in problem.domain.boundary_charts() if c.dimension == 1 and c.given is None]
    charts.sort(key=lambda chart: chart.flat is not None)  # where they are cut, flat ones end where a corner is
    nothing = torch.zeros(0, 2, dtype=torch.float64)
    if len(terms) < 2 or len(charts) > _STEPS:
        return nothing
    regions = [
        t.region for t in terms if any(any(alpha) for _, alpha in t.trace.asked) and isinstance(t.region, Region)
    ]
    found, ends = [], []
    for chart in charts:
        sloped = [region for region in regions if any(map(chart.same, region.charts))]
        t = (torch.arange(_STEPS, dtype=torch.float64) + 0.5) / _STEPS
        kinds = _kinds(sloped, chart, t)
        at = (kinds[1:] != kinds[:-1]).nonzero()[:, 0]
        same = lambda own, sloped=sloped, chart=chart, before=kinds[at]: _kinds(sloped, chart, own) == before  # noqa: E731
        places = chart.embed(_plain(bisected(same, t[at], t[at + 1], _HALVINGS))[:, None])
        beside = torch.stack([kinds[at], kinds[at + 1]])
        cut = (beside == _BEYOND).any(dim=0)
        found.append(places[~cut])
        whole = chart.embed(torch.tensor([[0.0], [1.0]], dtype=torch.float64))
        at_ends = torch.cat([whole, places[cut]]), torch.cat([kinds[[0, -1]], beside.amax(dim=0)[cut]])
        ends += [end for end in zip(*at_ends, strict=True) if end[1] != _BEYOND]
    every = torch.cat([*found, _at_corners(problem, ends)])
    return every.unique(dim=0) if len(every) <= _MOST else nothing


def _kinds(sloped: list[Region], chart: Chart, t: Tensor) -> Tensor:
    """What holds at places of a chart, as a number: 0 where values alone are given, else which slopes are.

    ``_BEYOND`` where the chart is cut away.
    """
    points = chart.embed(t[:, None])
    kinds = torch.zeros(len(t), dtype=torch.long)
    for number, region in enumerate(sloped):
        kinds += region.keep_on(chart, points) * 2**number
    return kinds if chart.keep is None else kinds.where(chart.keep(points), _BEYOND)


def _plain(t: Tensor) -> Tensor:
    """Places that were found by bisection, as the short numbers that they are to rounding."""
    short = (t * 1e10).round() / 1e10
    return torch.where((short - t).abs() <= 4e-15, short, t)


def _at_corners(problem: Problem, ends: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Obtuse corners at which pieces with other kinds of conditions meet, [k, 2]."""
    domain, found = problem.domain, []
    extent = max(high - low for low, high in domain.bounds)
    angles = (torch.arange(_RING, dtype=torch.float64) + 0.5) * (2 * math.pi / _RING)
    ring = _AWAY * extent * torch.stack([angles.cos(), angles.sin()], dim=1)
    for number, (place, kind) in enumerate(ends):
        others = [other for at, other in ends[:number] if (at - place).norm() < _NEAR * extent]
        if any(bool(kind > 0) != bool(other > 0) for other in others):
            fills = domain.contains(place + ring).double().mean().item()
            if _OBTUSE < fills < 1:
                found.append(place)
    return torch.stack(found) if found else torch.zeros(0, 2, dtype=torch.float64)
