"""First-order systems on a round domain with a hole in place of the one that they are stated on.

A system such as div u = 0 and curl u = 0, with constant coefficients and conditions that know the boundary by its
normal alone, leaves as many fields free on one domain as on any other of its topology. Where corners or a neighbouring
wall make such a field hard to approximate, that between two circles is simple still.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde.collocation.in_piece import InPiece
from gmnm_pde.geometry import Annulus, Box, Chart, Domain, Region, SphericalShell
from gmnm_pde.geometry.topology import Hole
from gmnm_pde.residuals.pointwise import probed
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_AT_HOLE, _OUTSIDE, _AT_ENDS = "inner", "outer", "ends"
"""Where parts of a boundary lie; the names of those of rings and shells begin with these words."""

_THICKER = 2.0
"""The outer radius, in parts of the inner one."""

_POINTS = 40
"""At so many points slopes are compared."""

_SAME = 1e-9
"""Slopes that differ by no more than this part are the same."""

_ALONG = 0.5
"""A piece of a boundary whose normal has this part along an axis, at least, is at an end of it."""


def rounded(points: InPiece, hole: Hole) -> Problem | None:
    """The problem between two circles or spheres around a hole, or two cylinders; None where it may have other fields.

    Args:
        points: Of the piece that has the hole.
        hole: One of it.
    """
    problem = points.problem
    inside = [term for term in problem.terms if term.group == "interior"]
    others = [term for term in problem.terms if term.group != "interior"]
    if problem.order != 1 or not all(isinstance(term.region, Region) and not term.region.predicates for term in others):
        return None
    if not all(_is_constant(problem, term) for term in inside):
        return None
    if not all(_knows_normals_alone(problem, term) for term in others if isinstance(term.region, Region)):
        return None
    domain, sides = _round(problem.domain, hole), _sides(points, hole)
    if domain is None or sides is None:
        return None
    terms = [replace(term, region=domain.interior) for term in inside]
    for term in others:
        assert isinstance(term.region, Region)
        held = _held(term.region, sides)
        if held is None:
            return None
        charts = tuple(chart for chart in domain.boundary_charts() if _side_of_round(chart) in held)
        terms += [replace(term, region=replace(domain.boundary, charts=charts))] if charts else []
    return problem.restated(terms, domain=domain)


def _held(region: Region, sides: Mapping[str, Sequence[Chart]]) -> set[str] | None:
    """On which sides a condition holds, whole as they are; None where it holds on a part of one."""
    held = set()
    for side, charts in sides.items():
        own = [any(chart.same(other) for other in region.charts) for chart in charts]
        if any(own) and not all(own):
            return None
        held |= {side} if any(own) else set()
    return held


def _is_constant(problem: Problem, term: Term) -> bool:
    """Whether an equation has derivatives of first order alone, with constant coefficients."""
    points = sample(problem.domain.interior, _POINTS, "sobol", seed=0).points
    for linearized in probed(problem, term, Cloud(points), torch.Generator().manual_seed(0)).values():
        for (_, alpha), slope in linearized.slopes.items():
            if not _same(slope, slope[:1]) or (not any(alpha) and bool(slope.any())):
                return False
    return True


def _knows_normals_alone(problem: Problem, term: Term) -> bool:
    """Whether a condition is on values, and the same wherever the boundary has the same normal."""
    assert isinstance(term.region, Region)
    cloud = sample(term.region, _POINTS, "sobol", seed=0)
    slopes = []
    for points in (cloud.points, cloud.points.roll(_POINTS // 3, dims=0)):
        own = probed(problem, term, Cloud(points, cloud.normals), torch.Generator().manual_seed(0))
        slopes.append({(name, key): slope for name, one in own.items() for key, slope in one.slopes.items()})
    first, other = slopes
    return all(not any(alpha) and _same(slope, other[name, (k, alpha)]) for (name, (k, alpha)), slope in first.items())


def _same(slopes: Tensor, others: Tensor) -> bool:
    return bool(((slopes - others).abs() <= _SAME * slopes.abs().amax()).all())


def _round(domain: Domain, hole: Hole) -> Domain | None:
    """What lies between two circles, spheres or cylinders around the centre of a hole."""
    radii = {"inner": hole.radius, "outer": _THICKER * hole.radius}
    names = domain.coordinates
    if hole.axis is None:
        kind = Annulus if domain.dimension == 2 else SphericalShell
        return kind(center=hole.center, **radii, coordinates=names)
    across = [k for k in range(3) if k != hole.axis]
    if hole.axis == 1:  # a product has the coordinates of its first factor first
        return None
    middle = hole.center[hole.axis]
    ring = Annulus(center=[hole.center[k] for k in across], **radii, coordinates=[names[k] for k in across])
    line = Box(**{names[hole.axis]: (middle - hole.radius, middle + hole.radius)})
    return ring * line if hole.axis == 2 else line * ring


def _side_of_round(chart: Chart) -> str:
    """Where a chart of the boundary of a round domain lies."""
    return next((side for side in (_AT_HOLE, _OUTSIDE) if chart.name.startswith(side)), _AT_ENDS)


def _sides(points: InPiece, hole: Hole) -> dict[str, list[Chart]] | None:
    """The charts of the boundary of a piece by where they lie; None where that cannot be told."""
    sides: dict[str, list[Chart]] = {}
    boundary = points.problem.domain.boundary
    for chart in boundary.charts:
        cloud = points.own([sample(replace(boundary, charts=(chart,)), _POINTS, "sobol", seed=0)])
        if not len(cloud):
            continue
        side = _side(points, hole, cloud)
        if side is None:
            return None
        sides.setdefault(side, []).append(chart)
    return sides


def _side(points: InPiece, hole: Hole, cloud: Cloud) -> str | None:
    """Where points of a boundary lie."""
    if cloud.normals is None:
        return None
    if hole.axis is not None and bool((cloud.normals[:, hole.axis].abs() > _ALONG).any()):
        return _AT_ENDS
    beyond = points.topology.beyond(cloud.points, cloud.normals, points.piece.number, hole.axis)
    told = beyond[beyond > 0]  # next to its corners a hole may be too narrow
    at_hole = told == hole.number
    if not len(told) or (bool(at_hole.any()) and not bool(at_hole.all())):
        return None
    return _AT_HOLE if bool(at_hole.all()) else _OUTSIDE
