"""Points of the boundary of a shape in space, by the boxes that they lie in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from gmnm_pde.boxes.layout import NOWHERE, Layout
from gmnm_pde.geometry.region import Chart
from gmnm_pde.geometry.unit import unit_points

_INWARD = 1e-9
"""So far inside of the boundary, in parts of the extent, it is looked which box a point belongs to."""

_DENSE = 400
"""About so many points on a piece of boundary as large as the side of the smallest box that it goes through."""

_FEWEST, _MOST = 2**10, 2**16
"""Points of one chart."""

_CURVED = 64
"""Points of a chart in a box that show how much it bends there, at most; the first ones are spread evenly."""


@dataclass(frozen=True)
class Surface:
    """Points of one chart of the boundary.

    Attributes:
        chart: The chart.
        points: What of it is kept, spread evenly, [n, 3].
        boxes: The number of the box that each lies in, or ``NOWHERE``, [n].
        area: What each stands for.
    """

    chart: Chart
    points: Tensor
    boxes: Tensor
    area: float

    @cached_property
    def by_box(self) -> dict[int, Tensor]:
        """The rows of the points in each box."""
        order = self.boxes.argsort(stable=True)
        numbers, counts = self.boxes[order].unique_consecutive(return_counts=True)
        parts = zip(numbers.tolist(), order.split(counts.tolist()), strict=True)
        return {number: rows for number, rows in parts if number != NOWHERE}

    def turn(self, rows: Tensor) -> float:
        """By how much the normal turns at most at some of the points, in radians, about."""
        assert self.chart.normal is not None
        normals = self.chart.normal(self.points[rows[:_CURVED]])
        return math.acos(max(-1.0, min(1.0, (normals @ normals.mT).min().item())))


def surfaces(charts: Sequence[Chart], cells: Layout) -> list[Surface]:
    """The boundary's points in boxes, so dense that no box is missed of which much is cut off."""
    extent = (cells.ends[..., 1].amax(dim=0) - cells.ends[..., 0].amin(dim=0)).max().item()
    found = []
    for chart in charts:
        own = _owners(chart, _sampled(chart, _FEWEST), cells, extent)
        sides = 2 * cells.halves[own[own != NOWHERE]].amin(dim=1)
        wanted = _DENSE * chart.whole / sides.min().item() ** 2 if len(sides) else 0.0
        points = _sampled(chart, 2 ** math.ceil(math.log2(min(_MOST, max(_FEWEST, wanted)))))
        area = chart.whole / len(points)
        kept = points if chart.keep is None else points[chart.keep(points)]
        found.append(Surface(chart, kept, _owners(chart, kept, cells, extent), area))
    return found


def _sampled(chart: Chart, count: int) -> Tensor:
    return chart.embed(unit_points(count, chart.dimension, "sobol"))


def _owners(chart: Chart, points: Tensor, cells: Layout, extent: float) -> Tensor:
    assert chart.normal is not None
    return cells.located(points - _INWARD * extent * chart.normal(points))
