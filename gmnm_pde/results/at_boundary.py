"""Derivatives along the normals of a boundary, at points on it."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gmnm_pde._doors import front_door
from gmnm_pde._errors import refuse
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.geometry import Chart, Region
from gmnm_pde.geometry.region import unknown_normal
from gmnm_pde.geometry.sampled import sample
from gmnm_pde.operators import normal_derivative
from gmnm_pde.results.expression import Expression, chosen_fields
from gmnm_pde.results.integrals import read_boundary
from gmnm_pde.results.reading import read_columns, read_grids

if TYPE_CHECKING:
    from gmnm_pde.results.solution import Solution

_NEAR = 1e-6
"""Points that are farther off the boundary than this part of the domain's extent are not on it."""

_SAMPLES = 256
"""Points of each piece of boundary by which pieces on one line are told apart."""


class NormalDerivative:
    """The outward normal derivative of the fields on a boundary: call it with coordinates of points on it."""

    def __init__(self, solution: "Solution", boundary: Any, field: str | None):
        self._call = "solution.normal_derivative(...)"
        self._solution = solution
        self._region = read_boundary(solution, boundary, self._call)
        if any(chart.normal is unknown_normal for chart in self._region.charts):
            remedy = "PointCloud(..., normals=...) takes them."
            raise refuse(self._call, expected="a boundary with normals", got="points without", remedy=remedy)
        names = chosen_fields(solution, field, self._call)
        single = len(names) == 1

        def function(scope: Any) -> Any:
            found = {name: normal_derivative(scope[name]) for name in names}
            return found[names[0]] if single else found

        self._expression = Expression(solution, function, self._call, on_boundary=True)

    def __repr__(self) -> str:
        return f"normal derivative on {self._region.name}, a function of {', '.join(self._solution.coordinates)}"

    @front_door
    @in_ordinary_mode
    def __call__(self, *columns: Any, **named: Any) -> Any:
        """The derivative at coordinates or points, as ``solution(...)`` takes them; they are to be on the boundary."""
        given = read_columns(self._solution.coordinates, columns, named, self._call)
        grids = read_grids(given, self._solution.like, self._call)
        points = torch.stack([grid.detach().reshape(-1) for grid in grids], dim=1)
        values = self._expression.values(points, self._normals(points.cpu().double()).to(points))
        shaped = [column.reshape(grids[0].shape) for column in values.unbind(1)]
        if not any(isinstance(one, Tensor) for one in given):
            shaped = [column.cpu().numpy() for column in shaped]
        return self._expression.arranged(shaped)

    def _normals(self, points: Tensor) -> Tensor:
        """The outward normals of the piece of boundary that each of the points [n, d] is on, [n, d]."""
        charts = self._region.charts
        extent = max(high - low for low, high in self._solution.domain.bounds)
        off = torch.stack([_off(chart, points) for chart in charts], dim=1)
        if (off.amin(dim=1) > _NEAR * extent).any():
            worst = int(off.amin(dim=1).argmax())
            place = zip(self._solution.coordinates, points[worst].tolist(), strict=True)
            where = ", ".join(f"{name}={value:g}" for name, value in place)
            got = f"{where}, which is {off[worst].min():.1g} off"
            raise refuse(self._call, expected=f"points on {self._region.name}", got=got)
        on = off <= _NEAR * extent
        if (on.sum(dim=1) > 1).any():
            near = torch.stack([_nearest(chart, points) for chart in charts], dim=1)
            off = torch.where(on, near, torch.inf)
        owner = off.argmin(dim=1)
        normals = torch.zeros_like(points)
        for k, chart in enumerate(charts):
            if (owner == k).any():
                assert chart.normal is not None
                normals[owner == k] = chart.normal(points[owner == k])
        return normals


def _off(chart: Chart, points: Tensor) -> Tensor:
    """About how far points [n, d] are off the surface that a piece of boundary is part of, [n]."""
    return torch.zeros(len(points), dtype=points.dtype) if chart.level is None else chart.level(points).abs()


def _nearest(chart: Chart, points: Tensor) -> Tensor:
    """How far points [n, d] are from the nearest of some points of the piece, [n]."""
    return torch.cdist(points, sample(Region((), (chart,)), _SAMPLES).points).amin(dim=1)
