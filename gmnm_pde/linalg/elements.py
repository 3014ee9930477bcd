"""Square systems that are sums of dense elements, by multifrontal LU.

Unknowns come in groups, with as many equations in each; an element holds a few groups. Groups are eliminated in blocks,
in an order of nested dissection. All elements that hold groups of a block are added up to a dense matrix, its front, of
which the block is eliminated with pivots among its own rows; what is left for the other groups is an element of a later
front (I. Duff and J. Reid, ACM Trans. Math. Softw. 9, 1983).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gmnm_pde.interruption import unbroken
from gmnm_pde.linalg.nested_dissection import Groups

_SINGULAR = 1e-15
"""Pivots smaller than this part of the largest in a block are none."""


class Singular(Exception):
    """A block has no pivot."""


class Element(Protocol):
    """A dense piece of a matrix."""

    @property
    def groups(self) -> Groups:
        """The groups that it holds."""
        ...

    @property
    def matrix(self) -> Tensor:
        """Its equations and unknowns, group after group, [n, n]; asked for once."""
        ...


@dataclass(frozen=True)
class Dense:
    """An element that is known."""

    groups: Groups
    matrix: Tensor


@dataclass(frozen=True)
class _Eliminated:
    """A block in terms of later unknowns: where both are, and the block's inverse times its part of these."""

    own: Tensor
    later: Tensor
    coupling: Tensor


def solved(elements: Iterable[Element], right: Tensor, sizes: Sequence[int], order: Sequence[Groups]) -> Tensor:
    """The solution of a sum of elements, [unknowns].

    Args:
        elements: The system.
        right: The right-hand side, [unknowns].
        sizes: The number of unknowns in each group.
        order: The groups in blocks, in the order of elimination.

    Raises:
        Singular: a block cannot be eliminated.
    """
    turn = {group: number for number, block in enumerate(order) for group in block}
    waiting: list[list[Element]] = [[] for _ in order]
    for element in elements:
        waiting[min(turn[group] for group in element.groups)].append(element)
    places, found, blocks = _Places(sizes), right.clone(), []
    for number, block in enumerate(order):
        held = {group for element in waiting[number] for group in element.groups}
        later = tuple(sorted(held.difference(block), key=lambda group: (turn[group], group)))
        front = places.added((*block, *later), waiting[number])
        waiting[number] = []
        eliminated, rest = _without(front, places.of(block), places.of(later), found)
        blocks.append(eliminated)
        if later:
            waiting[turn[later[0]]].append(Dense(later, rest))
    for one in reversed(blocks):
        found[one.own] -= one.coupling @ found[one.later]
    return found


class _Places:
    """Where the unknowns of groups are."""

    def __init__(self, sizes: Sequence[int]):
        ends = torch.tensor(sizes).cumsum(0).tolist()
        self._each = [torch.arange(end - size, end) for size, end in zip(sizes, ends, strict=True)]

    def of(self, groups: Groups) -> Tensor:
        """Of some groups, one after another."""
        return torch.cat([self._each[group] for group in groups]) if groups else torch.zeros(0, dtype=torch.long)

    def added(self, groups: Groups, elements: Sequence[Element]) -> Tensor:
        """The sum of elements that hold no other groups, [n, n]."""
        sizes = [len(self._each[group]) for group in groups]
        own = dict(zip(groups, torch.arange(sum(sizes)).split(sizes), strict=True))
        total = torch.zeros(sum(sizes), sum(sizes), dtype=torch.float64)
        for element in elements:
            rows = torch.cat([own[group] for group in element.groups])
            total[rows[:, None], rows] += element.matrix
        return total


def _without(front: Tensor, own: Tensor, later: Tensor, right: Tensor) -> tuple[_Eliminated, Tensor]:
    """A front with its first unknowns eliminated, and what is left for the others; ``right`` is changed with it."""
    k, rest = len(own), len(later)
    with unbroken(2 / 3 * k**3 + 2 * k * rest * (k + rest)):
        factor, pivots, failed = torch.linalg.lu_factor_ex(front[:k, :k])
        sizes = factor.diagonal().abs()
        if failed.item() or not bool(sizes.min() > _SINGULAR * sizes.max()):
            raise Singular
        known = torch.linalg.lu_solve(factor, pivots, torch.cat([front[:k, k:], right[own, None]], dim=1))
        coupling, right[own] = known[:, :-1], known[:, -1]
        right[later] -= front[k:, :k] @ known[:, -1]
        left = torch.addmm(front[k:, k:], front[k:, :k], coupling, alpha=-1.0)
    return _Eliminated(own, later, coupling), left
