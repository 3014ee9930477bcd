"""Integrals over regions.

The cube of a chart has Gauss' rules, or where the chart closes on itself trapezoidal ones, with twice as many points
along each side until two answers agree. Charts that are cut, by another shape or by ``where``, are integrated along
lines (``cut_charts.py``). In more than six dimensions points of Sobol's are used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry.cut_charts import along_lines
from gmnm_pde.geometry.gauss import chart_nodes
from gmnm_pde.geometry.region import Chart, Region, unknown_normal
from gmnm_pde.geometry.unit import unit_points

_MOST = 2**18
"""Points of one rule at most."""

_TENSOR = 6
"""In more dimensions there are no products of rules."""

Values = Callable[[Tensor, Tensor | None], Tensor]
"""From points [n, d], and normals on boundaries, to numbers [n, k]."""


@dataclass(frozen=True)
class Integral:
    """Integrals [k], about how far off they are, and those of the absolute values."""

    value: Tensor
    error: Tensor
    size: Tensor

    def __add__(self, other: "Integral") -> "Integral":
        return Integral(self.value + other.value, self.error + other.error, self.size + other.size)


def integrate(
    region: Region, values: Values, hints: Sequence[Tensor] = (), *, tol: float = 1e-10, most: int = _MOST
) -> Integral:
    """The integrals of several functions over a region.

    Args:
        region: The region; what its predicates leave out counts as nothing.
        values: The functions.
        hints: Points [n, d] on each piece of boundary that may cut the region, so that no small hole is missed.
        tol: When two answers agree, in parts of the size of what is integrated.
        most: Points of one rule at most.
    """
    first, *others = (_over(chart, region, values, hints, tol, most) for chart in region.charts)
    return sum(others, first)


def _over(chart: Chart, region: Region, values: Values, hints: Sequence[Tensor], tol: float, most: int) -> Integral:
    if chart.given is not None:
        remedy = "Sum over its points: region.sample(n).points."
        raise refuse(f"an integral over {region.name}", expected="a region with a measure", got="points", remedy=remedy)

    def with_normals(points: Tensor) -> Tensor:
        bare = chart.normal is None or chart.normal is unknown_normal
        return values(points, None if bare else chart.normal(points))  # type: ignore[misc]

    def kept(points: Tensor) -> Tensor:
        mask = region.keep(points)
        return mask if chart.keep is None else mask & chart.keep(points)

    cut = chart.keep is not None or bool(region.predicates)
    if cut and chart.nodes is None and 0 < chart.dimension <= _TENSOR:
        return Integral(
            *along_lines(chart, with_normals, kept, hints, () if region.predicates else chart.uncut, tol, most)
        )
    kept_values = (lambda points: _where(kept(points), with_normals, points)) if cut else with_normals
    if chart.dimension > _TENSOR:
        return _by_sobol(chart, kept_values, most)
    return _refined(chart, kept_values, tol, most)


def _where(mask: Tensor, values: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """The values where points are kept, and zero elsewhere."""
    some = values(points[mask] if mask.any() else points[:1])
    whole = some.new_zeros(len(points), some.shape[1])
    if mask.any():
        whole[mask] = some
    return whole


def _refined(chart: Chart, values: Callable[[Tensor], Tensor], tol: float, most: int) -> Integral:
    """Rules with twice as many points along each side, until two agree."""
    before, count = None, 4 if chart.dimension > 4 else 8
    while True:
        points, weights = chart_nodes(chart, count)
        at = values(points)
        value, size = weights.to(at) @ at, weights.to(at) @ at.abs()
        if not chart.dimension:
            return Integral(value, 0 * size, size)
        error = size if before is None else (value - before).abs()
        count *= 2
        if not (error > tol * size).any() or count**chart.dimension > most:
            return Integral(value, error, size)
        before = value


def _by_sobol(chart: Chart, values: Callable[[Tensor], Tensor], most: int) -> Integral:
    """The mean over Sobol's points; the error is about the difference between two halves of them."""
    points, volume = chart.mapped(unit_points(most // 4, chart.dimension, "sobol"))
    at = values(points) * volume[:, None]
    first, second = at[: len(at) // 2].mean(dim=0), at[len(at) // 2 :].mean(dim=0)
    return Integral((first + second) / 2, (first - second).abs(), at.abs().mean(dim=0))
