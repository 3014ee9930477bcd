"""Block-sparse least squares by multifrontal Householder QR.

Unknowns come in groups, and each row of the system holds a few groups only. Nested dissection orders the groups into
blocks, which are eliminated one after another. All rows that hold groups of a block are assembled into a dense matrix,
its front, and factored. The first rows of the triangular factor give the block's unknowns in terms of later ones; the
others, the contribution block, hold later groups alone and are assembled into a later front.

Dense QR throughout, never normal equations: as backward stable as a QR of the whole matrix, at a cost that grows with
the separators. (I. Duff and J. Reid's multifrontal method; P. Matstoms, ACM Trans. Math. Softw. 20, 1994, for QR.)
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.linalg.nested_dissection import Groups, dissect, neighbours
from gmnm_pde.linalg.qr import RIDGE, triangular


@dataclass(frozen=True)
class Rows:
    """Rows that hold some groups of unknowns: matrix [m, their columns, group after group] and right-hand side [m]."""

    groups: Groups
    matrix: Tensor
    right: Tensor


@dataclass(frozen=True)
class _PivotRows:
    """The rows of R that belong to an eliminated block.

    Args:
        own: The groups of the block.
        later: The groups that its rows are coupled to, which are eliminated later.
        triangle: R in the block's own columns.
        coupling: R in the columns of the later groups.
        right: The right-hand side after the orthogonal factor.
    """

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
        centers: Where the other groups lie in space, [groups, d]; only the order of elimination depends on it.
        everywhere: The first groups, if they may occur in any row; they are eliminated last.
        ridge: In units of the machine precision.
        order: The other groups in blocks, in the order of elimination, where that is known; by default they are
            dissected.
    """

    def __init__(
        self,
        rows: Iterable[Rows],
        sizes: Sequence[int],
        centers: Tensor,
        *,
        everywhere: Groups = (),
        ridge: float = RIDGE,
        order: Sequence[Groups] | None = None,
    ):
        rows = list(rows)
        like = rows[0].matrix
        self._sizes = tuple(sizes)
        first = len(everywhere)
        local = [tuple(g - first for g in piece.groups if g >= first) for piece in rows]
        parts = dissect(centers.cpu(), neighbours(local, len(centers))) if order is None else order
        self._parts = [tuple(g + first for g in part) for part in parts] + ([everywhere] if everywhere else [])
        self._norms = column_norms(rows, self._sizes, like)
        scaled = [
            Rows(piece.groups, piece.matrix / torch.cat([self._norms[g] for g in piece.groups]), piece.right)
            for piece in rows
        ]
        del rows
        self._pivots, self.misfit = _eliminate(scaled, self._sizes, self._parts, ridge * torch.finfo(like.dtype).eps)

    def solution(self) -> Tensor:
        """The solution in all unknowns, group after group."""
        return self._assembled(_substitute(self._pivots, self._sizes), self._sizes)

    def leading(self, sizes: Sequence[int]) -> Tensor:
        """The solution in the leading unknowns of each group, ``sizes`` of them, zero in the others."""
        rows = [self._narrowed(pivot, sizes) for pivot in self._pivots]
        pivots, _ = _eliminate(rows, sizes, self._parts, 0.0)
        return self._assembled(_substitute(pivots, sizes), sizes)

    def inverse(self, vectors: Tensor) -> Tensor:
        """R^-1 times columns [columns, m]: unknowns whose rows A c are as long as the columns."""
        given = vectors.split(list(self._sizes))
        solved: dict[int, Tensor] = {}
        for pivot in reversed(self._pivots):
            right = torch.cat([given[g] for g in pivot.own])
            if pivot.later:
                right = right - pivot.coupling @ torch.cat([solved[g] for g in pivot.later])
            own = torch.linalg.solve_triangular(pivot.triangle, right, upper=True)
            solved.update(zip(pivot.own, own.split([self._sizes[g] for g in pivot.own]), strict=True))
        return torch.cat([solved[g] / norms[:, None] for g, norms in enumerate(self._norms)])

    def inverse_transposed(self, vectors: Tensor) -> Tensor:
        """R^-T times columns [columns, m]."""
        parts = vectors.split(list(self._sizes))
        left = {g: part / norms[:, None] for g, (part, norms) in enumerate(zip(parts, self._norms, strict=True))}
        for pivot in self._pivots:
            right = torch.cat([left[g] for g in pivot.own])
            own = torch.linalg.solve_triangular(pivot.triangle.mT, right, upper=False)
            left.update(zip(pivot.own, own.split([self._sizes[g] for g in pivot.own]), strict=True))
            if pivot.later:
                passed = (pivot.coupling.mT @ own).split([self._sizes[g] for g in pivot.later])
                left.update({g: left[g] - part for g, part in zip(pivot.later, passed, strict=True)})
        return torch.cat([left[g] for g in range(len(self._sizes))])

    def truncated(self, cutoffs: Iterable[float]) -> list[Tensor]:
        """No solutions by truncated singular values: they would take a decomposition of the whole matrix."""
        return []

    def _narrowed(self, pivot: _PivotRows, sizes: Sequence[int]) -> Rows:
        groups = (*pivot.own, *pivot.later)
        whole = torch.cat([pivot.triangle, pivot.coupling], dim=1)
        parts = whole.split([self._sizes[g] for g in groups], dim=1)
        return Rows(groups, torch.cat([p[:, : sizes[g]] for g, p in zip(groups, parts, strict=True)], 1), pivot.right)

    def _assembled(self, solved: dict[int, Tensor], sizes: Sequence[int]) -> Tensor:
        whole = []
        for group, (size, norms) in enumerate(zip(self._sizes, self._norms, strict=True)):
            values = norms.new_zeros(size)
            if group in solved:
                values[: sizes[group]] = solved[group] / norms[: sizes[group]]
            whole.append(values)
        return torch.cat(whole)


def column_norms(rows: Sequence[Rows], sizes: Sequence[int], like: Tensor) -> list[Tensor]:
    """The norms of all columns, group by group; 1 for those that are zero."""
    squares = [like.new_zeros(size) for size in sizes]
    for piece in rows:
        of_groups = piece.matrix.square().sum(dim=0).split([sizes[g] for g in piece.groups])
        for group, part in zip(piece.groups, of_groups, strict=True):
            squares[group] += part
    norms = [square.sqrt() for square in squares]
    return [torch.where(norm > 0, norm, torch.ones_like(norm)) for norm in norms]


def _eliminate(
    rows: list[Rows], sizes: Sequence[int], parts: Sequence[Groups], ridge: float
) -> tuple[list[_PivotRows], float]:
    """Eliminate block after block: the rows of R, and the norm of the residual.

    ``rows`` is emptied as they are assembled, so that memory is free for the fronts.
    """
    rank = {group: (k, j) for k, part in enumerate(parts) for j, group in enumerate(part)}
    waiting: list[list[Rows]] = [[] for _ in parts]
    for piece in rows:
        waiting[min(rank[g] for g in piece.groups)[0]].append(piece)
    rows.clear()
    pivots, misfit = [], 0.0
    for k, own in enumerate(parts):
        taken, waiting[k] = waiting[k], []
        later = tuple(sorted({g for piece in taken for g in piece.groups} - set(own), key=rank.__getitem__))
        front = front_of(taken, (*own, *later), sizes, sum(sizes[g] for g in own) if ridge else 0, ridge)
        del taken
        R = triangular(front)
        width = sum(sizes[g] for g in own)
        pivots.append(_PivotRows(own, later, R[:width, :width], R[:width, width:-1], R[:width, -1]))
        rest = R[width:, width:]
        if later and len(rest):
            remaining = Rows(later, rest[:, :-1], rest[:, -1])
            waiting[min(rank[g] for g in later)[0]].append(remaining)
        elif len(rest):
            misfit += rest[:, -1].square().sum().item()
    return pivots, math.sqrt(misfit)


def front_of(taken: Sequence[Rows], groups: Groups, sizes: Sequence[int], ridged: int, ridge: float) -> Tensor:
    """Assemble a front: rows under one another, columns in the order of ``groups`` and the right-hand side last.

    ``ridged`` rows with ``ridge`` on the diagonal of the first columns follow.
    """
    starts, total = {}, 0
    for group in groups:
        starts[group] = total
        total += sizes[group]
    count = sum(len(piece.right) for piece in taken) + ridged
    front = taken[0].matrix.new_zeros(count, total + 1)
    first = 0
    for piece in taken:
        last = first + len(piece.right)
        at = 0
        for group in piece.groups:
            size = sizes[group]
            front[first:last, starts[group] : starts[group] + size] = piece.matrix[:, at : at + size]
            at += size
        front[first:last, -1] = piece.right
        first = last
    front[first:, :ridged].fill_diagonal_(ridge)
    return front


def _substitute(pivots: Sequence[_PivotRows], sizes: Sequence[int]) -> dict[int, Tensor]:
    """Back substitution, from the last block to the first: the unknowns of each group."""
    groups: dict[int, Tensor] = {}
    for pivot in reversed(pivots):
        right = pivot.right
        if pivot.later:
            right = right - pivot.coupling @ torch.cat([groups[g] for g in pivot.later])
        solved = torch.linalg.solve_triangular(pivot.triangle, right[:, None], upper=True)[:, 0]
        groups.update(zip(pivot.own, solved.split([sizes[g] for g in pivot.own]), strict=True))
    return groups
