"""The boundary of a shape in the plane cut into arcs, each in one box of a layout."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.boxes.layout import NOWHERE, Layout
from gmnm_pde.geometry.bisection import bisected
from gmnm_pde.geometry.flat import flat_side
from gmnm_pde.geometry.gauss import line
from gmnm_pde.geometry.region import Chart

_PLACES = 1024
"""Places on a chart at which it is looked which box they are in."""

_HALVINGS = 50
"""Of the gap between two places in different boxes."""

_SHORTEST = 1e-10
"""Arcs shorter than this part of their chart are left out."""

_NOTHING = 1e-6
"""Of a chart of which less is kept nothing is: a predicate such as abs(x + y) < 1e-9 means one side, and keeps the ends
of its neighbours."""

_INWARD = 1e-10
"""So far inside of the boundary, in parts of the extent, it is looked which box an arc belongs to."""

_STRAIGHT = 1e-6
"""An arc that turns by no more than this, in radians, is straight."""

_LEAST_ON_ARC = 6
"""Points on an arc at least; and as many more as its part of the box's side asks for."""

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

    def spread(self, side: float, count: int) -> tuple[Tensor, Tensor]:
        """Gauss points, about ``count`` for the length of a box's side, and the lengths in parts of that side."""
        length = self.nodes(_LEAST_ON_ARC)[1].sum().item()
        points, weights = self.nodes(_LEAST_ON_ARC + round(count * length / side))
        return points, weights / side

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
        return (normals[1:] - normals[:-1]).norm(dim=1).sum().item()

    def radius(self) -> float:
        """Of its curvature, on average."""
        length, turn = self.nodes(_ON_ARC)[1].sum().item(), self.turn()
        return length / turn if turn > _STRAIGHT else math.inf

    def bends(self) -> bool:
        """Whether it lies on no straight face of a box."""
        return flat_side(self.chart) is None


def arcs_of(chart: Chart, kept: Callable[[Tensor], Tensor] | None, cells: Layout) -> list[Arc]:
    """What is kept of a chart, all by default, cut at the sides of boxes."""
    ends = cells.ends
    step = _INWARD * (ends[..., 1].amax(dim=0) - ends[..., 0].amin(dim=0)).max().item()
    outward = chart.normal
    assert outward is not None

    def at(places: Tensor) -> Tensor:
        return chart.mapped(places[:, None])[0]

    places = torch.linspace(0, 1, _PLACES + 1, dtype=torch.float64)
    cuts = [places[[0, -1]]]
    if kept is not None:
        there = kept(at(places))
        left = (there[1:] != there[:-1]).nonzero()[:, 0]
        cuts.append(bisected(lambda own: kept(at(own)) == there[left], places[left], places[left + 1], _HALVINGS))
    points = at(places)
    for axis, own in enumerate(ends.unbind(1)):
        planes = own.unique()
        above = points[:, axis, None] > planes
        left, plane = (above[1:] != above[:-1]).nonzero().unbind(1)
        before, level = above[left, plane], planes[plane]
        crossed = lambda own, axis=axis, level=level, before=before: (at(own)[:, axis] > level) == before  # noqa: E731
        cuts.append(bisected(crossed, places[left], places[left + 1], _HALVINGS))
    marks = torch.cat(cuts).unique()
    middles = at((marks[1:] + marks[:-1]) / 2)
    owner = cells.owner(middles - step * outward(middles))
    labels = owner if kept is None else torch.where(kept(middles), owner, NOWHERE)
    lengths = marks.diff()
    if lengths[labels != NOWHERE].sum() < _NOTHING:
        return []
    long = lengths > _SHORTEST
    return _joined(chart, marks[:-1][long].tolist(), marks[1:][long].tolist(), labels[long].tolist())


def _joined(chart: Chart, starts: list[float], ends: list[float], boxes: list[int]) -> list[Arc]:
    """Neighbouring parts in one box as one arc."""
    found: list[Arc] = []
    for start, end, box in zip(starts, ends, boxes, strict=True):
        if found and found[-1].box == box and start - found[-1].end <= _SHORTEST:
            found[-1] = replace(found[-1], end=end)
        elif box != NOWHERE:
            found.append(Arc(chart, start, end, box))
    return found
