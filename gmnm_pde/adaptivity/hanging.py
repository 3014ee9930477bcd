"""Boxes of several sizes whose faces are shared: of two that meet none is more than twice as long along the face."""

from collections.abc import Mapping, Sequence

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


def matched(cells: Partition, new: Tensor | None = None) -> Partition:
    """The boxes of [-1, 1]^d, halved until none is too long for one that it shares a face with.

    How thick boxes are across a face does not matter, so that long thin ones do not spread.

    Args:
        cells: The boxes.
        new: The numbers of those that are new since all were halved so; by default all are.
    """
    new = torch.arange(len(cells)) if new is None else new
    while cuts := _too_long(cells, new):
        cells, new = halved(cells, {number: sorted(axes) for number, axes in cuts.items()})
    return cells


def _too_long(cells: Partition, new: Tensor) -> dict[int, set[int]]:
    """The axes along which boxes are too long for new ones, or new ones for any."""
    cuts: dict[int, set[int]] = {}
    for rows, columns in with_new(len(cells), new):
        sizes, shorter = cells.sizes[rows], cells.sizes[columns]
        common = torch.minimum(cells.high[rows, None], cells.high[columns])
        common -= torch.maximum(cells.low[rows, None], cells.low[columns])
        for axis in range(cells.dimension):
            others = [k for k in range(cells.dimension) if k != axis]
            beside = (common[..., axis].abs() <= _ROUNDING) & (common[..., others] > _ROUNDING).all(dim=2)
            for along in others:
                least = torch.where(beside, shorter[None, :, along], torch.inf).amin(dim=1)
                for number in (sizes[:, along] > _RATIO * least).nonzero()[:, 0].tolist():
                    alike = sizes[number] >= _ALIKE * sizes[number, along]
                    cuts.setdefault(int(rows[number]), set()).update(alike.nonzero()[:, 0].tolist())
    return cuts


def with_new(count: int, new: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Numbers of boxes in rows and columns, so that all pairs with a new one are among them."""
    every = torch.arange(count)
    if 2 * len(new) >= count:
        return [(every, every)]
    return [(every, new), (new, every)] if len(new) else []


def halved(cells: Partition, cuts: Mapping[int, Sequence[int]]) -> tuple[Partition, Tensor]:
    """The boxes with some halved along some axes, and the numbers of the new ones."""
    parts = torch.ones(len(cells), dtype=torch.long)
    for number, axes in cuts.items():
        parts[number] = 2 ** len(axes)
    return cells.split(cuts.items()), (parts > 1).repeat_interleave(parts).nonzero()[:, 0]


def graded(cells: Partition, points: Tensor, levels: int) -> Partition:
    """The boxes of [-1, 1]^d with those that touch some points, [k, d], halved again and again."""
    for level in range(levels if len(points) else 0):
        touched = touching(cells, points).any(dim=0) & (cells.sizes.amax(dim=1) > SMALLEST)
        touched = touched.nonzero()[:, 0].tolist()
        cells, new = halved(cells, {number: range(cells.dimension) for number in touched})
        cells = matched(cells, new if level else None)
    return cells


def on_unit(domain: Domain, places: Tensor) -> Tensor:
    """Places [k, d] of a domain, carried with its bounds to [-1, 1]^d."""
    low, high = torch.tensor(domain.bounds, dtype=torch.float64).unbind(1)
    return 2 * (places - low) / (high - low) - 1


def touching(cells: Partition, points: Tensor) -> Tensor:
    """Which points [k, d] lie in which boxes, sides included: a mask, [k, boxes]."""
    above, below = points[:, None] >= cells.low - _ROUNDING, points[:, None] <= cells.high + _ROUNDING
    return (above & below).all(dim=2)
