"""The boundary of a shape in the plane cut into arcs, each in one box of a layout."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.flat import flat_side
from gmnm_pde.boxes.layout import NOWHERE, Layout
from gmnm_pde.geometry.gauss import line
from gmnm_pde.geometry.region import Chart

_PLACES = 1024
"""Places on a chart at which it is looked which box they are in."""

_OCTAVES, _IN_EACH = 30, 12
"""Towards the ends of what is kept of a chart there are so many more: boxes are small at corners."""

_HALVINGS = 50
"""Of the gap between two places in different boxes."""

_SHORTEST = 1e-10
"""Arcs shorter than this part of their chart are left out."""

_INWARD = 1e-9
"""So far inside of the boundary, in parts of the extent, it is looked which box an arc belongs to."""

_ON_ARC = 33
"""Points of an arc that show where it goes."""


@dataclass(frozen=True)
class Arc:
    """A part of a chart of the boundary, inside one box.

    Attributes:
        chart: The chart.
        start: Where it begins, in [0, 1].
        end: Where it ends.
        box: The number of the box.
    """

    chart: Chart
    start: float
    end: float
    box: int

    def at(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Points and the length that belongs to a unit, at places in [0, 1], [m, 2] and [m]."""
        points, size = self.chart.mapped((self.start + (self.end - self.start) * places)[:, None])
        return points, size * (self.end - self.start)

    def nodes(self, count: int) -> tuple[Tensor, Tensor]:
        """Gauss points, and the lengths that they stand for."""
        places, weights = line(count)
        points, size = self.at(places)
        return points, weights * size

    def shape(self) -> Tensor:
        """Points from end to end, [m, 2]."""
        return self.at(torch.linspace(0, 1, _ON_ARC, dtype=torch.float64))[0]

    def normals(self, points: Tensor) -> Tensor:
        """Outward unit normals."""
        assert self.chart.normal is not None
        return self.chart.normal(points)

    def turn(self) -> float:
        """By how much the normal turns, in radians."""
        normals = self.normals(self.shape())
        angles = (normals[1:] * normals[:-1]).sum(dim=1).clamp(-1, 1).acos()
        return angles.sum().item()

    def bends(self) -> bool:
        """Whether it lies on no straight face of a box."""
        return flat_side(self.chart) is None


def arcs_of(chart: Chart, kept: Callable[[Tensor], Tensor] | None, cells: Layout) -> list[Arc]:
    """What is kept of a chart, all by default, cut at the sides of boxes."""
    ends = cells.ends
    step = _INWARD * (ends[..., 1].amax(dim=0) - ends[..., 0].amin(dim=0)).max().item()
    outward = chart.normal
    assert outward is not None

    def label(places: Tensor) -> Tensor:
        points = chart.mapped(places[:, None])[0]
        owner = cells.owner(points - step * outward(points))
        return owner if kept is None else torch.where(kept(points), owner, NOWHERE)

    def there(places: Tensor) -> Tensor:
        return torch.zeros(len(places)) if kept is None else kept(chart.mapped(places[:, None])[0])

    even = torch.linspace(0, 1, _PLACES + 1, dtype=torch.float64)
    marks = torch.cat([even[[0, -1]], _changes(even, there)])
    octaves = torch.arange(_OCTAVES * _IN_EACH, dtype=torch.float64) / _IN_EACH
    near = (2.0**-octaves) / _PLACES * 8
    close = torch.cat([marks[:, None] + near, marks[:, None] - near]).flatten()
    places = torch.cat([even, marks, close[(close > 0) & (close < 1)]]).unique()
    cuts = torch.cat([even[[0, -1]], _changes(places, label)]).unique()
    middles = label((cuts[1:] + cuts[:-1]) / 2)
    found = zip(cuts[:-1].tolist(), cuts[1:].tolist(), middles.tolist(), strict=True)
    return [Arc(chart, low, high, box) for low, high, box in found if box != NOWHERE and high - low > _SHORTEST]


def _changes(places: Tensor, label: Callable[[Tensor], Tensor]) -> Tensor:
    """Where a label changes between places."""
    labels = label(places)
    left = (labels[1:] != labels[:-1]).nonzero()[:, 0]
    low, high, before = places[left], places[left + 1], labels[left]
    for _ in range(_HALVINGS if len(left) else 0):
        middle = (low + high) / 2
        same = label(middle) == before
        low, high = torch.where(same, middle, low), torch.where(same, high, middle)
    return (low + high) / 2
