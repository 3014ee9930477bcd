"""Block-sparse least squares by Householder QR, front by front.

Unknowns come in groups, and each row of the system holds a few groups only. Groups are eliminated in the order of a
nested dissection: all rows that hold groups of one part are gathered into a dense matrix, its front, and factored. The
top rows of the triangle give the part's unknowns in terms of later ones; the others no longer hold it and pass on.
Dense QR throughout, never normal equations: as backward stable as a QR of the whole matrix, at a cost that grows with
the separators. (Duff and Reid's multifrontal method; Matstoms, ACM Trans. Math. Softw. 20, 1994, for QR.)
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.linalg.nested_dissection import Groups, dissect, neighbours
from gmnm_pde.linalg.qr import RIDGE


@dataclass(frozen=True)
class Rows:
    """Rows that hold some groups of unknowns: matrix [m, their columns, group after group] and right-hand side [m]."""

    groups: Groups
    matrix: Tensor
    right: Tensor


@dataclass(frozen=True)
class _Pivot:
    """What an elimination leaves: R for its own columns, and for those of later groups, and the right-hand side."""

    own: Groups
    later: Groups
    triangle: Tensor
    coupling: Tensor
    right: Tensor


class FrontSolver:
    """The least squares solution of rows in groups, with a ridge at rounding level on normalised columns.

    Args:
        rows: The system.
        sizes: The number of unknowns in each group.
        centers: Where the other groups sit in space, [groups, d]; only the order of elimination depends on it.
        everywhere: The first groups, if they may occur in any row; they are eliminated last.
        ridge: In units of rounding.
    """

    def __init__(
        self,
        rows: Iterable[Rows],
        sizes: Sequence[int],
        centers: Tensor,
        *,
        everywhere: Groups = (),
        ridge: float = RIDGE,
    ):
        rows = list(rows)
        like = rows[0].matrix
        self._sizes = tuple(sizes)
        first = len(everywhere)
        local = [tuple(g - first for g in one.groups if g >= first) for one in rows]
        parts = dissect(centers.cpu(), neighbours(local, len(centers)))
        self._parts = [tuple(g + first for g in part) for part in parts] + ([everywhere] if everywhere else [])
        self._norms = column_norms(rows, self._sizes, like)
        scaled = [
            Rows(one.groups, one.matrix / torch.cat([self._norms[g] for g in one.groups]), one.right) for one in rows
        ]
        del rows
        self._pivots, self.misfit = _eliminate(scaled, self._sizes, self._parts, ridge * torch.finfo(like.dtype).eps)

    def solution(self) -> Tensor:
        """The solution in all unknowns, group after group."""
        return self._assembled(_substitute(self._pivots, self._sizes), self._sizes)

    def leading(self, sizes: Sequence[int]) -> Tensor:
        """The solution in the first so many unknowns of each group, zero in the others."""
        rows = [self._narrowed(pivot, sizes) for pivot in self._pivots]
        pivots, _ = _eliminate(rows, sizes, self._parts, 0.0)
        return self._assembled(_substitute(pivots, sizes), sizes)

    def truncated(self, cutoffs: Iterable[float]) -> list[Tensor]:
        """Rank-revealing solutions: none, they would take a decomposition of the whole matrix."""
        return []

    def _narrowed(self, pivot: _Pivot, sizes: Sequence[int]) -> Rows:
        groups = (*pivot.own, *pivot.later)
        whole = torch.cat([pivot.triangle, pivot.coupling], dim=1)
        parts = whole.split([self._sizes[g] for g in groups], dim=1)
        return Rows(groups, torch.cat([p[:, : sizes[g]] for g, p in zip(groups, parts, strict=True)], 1), pivot.right)

    def _assembled(self, found: dict[int, Tensor], sizes: Sequence[int]) -> Tensor:
        whole = []
        for group, (size, norms) in enumerate(zip(self._sizes, self._norms, strict=True)):
            values = norms.new_zeros(size)
            if group in found:
                values[: sizes[group]] = found[group] / norms[: sizes[group]]
            whole.append(values)
        return torch.cat(whole)


def column_norms(rows: Sequence[Rows], sizes: Sequence[int], like: Tensor) -> list[Tensor]:
    """The norms of all columns, group by group; 1 for those that are zero."""
    squares = [like.new_zeros(size) for size in sizes]
    for one in rows:
        found = one.matrix.square().sum(dim=0).split([sizes[g] for g in one.groups])
        for group, part in zip(one.groups, found, strict=True):
            squares[group] += part
    norms = [square.sqrt() for square in squares]
    return [torch.where(norm > 0, norm, torch.ones_like(norm)) for norm in norms]


def _eliminate(
    rows: list[Rows], sizes: Sequence[int], parts: Sequence[Groups], ridge: float
) -> tuple[list[_Pivot], float]:
    """Front by front; rows are taken from the list as they are used up."""
    rank = {group: (k, j) for k, part in enumerate(parts) for j, group in enumerate(part)}
    waiting: list[list[Rows]] = [[] for _ in parts]
    for one in rows:
        waiting[min(rank[g] for g in one.groups)[0]].append(one)
    rows.clear()
    pivots, misfit = [], 0.0
    for k, own in enumerate(parts):
        taken, waiting[k] = waiting[k], []
        later = tuple(sorted({g for one in taken for g in one.groups} - set(own), key=rank.__getitem__))
        front = front_of(taken, (*own, *later), sizes, sum(sizes[g] for g in own) if ridge else 0, ridge)
        del taken
        R = torch.linalg.qr(front, mode="r").R
        width = sum(sizes[g] for g in own)
        pivots.append(_Pivot(own, later, R[:width, :width], R[:width, width:-1], R[:width, -1]))
        rest = R[width:, width:]
        if later and len(rest):
            remaining = Rows(later, rest[:, :-1], rest[:, -1])
            waiting[min(rank[g] for g in later)[0]].append(remaining)
        elif len(rest):
            misfit += rest[:, -1].square().sum().item()
    return pivots, math.sqrt(misfit)


def front_of(taken: Sequence[Rows], groups: Groups, sizes: Sequence[int], ridged: int, ridge: float) -> Tensor:
    """The rows under one another, columns in the order of ``groups`` and the right-hand side last; then the ridge."""
    starts, total = {}, 0
    for group in groups:
        starts[group] = total
        total += sizes[group]
    count = sum(len(one.right) for one in taken) + ridged
    front = taken[0].matrix.new_zeros(count, total + 1)
    first = 0
    for one in taken:
        last = first + len(one.right)
        at = 0
        for group in one.groups:
            size = sizes[group]
            front[first:last, starts[group] : starts[group] + size] = one.matrix[:, at : at + size]
            at += size
        front[first:last, -1] = one.right
        first = last
    front[first:, :ridged].fill_diagonal_(ridge)
    return front


def _substitute(pivots: Sequence[_Pivot], sizes: Sequence[int]) -> dict[int, Tensor]:
    """From the last part to the first."""
    found: dict[int, Tensor] = {}
    for pivot in reversed(pivots):
        right = pivot.right
        if pivot.later:
            right = right - pivot.coupling @ torch.cat([found[g] for g in pivot.later])
        solved = torch.linalg.solve_triangular(pivot.triangle, right[:, None], upper=True)[:, 0]
        found.update(zip(pivot.own, solved.split([sizes[g] for g in pivot.own]), strict=True))
    return found
