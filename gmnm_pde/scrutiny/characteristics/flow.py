"""Fields of directions in a unit box, and where lines along them end."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from gmnm_pde.scrutiny.characteristics.unit_box import UnitBox

STEP = 1 / 32
"""Of the lines, in lengths of the box."""

STEPS, BLOCKS = 48, 3
"""Lines are followed by so many steps at once, and so often."""

_DIVISIONS, _PARTS = 4, 8
"""A step that leaves the domain is so often divided in so many parts, of which one leaves it."""

_SLOW = 1e-3
"""A line whose speed falls below this part of the largest one may never arrive."""

_ASIDE, _TURN = 4e-3, 0.1
"""The inner side of a place of the boundary is looked for so far off, in directions so much to both sides of a line."""

_GRAZES = 0.01
"""A line that leaves the domain with no more than this part of its length may run along the boundary."""


@dataclass(frozen=True)
class Flow:
    """A field of directions.

    Attributes:
        velocity: On a grid of the unit box, [nodes, ..., nodes, d]; with one node along each axis the same everywhere.
        rate: What multiplies the field itself in its equation there, [nodes, ..., nodes].
    """

    velocity: Tensor
    rate: Tensor

    @cached_property
    def _speeds(self) -> Tensor:
        return self.velocity.norm(dim=-1, keepdim=True)

    @cached_property
    def _directions(self) -> Tensor:
        return self.velocity / self._speeds.clamp_min(1e-12 * self._speeds.max().item())

    def at(self, points: Tensor) -> Tensor:
        """The directions at points [n, d], of length one but where it comes to rest: [n, d]."""
        return _between(self._directions, points)

    def is_slow(self, points: Tensor) -> Tensor:
        """Whether it comes to rest near points [n, d], [n]."""
        return _between(self._speeds, points)[:, 0] < _SLOW * self._speeds.max()

    def rates(self, points: Tensor) -> Tensor:
        """What multiplies the field at points [n, d], for lines of length one: [n]."""
        return _between(self.rate[..., None] / self._speeds.clamp_min(1e-300), points)[:, 0]

    def path(self, box: UnitBox, at: Tensor, ways: Tensor) -> Tensor:
        """Steps along lines from points [n, d], forwards (1) or backwards (-1), [n], each: [steps + 1, n, d]."""
        step = STEP * ways[:, None]
        if self.velocity.shape[0] == 1:
            return at + torch.arange(STEPS + 1, dtype=at.dtype)[:, None, None] * step * self.at(at)
        path = [at]
        for _ in range(STEPS):  # by the midpoint rule
            middle = at + step / 2 * self.at(box.wrapped(at))
            at = at + step * self.at(box.wrapped(middle))
            path.append(at)
        return torch.stack(path)

    def inward(self, box: UnitBox, at: Tensor) -> Tensor:
        """Which way lines of a plane lead into the domain from its boundary [n, 2]: 1, -1, 0 where along it; [n]."""
        c, s = math.cos(_TURN), math.sin(_TURN)
        step = _ASIDE * self.at(at)
        beside = torch.stack([step @ step.new_tensor([[c, w * s], [-w * s, c]]) for w in (-1, 1)])
        ahead, behind = (box.contains(at + way * beside) for way in (1, -1))
        return (ahead.all(0) & ~behind.any(0)).double() - (behind.all(0) & ~ahead.any(0)).double()


def _between(values: Tensor, points: Tensor) -> Tensor:
    """Values on a grid, [nodes, ..., nodes, m], between its nodes at points [n, d]: [n, m]."""
    if values.shape[0] == 1:
        return values.flatten(0, -2).expand(len(points), -1)
    image, d = values.movedim(-1, 0)[None], points.shape[1]
    at = (2 * points - 1).flip(1).reshape(1, *[1] * (d - 1), -1, d)
    return (
        grid_sample(image, at, mode="bilinear", padding_mode="border", align_corners=True).reshape(len(image[0]), -1).T
    )


@dataclass(frozen=True)
class Ends:
    """Ends of lines.

    Attributes:
        places: The last places in the domain, in the unit box, [n, d].
        left: Which lines leave the domain, [n].
        sure: Which of these neither come to rest there nor run along the boundary, [n].
    """

    places: Tensor
    left: Tensor
    sure: Tensor


def trace(flow: Flow, box: UnitBox, starts: Tensor, ways: Tensor) -> Ends:
    """Where lines from points [n, d] of the unit box end, each forwards (1) or backwards (-1), [n]."""
    places, left = starts.clone(), torch.zeros(len(starts), dtype=torch.bool)
    active = torch.arange(len(starts))
    for _ in range(BLOCKS):
        path = flow.path(box, places[active], ways[active])
        outside = ~box.contains(path[1:])
        first = outside.byte().argmax(dim=0)
        gone, row = outside.any(dim=0), torch.arange(len(active))
        places[active] = path[-1]
        places[active[gone]] = _last_inside(box, path[first, row][gone], path[first + 1, row][gone])
        left[active[gone]] = True
        active = active[~gone]
        if not len(active):
            break
    places = box.wrapped(places)
    beyond = box.depth(places + _ASIDE * ways[:, None] * flow.at(places))
    return Ends(places, left, left & ~flow.is_slow(places) & (beyond < -_GRAZES * _ASIDE))


def _last_inside(box: UnitBox, inner: Tensor, outer: Tensor) -> Tensor:
    """The last places in the domain on the way from places inside to others outside, [n, d]."""
    parts, row = torch.arange(_PARTS + 1, dtype=inner.dtype)[:, None, None] / _PARTS, torch.arange(len(inner))
    for _ in range(_DIVISIONS):
        between = inner + parts * (outer - inner)
        outside = ~box.contains(between[1:-1])
        last = torch.where(outside.any(dim=0), outside.byte().argmax(dim=0), _PARTS - 1)
        inner, outer = between[last, row], between[last + 1, row]
    return inner
