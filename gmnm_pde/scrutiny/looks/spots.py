"""Whether and how narrow a function is at some places, between the lines along which it is looked at."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.geometry.unit import unit_points
from gmnm_pde.sampling import Cloud
from gmnm_pde.scrutiny.looks.feature import Feature
from gmnm_pde.scrutiny.looks.lines import Lines

_OCTAVES = range(6, 47)
"""Around each it is looked how much a function changes, at distances of these powers of a half of the unit cube."""

_DIRECTIONS = 4
"""In so many directions and their opposites, beside those of the coordinates."""

_NARROW = 2.0**-6.5
"""What changes within less is narrow: lines may miss it."""

_PART, _PLATEAU = 0.1, 4
"""Where it changes by such a part of all, which it does within so many octaves in each direction, but for singular
points."""

_BEYOND, _STEP = 3, 0.3
"""What differs by so large a part so many octaves farther away in opposite directions is a step, which lines see."""

_GOOD_PART = 0.05
"""A change by less than this part of the function's range is of no account."""

_ELSEWHERE = 16
"""On so many other lines along a coordinate it is looked whether a function is narrow all over a plane."""

_WHOLE = 0.99
"""Within a spot a function differs by such a part of the most from what it is elsewhere."""

_OUT, _PARTS, _LEVELS, _JUMP = 16.0, 64, 8, 0.3
"""A spot has an edge where within so many of its widths neighbours differ by such a part of it, however near they are
after so many divisions into so many parts."""

_LIKE = 4.0
"""Spots whose widths differ by no more than this factor are told of together."""


@dataclass(frozen=True)
class Spots:
    """Places where a function is narrow.

    Attributes:
        at: Points of the unit cube, [k, e].
        width: Within what distance it changes, on the unit cube, [k].
        change: By how much, [k].
        everywhere: Along which coordinates of the unit cube it does so on all lines that pass one plane, [k, e].
    """

    at: Tensor
    width: Tensor
    change: Tensor
    everywhere: Tensor

    def __len__(self) -> int:
        return len(self.at)

    def some(self, rows: Tensor) -> "Spots":
        """Those at some rows."""
        return Spots(self.at[rows], self.width[rows], self.change[rows], self.everywhere[rows])

    def groups(self) -> Iterator[tuple["Spots", int | None]]:
        """Those that make one feature, each with the coordinate along which they do so on a whole plane, if they do."""
        left = torch.ones(len(self), dtype=torch.bool)
        while bool(left.any()):
            first = int(left.double().argmax())
            axis = int(self.everywhere[first].double().argmax()) if bool(self.everywhere[first].any()) else None
            same = left & (self.width <= _LIKE * self.width[first]) & (self.width >= self.width[first] / _LIKE)
            if axis is None:
                same &= ~self.everywhere.any(dim=1)
            else:
                near = (self.at[:, axis] - self.at[first, axis]).abs() <= 4 * self.width[first]
                same &= self.everywhere[:, axis] & near
            left &= ~same
            yield self.some(same), axis


def spots(
    evaluate: Callable[[Cloud], dict[Any, Tensor]], lines: Lines, units: Tensor, ranges: Mapping[Any, float]
) -> dict[Any, Spots]:
    """Those of some places where functions are narrow, by function.

    Args:
        evaluate: Takes points to the functions, by name.
        lines: The unit cube, and where it lies in space.
        units: Places on the unit cube, [k, e].
        ranges: How much each function changes elsewhere; nothing for those that are the same everywhere.
    """
    e = units.shape[1]
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(_DIRECTIONS, e, generator=generator, dtype=torch.float64)
    axes = torch.eye(e, dtype=torch.float64)
    half = torch.cat([axes, drawn / drawn.norm(dim=1, keepdim=True)])
    ways = torch.cat([half, -half])
    radii = torch.tensor([2.0**-k for k in _OCTAVES], dtype=torch.float64)
    around = (units[:, None, None] + radii[:, None, None] * ways).clamp(0, 1)
    found = {}
    for name, values in lines.on(evaluate, lines.embed(around.flatten(0, 2))).items():
        values = values.view(around.shape[:3])
        width, change = _widths(values, radii)
        narrow = (width > 0) & (width < _NARROW) & (change >= _GOOD_PART * ranges.get(name, 0.0))
        narrow &= ~_beside_narrower(units, width.where(narrow, torch.inf))
        if bool(narrow.any()):
            own = _within(values, around)[narrow], width[narrow], change[narrow]
            on = lambda points, name=name: lines.on(evaluate, lines.embed(points)).get(name)  # noqa: E731
            found[name] = Spots(*own, _everywhere(on, *own))
    return found


def _beside_narrower(at: Tensor, width: Tensor) -> Tensor:
    """Which places [k, e] are beside a narrower one, and see only that."""
    near = torch.cdist(at, at) <= _LIKE * width[:, None]
    return (near & (width[None, :] < width[:, None])).any(dim=1)


def _widths(values: Tensor, radii: Tensor) -> tuple[Tensor, Tensor]:
    """Within what distance functions change, 0 where that is not to be told, and by how much, [k] each.

    Args:
        values: At distances and in directions from k places, [k, distances, directions].
        radii: The distances, descending.
    """
    change = values.nan_to_num(-torch.inf).amax(dim=(1, 2)) - values.nan_to_num(torch.inf).amin(dim=(1, 2))
    steps = values.diff(dim=1).abs().nan_to_num(0.0)
    large = steps >= _PART * change.clamp_min(1e-300)[:, None, None]
    numbers = torch.arange(steps.shape[1])[None, :, None]
    first = torch.where(large, numbers, len(radii)).amin(dim=1)
    last = torch.where(large, numbers, -1).amax(dim=1)
    told = ((last - first <= _PLATEAU) & (last < steps.shape[1] - _PLATEAU)).all(dim=1)
    nearest = torch.where(last >= 0, first, -1).amax(dim=1)
    beyond = (nearest - _BEYOND).clamp_min(0)
    ends = values[torch.arange(len(values)), beyond]
    one, other = ends.chunk(2, dim=1)
    told &= ((one - other).abs().nan_to_num(0.0) <= _STEP * change[:, None]).all(dim=1)
    return radii[nearest.clamp_min(0)] * (told & (nearest >= 0) & change.isfinite()), change


def _within(values: Tensor, around: Tensor) -> Tensor:
    """Of the points around places those at which a function has what it has in the spot alone, [k, e].

    A place that was found is at the corner of a spot, if what is compared in it passes zero there.
    """
    k, distances, directions, e = around.shape
    far = values[:, 0].nanmedian(dim=1).values
    apart = (values - far[:, None, None]).abs().nan_to_num(0.0).flatten(1)
    whole = apart >= _WHOLE * apart.amax(dim=1, keepdim=True)
    first = whole.double().argmax(dim=1)  # the farthest, since distances descend
    return around.reshape(k, distances * directions, e)[torch.arange(k), first]


def _everywhere(function: Callable[[Tensor], Tensor | None], at: Tensor, width: Tensor, change: Tensor) -> Tensor:
    """Along which coordinates a function of the unit cube is as narrow on most other lines, [k, e]."""
    e = at.shape[1]
    others = unit_points(_ELSEWHERE, e, "sobol", seed=3)
    offsets = torch.tensor([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0], dtype=torch.float64)
    found = torch.zeros(at.shape, dtype=torch.bool)
    for axis in range(e):
        grid = others[None, :, None].repeat(len(at), 1, len(offsets), 1)
        grid[..., axis] = (at[:, axis, None] + width[:, None] * offsets)[:, None].clamp(0, 1)
        values = function(grid.flatten(0, 2))
        if values is not None:
            values = values.view(grid.shape[:3])
            spread = values.amax(dim=2) - values.amin(dim=2)
            inside = spread.isfinite()
            seen = (spread >= _PART * change[:, None]) & inside
            found[:, axis] = seen.sum(dim=1) * 2 > inside.sum(dim=1)
    return found


def edge_of(function: Callable[[Tensor], Tensor], feature: Feature, extent: Tensor) -> Tensor | None:
    """A point, [1, d], at which a function jumps beside a spot; None where it does not.

    Args:
        function: From points [n, d] to values [n].
        feature: The spot.
        extent: Of the domain, [d].
    """
    low, axis = feature.at[0], 0 if feature.plane is None else feature.plane[0]
    way = torch.zeros_like(extent)
    way[axis] = 1.0
    high = low + _OUT * feature.relative * extent * way
    parts = torch.linspace(0, 1, _PARTS + 1, dtype=torch.float64)[:, None]
    for _ in range(_LEVELS):
        grid = low + parts * (high - low)
        steps = function(grid).diff().abs().nan_to_num(0.0)
        where = int(steps.argmax())
        low, high = grid[where], grid[where + 1]
    return (low + high)[None] / 2 if steps[where] >= _JUMP * feature.size else None
