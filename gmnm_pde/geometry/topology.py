"""Pieces of a domain that nothing connects, and its holes, as a lattice of points shows them.

What is narrower than the lattice's spacing is not seen: neither gaps between pieces nor holes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.geometry.composed import is_box
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.mesh import Mesh
from gmnm_pde.geometry.polygon import Polygon
from gmnm_pde.geometry.round import Ball, Ellipse

_POINTS = {1: 512, 2: 280**2, 3: 40**3}
"""Points of the lattice in the box around the domain, by the number of coordinates."""

_POINTS_ON_MESH = 20**3
"""The same for solids inside triangles, distances from which are dear."""

_AT_ONCE = 2**13
"""So many of them are looked at together: some shapes hold numbers for each of their edges at each point."""

_MARGIN = 4
"""Points of the lattice beyond the box at each end."""

_MOST_CENTERS = 3
"""So many centres a hole has at most: one is enough for a round one."""

_MIDDLE, _SHALLOW, _APART = 0.7, 0.4, 1.5
"""The middle of a hole is its centre if it is so deep in parts of the deepest; others are no less deep than the second
part, and so many depths apart."""


@dataclass(frozen=True)
class Hole:
    """A hole: of the plane, a cavity in space, or what a ring in space goes around.

    Attributes:
        center: A point in it, [d]; a long one has several.
        radius: How far the domain is from there.
        number: Of the hole among those of its piece and axis.
        axis: The coordinate along which it goes through all of space, where it is no cavity.
    """

    center: tuple[float, ...]
    radius: float
    number: int
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
        d, bounds = domain.dimension, torch.tensor(domain.bounds, dtype=torch.float64)
        extent = bounds[:, 1] - bounds[:, 0]
        points = _POINTS_ON_MESH if isinstance(domain, Mesh) else _POINTS[d]
        self._step = (extent.prod().item() / points) ** (1 / d)
        counts = (extent / self._step).ceil().long() + 2 * _MARGIN
        self._low = bounds.mean(dim=1) - counts * self._step / 2
        axes = [low + (torch.arange(n) + 0.5) * self._step for low, n in zip(self._low, counts.tolist(), strict=True)]
        shape = tuple(counts.tolist())
        self._points = torch.cartesian_prod(*axes).reshape(*shape, d)
        some = self._points.flatten(0, -2).split(_AT_ONCE)
        depth = torch.cat([domain.distance(points) for points in some]).reshape(shape)
        self._reach = 0.7 * d**0.5 * self._step
        near = (depth > -self._reach).numpy()  # points of the domain have all corners of their cell in it
        labels, self.count = _connected(near, np.ones((3,) * d, dtype=bool))
        self._labels = torch.from_numpy(labels)

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

    def beyond(self, points: Tensor, normals: Tensor, piece: int, axis: int | None = None) -> Tensor:
        """What lies beyond points of a piece's boundary: the numbers of holes or of what is outside, [n].

        Zero where that is too narrow to be told.
        """
        own, labels = (self._labels == piece).numpy(), points + 4 * self._reach * normals
        outside = _connected(~own if axis is None else ~np.asarray(own.any(axis=axis)))[0]
        cells = ((labels - self._low) / self._step).long()
        kept = [k for k in range(own.ndim) if k != axis]
        inside = [cells[:, k].clamp(0, n - 1) for k, n in zip(kept, outside.shape, strict=True)]
        return torch.from_numpy(outside)[tuple(inside)].long()

    def _holes(self, own: np.ndarray) -> Iterator[Hole]:
        """The holes of a piece, a mask on the lattice."""
        if own.ndim == 1:
            return
        yield from self._enclosed(~own, self._points, None)
        for axis in range(own.ndim if own.ndim == 3 else 0):
            shadow = np.asarray(own.any(axis=axis))
            yield from self._enclosed(~shadow, self._points.select(axis, own.shape[axis] // 2), axis)

    def _enclosed(self, outside: np.ndarray, points: Tensor, axis: int | None) -> Iterator[Hole]:
        """What a mask has that does not reach the lattice's end."""
        labels, count = _connected(outside)
        for number in range(1, count + 1):
            if number == labels[(0,) * labels.ndim]:
                continue
            own = labels == number
            depth = self._step * _depth(own)[torch.from_numpy(own)]
            for center, radius in _centers(points[torch.from_numpy(own)], depth):
                yield Hole(center, radius, number, axis)


def _connected(mask: np.ndarray, neighbours: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """The numbers of connected parts of a mask, from 1 on, and how many there are."""
    from scipy.ndimage import label  # here: it takes time to import, and few need it

    labels = np.zeros(mask.shape, dtype=np.int32)
    return labels, cast(int, label(mask, neighbours, output=labels))


def _depth(mask: np.ndarray) -> Tensor:
    """How far points of a mask are from others, in steps of the lattice."""
    from scipy.ndimage import distance_transform_edt  # here: as for connected parts

    return torch.from_numpy(np.asarray(distance_transform_edt(mask)))


def _centers(points: Tensor, depth: Tensor) -> Iterator[tuple[tuple[float, ...], float]]:
    """Points deep in a hole, and how deep: its middle where that is, others where it is long."""
    middle, deepest = points.mean(dim=0), depth.amax()
    nearest = (points - middle).norm(dim=1).argmin()
    k = nearest if depth[nearest] > _MIDDLE * deepest else depth.argmax()
    center, left = middle if k == nearest else points[k], depth > _SHALLOW * deepest
    for _ in range(_MOST_CENTERS):
        yield tuple(center.tolist()), depth[k].item()
        left = left & ((points - center).norm(dim=1) > _APART * depth[k])
        if not left.any():
            return
        k = torch.where(left, depth, -torch.inf).argmax()
        center = points[k]


def may_have_holes(domain: Domain) -> bool:
    """Whether a domain in space may have holes or several pieces, by its kind."""
    whole = is_box(domain) or isinstance(domain, Ellipse | Ball | Polygon)
    return not (whole or domain.time or domain.parts or not domain.solid) and domain.dimension in _POINTS
