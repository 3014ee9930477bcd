"""Which mixtures there are where the domain has parts: one for each part that reaches the window of a box."""

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

_MARGIN = 0.05
"""By how much of its sides the bounds of a part in a box, as points show them, are widened."""


@lru_cache(maxsize=16)
def members_of(domain: Parted, partition: Partition) -> tuple[Member, ...]:
    """The mixtures of a patchwork on a domain with parts; ``partition`` is of its bounding box scaled to [-1, 1]^d."""
    d = partition.dimension
    ends = torch.linspace(0, 1, _LATTICE.get(d, 2), dtype=torch.float64)
    unit = torch.cat([torch.cartesian_prod(*[ends] * d).reshape(-1, d), unit_points(_INNER, d, "sobol")])
    low, high = torch.tensor(domain.bounds, dtype=torch.float64).unbind(1)
    members = []
    for box, support in enumerate(partition.supports):
        points = support[:, 0] + unit * (support[:, 1] - support[:, 0])
        placed = low + (points + 1) / 2 * (high - low)
        contained = domain.contains(placed)
        for number, (name, part) in enumerate(domain.parts.items()):
            inside = points[contained & domain.lies_in(name, placed)]
            if len(inside):
                ends_of_part = 2 * (torch.tensor(part.bounds, dtype=torch.float64) - low[:, None]) / (high - low)[:, None] - 1
                members.append(Member(box, number, _bounds(inside, support, ends_of_part)))
    return tuple(members)


def _bounds(inside: Tensor, support: Tensor, of_part: Tensor) -> tuple[tuple[float, float], ...]:
    """A box around points of a part in the support of a window, not beyond either."""
    wider = _MARGIN * (support[:, 1] - support[:, 0])
    low = torch.maximum(inside.amin(dim=0) - wider, torch.maximum(support[:, 0], of_part[:, 0]))
    high = torch.minimum(inside.amax(dim=0) + wider, torch.minimum(support[:, 1], of_part[:, 1]))
    return tuple(zip(low.tolist(), high.tolist(), strict=True))
