"""Where on a line something changes, found by halving."""

from collections.abc import Callable

import torch
from torch import Tensor


def bisected(same: Callable[[Tensor], Tensor], low: Tensor, high: Tensor, halvings: int) -> Tensor:
    """The places [k] between ``low``, where something holds, and ``high``, where it does not, at which it changes.

    Args:
        same: Whether what holds at ``low`` holds at other places, [k].
        low: One end of each interval, [k].
        high: The other.
        halvings: How often intervals are halved.
    """
    for _ in range(halvings if len(low) else 0):
        middle = (low + high) / 2
        holds = same(middle)
        low, high = torch.where(holds, middle, low), torch.where(holds, high, middle)
    return (low + high) / 2
