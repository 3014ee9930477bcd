"""Cache blocking: on a CPU many points are worked through a block at a time, whose matrices stay in the cache.

A GPU does all points at once: its caches are small against a matrix that would keep all of its cores busy.
"""

import torch


def works_in_blocks(device: torch.device) -> bool:
    """Whether work on a device is cut into blocks."""
    return device.type == "cpu"


def points_at_once(count: int, device: torch.device, *, bytes_per_point: int, cache: int, least: int) -> int:
    """How many of ``count`` points, one at least, are worked through at once.

    Args:
        count: How many there are.
        device: Where.
        bytes_per_point: What one point adds to the matrices in use.
        cache: The bytes that these matrices may have together on a CPU.
        least: Blocks of fewer points than this are not worth their overhead.
    """
    if works_in_blocks(device):
        count = min(count, max(least, cache // max(1, bytes_per_point)))
    return max(1, count)
