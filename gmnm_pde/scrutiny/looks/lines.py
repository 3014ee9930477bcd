"""Lines along which data are looked at: through the domain along its coordinates, and on the charts of conditions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.geometry import Domain, Region
from gmnm_pde.geometry.region import Chart, unknown_normal
from gmnm_pde.geometry.unit import unit_points
from gmnm_pde.sampling import Cloud

_POINTS = {1: 2**16, 2: 2**18, 3: 2**17}
"""Points in the interior along all coordinates together, by the number of coordinates that are looked along; 2^14
beyond, where narrow features stay between the lines in any case."""

_ON_CONDITIONS = 2**15
"""Points on all charts of a condition together."""

_STEPS_ACROSS = 257
"""Points along a chart that tell whether it is continuous."""

_LEAP = 30.0
"""A step longer than this many ordinary ones is a leap from one piece of a chart to another."""

_A_LINE = {2: 512, 3: 96}
"""Points on a line where several coordinates are looked along, by their number; 48 beyond."""

_MOST_CHARTS = 64
"""Conditions on more pieces than that are not looked at."""

_SURFACE = 2
"""Nor those on pieces of more dimensions than that."""


@dataclass(frozen=True)
class Lines:
    """Parallel lines of a unit cube, and where it lies in space.

    Attributes:
        base: Points of the unit cube that the lines go through, [lines, e].
        axis: The coordinate of the cube that they go along.
        count: How many points are looked at on each.
        embed: From the unit cube to space.
        keep: Which points of space count.
        normal: Outward normals, on a boundary.
        along: The coordinate of space that the lines go along, if they do.
    """

    base: Tensor
    axis: int
    count: int
    embed: Callable[[Tensor], Tensor]
    keep: Callable[[Tensor], Tensor] | None
    normal: Callable[[Tensor], Tensor] | None
    along: int | None

    def of(self, lines: int, count: int) -> "Lines":
        """The first of them, with another number of points on each."""
        return replace(self, base=self.base[:lines], count=count)

    @property
    def steps(self) -> Tensor:
        """Positions on each line, from 0 to 1, [count]."""
        return torch.linspace(0, 1, self.count, dtype=torch.float64)

    def points(self, lines: Tensor, t: Tensor) -> Tensor:
        """Points at positions t [c, k] of some lines [c]: [c * k, d]."""
        unit = self.base[lines][:, None].expand(-1, t.shape[1], -1).clone()
        unit[:, :, self.axis] = t
        return self.embed(unit.reshape(-1, unit.shape[2]))

    def cloud(self, points: Tensor) -> Cloud:
        """Points [n, d] of the region with their normals."""
        return Cloud(points, None if self.normal is None else self.normal(points))

    def values(self, evaluate: Callable[[Cloud], dict], lines: Tensor, t: Tensor) -> dict:
        """What ``evaluate`` gives at positions t [c, k] of some lines [c], NaN where they leave the region: [c, k]."""
        return {key: value.reshape(t.shape) for key, value in self.on(evaluate, self.points(lines, t)).items()}

    def on(self, evaluate: Callable[[Cloud], dict], points: Tensor) -> dict:
        """What ``evaluate`` gives at points [n, d], NaN where they are outside of the region: [n] each."""
        kept = None if self.keep is None else self.keep(points)
        if kept is not None and bool(kept.all()):
            kept = None
        inside = points if kept is None else points[kept]
        if not len(inside):
            return {}
        found = evaluate(self.cloud(inside))
        if kept is None:
            return found
        spread = {}
        for key, value in found.items():
            spread[key] = value.new_full((len(points),), torch.nan)
            spread[key][kept] = value
        return spread


def through(domain: Domain, axes: Sequence[int], seed: int, fewer: int = 1) -> Iterator[Lines]:
    """Lines through the interior along some coordinates, which the data depend on, with so many times fewer points."""
    bounds, d = torch.tensor(domain.bounds, dtype=torch.float64), domain.dimension
    low, extent = bounds[:, 0], bounds[:, 1] - bounds[:, 0]
    whole = all(chart.tensor and chart.keep is None for chart in domain.interior_charts())
    box = whole and abs(extent.prod().item() - domain.interior.measure) <= 1e-9 * domain.interior.measure
    budget = _POINTS.get(len(axes), 2**14) // fewer // len(axes)
    lines = 1 if d == 1 else 4 if box else 32
    count = budget // lines
    if len(axes) > 1:
        count = _A_LINE.get(len(axes), 48)
        lines = budget // count
    for axis in axes:
        base = unit_points(lines, d, "sobol", seed=seed + axis)
        yield Lines(
            base, axis, count, lambda unit: low + unit * extent, None if box else domain.contains, None, along=axis
        )


def on(region: Region, seed: int) -> Iterator[Lines]:
    """Lines on the charts of a region."""
    charts = [chart for chart in region.charts if 0 < chart.dimension <= _SURFACE and chart.given is None]
    charts = [chart for chart in charts if _is_continuous(chart)]
    if len(charts) > _MOST_CHARTS:
        return
    for chart in charts:
        budget = _ON_CONDITIONS // len(charts) // chart.dimension
        count = budget if chart.dimension == 1 else min(budget, 128)
        for axis in range(chart.dimension):
            base = unit_points(max(1, budget // count), chart.dimension, "sobol", seed=seed + axis)
            normal = None if chart.normal is unknown_normal else chart.normal
            yield Lines(base, axis, count, chart.embed, _kept(region, chart), normal, along=None)


def _is_continuous(chart: Chart) -> bool:
    """Whether neighbours on the unit cube are neighbours on the chart, which pieces strung together are not."""
    t = torch.linspace(0, 1, _STEPS_ACROSS, dtype=torch.float64)
    for axis in range(chart.dimension):
        unit = t.new_full((len(t), chart.dimension), 0.37)
        unit[:, axis] = t
        steps = chart.embed(unit).diff(dim=0).norm(dim=1)
        if steps.max() > _LEAP * steps.median():
            return False
    return True


def _kept(region: Region, chart: Chart) -> Callable[[Tensor], Tensor] | None:
    if chart.keep is None and not region.predicates:
        return None
    cut = chart.keep
    return region.keep if cut is None else lambda points: cut(points) & region.keep(points)
