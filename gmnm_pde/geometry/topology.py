"""Pieces of a domain that nothing connects, and its holes, as a lattice of points shows them.

What is narrower than the lattice's spacing is not seen: neither gaps between pieces nor holes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.geometry.composed import is_box
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.round import Ball, Ellipse

_SIDE = {1: 512, 2: 160, 3: 40}
"""Points of the lattice along each coordinate, by the number of coordinates."""

_MOST_CENTERS = 3
"""So many centres a hole has at most: one is enough for a round one."""

_LEAST_DEPTH = 0.4
"""Further centres are no less deep in the hole than this part of the deepest."""


@dataclass(frozen=True)
class Hole:
    """A hole: of the plane, a cavity in space, or what a ring in space goes around.

    Attributes:
        center: A point in it, [d].
        axis: The coordinate along which it goes through all of space, where it is no cavity.
    """

    center: tuple[float, ...]
    axis: int | None = None


@dataclass(frozen=True)
class Piece:
    """A piece that nothing connects with the others.

    Attributes:
        number: Of the piece in its domain's lattice.
        bounds: A box around it, [d, 2].
        holes: The holes in it, or that it goes around.
    """

    number: int
    bounds: tuple[tuple[float, float], ...]
    holes: tuple[Hole, ...]


class Topology:
    """The pieces of a domain in space, and in which of them points lie."""

    def __init__(self, domain: Domain):
        from scipy.ndimage import label  # here: it takes a tenth of a second to import, and few domains need it

        side = _SIDE[domain.dimension]
        bounds = torch.tensor(domain.bounds, dtype=torch.float64)
        self._step = (bounds[:, 1] - bounds[:, 0]) / (side - 4)
        self._low = bounds[:, 0] - 2 * self._step
        axes = [low + (torch.arange(side + 1) + 0.5) * step for low, step in zip(self._low, self._step, strict=True)]
        shape = (side + 1,) * domain.dimension
        self._points = torch.cartesian_prod(*axes).reshape(*shape, domain.dimension)
        self._depth = domain.distance(self._points.flatten(0, -2)).reshape(shape)
        reach = 0.5 * self._step.norm().item()
        self._near = (self._depth > -reach).numpy()  # points of the domain have all corners of their cell in it
        whole = np.ones((3,) * domain.dimension, dtype=bool)
        labels, self.count = label(self._near, whole)
        self._labels, self._label = torch.from_numpy(labels), label

    def piece_of(self, points: Tensor) -> Tensor:
        """The numbers of the pieces that points [n, d] lie in, from 1 on, [n]."""
        cells = ((points.detach().double() - self._low) / self._step).long()
        inside = [cells[:, k].clamp(0, n - 1) for k, n in enumerate(self._labels.shape)]
        return self._labels[tuple(inside)]

    def pieces(self) -> Iterator[Piece]:
        """Each piece with its holes."""
        for number in range(1, self.count + 1):
            own = self._labels == number
            points = self._points[own]
            low, high = points.amin(dim=0), points.amax(dim=0)
            box = tuple(zip(low.tolist(), high.tolist(), strict=True))
            yield Piece(number, box, tuple(self._holes(own.numpy())))

    def _holes(self, own: np.ndarray) -> Iterator[Hole]:
        """The holes of a piece, a mask on the lattice."""
        if own.ndim == 1:
            return
        for center in self._enclosed(~own, self._points, self._depth):
            yield Hole(center)
        for axis in range(own.ndim if own.ndim == 3 else 0):
            shadow = own.any(axis=axis)
            middle = self._points.select(axis, own.shape[axis] // 2)
            depth = self._depth.amax(dim=axis)  # how far a line is from the domain, at most
            for center in self._enclosed(~shadow, middle, depth):
                yield Hole(center, axis)

    def _enclosed(self, outside: np.ndarray, points: Tensor, depth: Tensor) -> Iterator[tuple[float, ...]]:
        """Centres of what a mask has that does not reach the lattice's end."""
        labels, count = self._label(outside)
        for number in range(1, count + 1):
            own = torch.from_numpy(labels == number)
            if number == labels[(0,) * labels.ndim]:
                continue
            yield from _centers(points[own], -depth[own])


def _centers(points: Tensor, depth: Tensor) -> Iterator[tuple[float, ...]]:
    """Points deep in a hole: its middle where that is, others where it is long."""
    deepest = depth.amax().item()
    middle = points.mean(dim=0)
    nearest = (points - middle).norm(dim=1).argmin()
    first, size = (middle, depth[nearest]) if depth[nearest] > 0.7 * deepest else (points[depth.argmax()], deepest)
    left = torch.ones(len(points), dtype=torch.bool)
    for _ in range(_MOST_CENTERS):
        yield tuple(first.tolist())
        left &= (points - first).norm(dim=1) > 1.5 * float(size)
        left &= depth > _LEAST_DEPTH * deepest
        if not left.any():
            return
        k = torch.where(left, depth, -torch.inf).argmax()
        first, size = points[k], depth[k]


def may_have_holes(domain: Domain) -> bool:
    """Whether a domain in space may have holes or several pieces, by its kind."""
    whole = is_box(domain) or isinstance(domain, Ellipse | Ball)
    return not (whole or domain.time or domain.parts or not domain.solid) and domain.dimension in _SIDE
