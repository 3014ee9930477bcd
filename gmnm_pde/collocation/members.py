"""Which mixtures there are where the domain has parts: in each box one for every part that reaches far into it."""

from functools import lru_cache

import torch
from torch import Tensor

from gmnm_pde.geometry import Parted
from gmnm_pde.geometry.unit import unit_points
from gmnm_pde.models import Member, Partition

_INNER = 1024
"""Sobol points of a box at which it is looked which parts reach it."""

_LATTICE = {1: 33, 2: 17, 3: 9, 4: 5}
"""Points along each coordinate of a lattice that has its corners and edges, by the number of coordinates."""

_THIN = 0.05
"""A part is thin that is no wider than this part of a window: points that are strewn in the window miss it."""

_WIDER = 0.05
"""By how much of its sides the bounds of a part in a box, as points show them, are widened."""

_COVERED = 0.03
"""Where the steps of other boxes come to this, they serve a part that reaches a little over the face of a box."""


@lru_cache(maxsize=16)
def members_of(domain: Parted, partition: Partition) -> tuple[Member, ...]:
    """The mixtures of a patchwork on a domain with parts; ``partition`` is of its bounding box scaled to [-1, 1]^d."""
    d, count = partition.dimension, len(partition)
    ends = torch.linspace(0, 1, _LATTICE.get(d, 2), dtype=torch.float64)
    unit = torch.cat([torch.cartesian_prod(*[ends] * d).reshape(-1, d), unit_points(_INNER, d, "sobol")])
    bounds = torch.tensor(domain.bounds, dtype=torch.float64)
    supports = partition.supports
    low, high = supports.unbind(2)
    middle_low, middle_high = (
        (low + partition.low) / 2 + (partition.low - low),
        (high + partition.high) / 2 - (high - partition.high),
    )
    members = []
    for number, (name, part) in enumerate(domain.parts.items()):
        of_part = (
            2 * (torch.tensor(part.bounds, dtype=torch.float64) - bounds[:, :1]) / (bounds[:, 1:] - bounds[:, :1]) - 1
        )
        own = _points(unit, supports, of_part)
        placed = bounds[:, 0] + (own.reshape(-1, d) + 1) / 2 * (bounds[:, 1] - bounds[:, 0])
        inside = (domain.contains(placed) & domain.lies_in(name, placed)).reshape(count, -1)
        core = ((own >= middle_low[:, None]) & (own <= middle_high[:, None])).all(dim=2)
        chosen = (inside & core).any(dim=1)
        in_box = ((own >= partition.low[:, None]) & (own <= partition.high[:, None])).all(dim=2)
        for box in (inside & in_box).any(dim=1).logical_and(~chosen).nonzero()[:, 0].tolist():
            there = own[box][inside[box] & in_box[box]]
            among = chosen.nonzero()[:, 0].tolist()
            chosen[box] = bool((partition.covered(there, among) < _COVERED).any())
        for box in chosen.nonzero()[:, 0].tolist():
            members.append(Member(box, number, _bounds(own[box][inside[box]], supports[box], of_part)))
    return tuple(sorted(members, key=lambda member: (member.box, member.part)))


def _points(unit: Tensor, supports: Tensor, of_part: Tensor) -> Tensor:
    """Points in the support of every window, of a thin part in what there is of it there too: [boxes, points, d]."""
    low, high = supports.unbind(2)
    points = low[:, None] + unit * (high - low)[:, None]
    if bool((of_part[:, 1] - of_part[:, 0] > _THIN * (high - low).amin(dim=0)).all()):
        return points
    start, end = torch.maximum(low, of_part[:, 0]), torch.minimum(high, of_part[:, 1])
    near = start[:, None] + unit * (end - start)[:, None]
    return torch.cat([points, torch.where((end > start).all(dim=1)[:, None, None], near, points)], dim=1)


def _bounds(inside: Tensor, support: Tensor, of_part: Tensor) -> tuple[tuple[float, float], ...]:
    """A box around points of a part in the support of a window, not beyond either."""
    wider = _WIDER * (support[:, 1] - support[:, 0])
    low = torch.maximum(inside.amin(dim=0) - wider, torch.maximum(support[:, 0], of_part[:, 0]))
    high = torch.minimum(inside.amax(dim=0) + wider, torch.minimum(support[:, 1], of_part[:, 1]))
    return tuple(zip(low.tolist(), high.tolist(), strict=True))
