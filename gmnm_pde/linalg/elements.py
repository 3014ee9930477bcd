"""Square systems that are sums of dense elements, by multifrontal LU.

Unknowns come in groups, with as many equations in each; an element holds a few groups. Groups are eliminated in blocks,
in an order of nested dissection. All elements that hold groups of a block are added up to a dense matrix, its front, of
which the block is eliminated with pivots among its own rows; what is left for the other groups is an element of a later
front (I. Duff and J. Reid, ACM Trans. Math. Softw. 9, 1983).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.interruption import unbroken
from gmnm_pde.linalg.nested_dissection import Groups

_SINGULAR = 1e-15
"""Pivots smaller than this part of the largest in a block are none."""


class Singular(Exception):
    """A block has no pivot."""


@dataclass(frozen=True)
class Element:
    """A dense piece of a matrix: equations and unknowns of some groups, group after group, [n, n]."""

    groups: Groups
    matrix: Tensor


@dataclass(frozen=True)
class _Eliminated:
    """A block in terms of later unknowns.

    Attributes:
        own: The places of its unknowns.
        later: The places of the unknowns that it is coupled to.
        factor: Its LU factorisation.
        pivots: Of that.
        coupling: Its inverse times the part of its rows in later unknowns.
        below: The part of later rows in its unknowns.
    """

    own: Tensor
    later: Tensor
    factor: Tensor
    pivots: Tensor
    coupling: Tensor
    below: Tensor


class ElementSolver:
    """The solutions of a sum of elements.

    Args:
        elements: The system.
        sizes: The number of unknowns in each group.
        order: The groups in blocks, in the order of elimination.

    Raises:
        Singular: a block cannot be eliminated.
    """

    def __init__(self, elements: Iterable[Element], sizes: Sequence[int], order: Sequence[Groups]):
        ends = torch.tensor(sizes).cumsum(0).tolist()
        self._places = [torch.arange(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self.size = ends[-1]
        turn = {group: number for number, block in enumerate(order) for group in block}
        waiting: list[list[Element]] = [[] for _ in order]
        for element in elements:
            waiting[min(turn[group] for group in element.groups)].append(element)
        self._blocks = []
        for number, block in enumerate(order):
            held = {group for element in waiting[number] for group in element.groups}
            later = tuple(sorted(held.difference(block), key=lambda group: (turn[group], group)))
            eliminated, rest = self._eliminated(block, later, waiting[number])
            waiting[number] = []
            self._blocks.append(eliminated)
            if later:
                waiting[turn[later[0]]].append(Element(later, rest))

    def _eliminated(
        self, block: Groups, later: Groups, elements: Sequence[Element]
    ) -> tuple[_Eliminated, Tensor]:
        groups = (*block, *later)
        sizes = [len(self._places[group]) for group in groups]
        starts = dict(zip(groups, [0, *torch.tensor(sizes).cumsum(0).tolist()], strict=False))
        front = torch.zeros(sum(sizes), sum(sizes), dtype=torch.float64)
        for element in elements:
            places = torch.cat([starts[group] + torch.arange(len(self._places[group])) for group in element.groups])
            front[places[:, None], places] += element.matrix
        own = self._at(block)
        k, rest = len(own), len(front) - len(own)
        with unbroken(2 / 3 * k**3 + 2 * k * rest * (k + rest)):
            factor, pivots, failed = torch.linalg.lu_factor_ex(front[:k, :k])
            sizes_of = factor.diagonal().abs()
            if failed.item() or not bool(sizes_of.min() > _SINGULAR * sizes_of.max()):
                raise Singular
            coupling = torch.linalg.lu_solve(factor, pivots, front[:k, k:])
            below = front[k:, :k].clone()
            left = torch.addmm(front[k:, k:], below, coupling, alpha=-1.0)
        return _Eliminated(own, self._at(later), factor, pivots, coupling, below), left

    def _at(self, groups: Groups) -> Tensor:
        return torch.cat([self._places[group] for group in groups]) if groups else torch.zeros(0, dtype=torch.long)

    def solution(self, right: Tensor) -> Tensor:
        """For right-hand sides [size, m], [size, m]."""
        found = right.clone()
        for block in self._blocks:
            found[block.own] = torch.linalg.lu_solve(block.factor, block.pivots, found[block.own])
            found[block.later] -= block.below @ found[block.own]
        for block in reversed(self._blocks):
            found[block.own] -= block.coupling @ found[block.later]
        return found
