"""Boxes of several sizes whose faces are shared: of two that meet none is more than twice as long along the face."""

import torch
from torch import Tensor

from gmnm_pde.geometry import Domain
from gmnm_pde.models import Partition

_RATIO = 2.0 + 1e-6
"""The largest ratio of sides along a shared face: two, and a little for rounding."""

_ALIKE = 0.7
"""A box is halved along its other sides too, where they are no shorter than this part of the one that is too long."""

SMALLEST = 4e-9
"""On [-1, 1]^d, boxes no larger than this are not halved: how the boundary cuts them would be lost in rounding."""

_ROUNDING = 1e-12
"""On [-1, 1]^d, sides that differ by no more are the same."""


def matched(cells: Partition) -> Partition:
    """The boxes of [-1, 1]^d, halved until none is too long for one that it shares a face with.

    How thick boxes are across a face does not matter, so that long thin ones do not spread.
    """
    while True:
        low, high, sizes = cells.low, cells.high, cells.sizes
        common = torch.minimum(high[:, None], high[None]) - torch.maximum(low[:, None], low[None])
        cuts: dict[int, set[int]] = {}
        for axis in range(cells.dimension):
            others = [k for k in range(cells.dimension) if k != axis]
            beside = (common[..., axis].abs() <= _ROUNDING) & (common[..., others] > _ROUNDING).all(dim=2)
            for along in others:
                least = torch.where(beside, sizes[None, :, along], torch.inf).amin(dim=1)
                for number in (sizes[:, along] > _RATIO * least).nonzero()[:, 0].tolist():
                    alike = sizes[number] >= _ALIKE * sizes[number, along]
                    cuts.setdefault(number, set()).update(alike.nonzero()[:, 0].tolist())
        if not cuts:
            return cells
        cells = cells.split([(number, sorted(axes)) for number, axes in cuts.items()])


def graded(cells: Partition, points: Tensor, levels: int) -> Partition:
    """The boxes of [-1, 1]^d with those that touch some points, [k, d], halved again and again."""
    for _ in range(levels if len(points) else 0):
        touched = touching(cells, points).any(dim=0) & (cells.sizes.amax(dim=1) > SMALLEST)
        touched = touched.nonzero()[:, 0].tolist()
        cells = matched(cells.split([(number, range(cells.dimension)) for number in touched]))
    return cells


def on_unit(domain: Domain, places: Tensor) -> Tensor:
    """Places [k, d] of a domain, carried with its bounds to [-1, 1]^d."""
    low, high = torch.tensor(domain.bounds, dtype=torch.float64).unbind(1)
    return 2 * (places - low) / (high - low) - 1


def touching(cells: Partition, points: Tensor) -> Tensor:
    """Which points [k, d] lie in which boxes, sides included: a mask, [k, boxes]."""
    above, below = points[:, None] >= cells.low - _ROUNDING, points[:, None] <= cells.high + _ROUNDING
    return (above & below).all(dim=2)
