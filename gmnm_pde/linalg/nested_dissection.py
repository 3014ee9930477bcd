"""Nested dissection: an order of elimination for groups of unknowns that are coupled to their neighbours in space.

The groups are bisected by a plane; those of one half that are coupled to the other are the separator. The halves
without it are bisected in turn. A separator is eliminated after both of its halves, so that eliminating one half causes
no fill-in in the other. (A. George, SIAM J. Numer. Anal. 10, 1973.)
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

Groups = tuple[int, ...]


def neighbours(patterns: Iterable[Groups], count: int) -> list[set[int]]:
    """The adjacency of ``count`` groups: for each those that occur in a row with it, itself left out."""
    adjacent: list[set[int]] = [set() for _ in range(count)]
    for pattern in set(patterns):
        for group in pattern:
            adjacent[group].update(pattern)
    for group, near in enumerate(adjacent):
        near.discard(group)
    return adjacent


def dissect(centers: Tensor, near: Sequence[set[int]]) -> list[Groups]:
    """The groups in blocks, in the order of elimination.

    Args:
        centers: Where each group lies, [groups, d].
        near: For each group those coupled to it.
    """
    return _dissect(list(range(len(centers))), centers, near)


def _dissect(groups: list[int], centers: Tensor, near: Sequence[set[int]]) -> list[Groups]:
    if not groups:
        return []
    if len(groups) == 1:
        return [tuple(groups)]
    best: tuple[float, list[int], list[int], list[int]] | None = None
    for axis in range(centers.shape[1]):
        halves = _halves(groups, centers[:, axis])
        if halves is None:
            continue
        left, right = halves
        members = set(left)
        separator = [group for group in right if near[group] & members]
        cost = len(separator) + 0.25 * abs(len(left) - len(right))
        if best is None or cost < best[0]:
            best = cost, left, [group for group in right if group not in set(separator)], separator
    if best is None:  # all lie at one place, as those of several parts in one box do
        return [(group,) for group in groups]
    if not best[2]:
        if not best[3]:
            return [tuple(groups)]
        return [*_dissect(best[1], centers, near), tuple(best[3])]
    _, left, right, separator = best
    parts = [*_dissect(left, centers, near), *_dissect(right, centers, near)]
    return [*parts, tuple(separator)] if separator else parts


def _halves(groups: list[int], where: Tensor) -> tuple[list[int], list[int]] | None:
    """The groups below and above the plane nearest to their median; None if all lie at one place."""
    places = where[torch.tensor(groups)]
    levels = places.unique()
    if len(levels) < 2:
        return None
    gaps = (levels[1:] + levels[:-1]) / 2
    plane = gaps[(gaps - places.median()).abs().argmin()]
    below = (places < plane).tolist()
    chosen = list(zip(groups, below, strict=True))
    return [group for group, is_below in chosen if is_below], [group for group, is_below in chosen if not is_below]
