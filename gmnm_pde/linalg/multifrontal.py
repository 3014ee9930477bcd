"""Block-sparse least squares by multifrontal Householder QR.

Unknowns come in groups, and each row of the system holds a few groups only. Nested dissection orders the groups into
blocks, which are eliminated one after another. All rows that hold groups of a block are assembled into a dense matrix,
its front, and factored. The first rows of the triangular factor give the block's unknowns in terms of later ones; the
others, the contribution block, hold later groups alone and are assembled into a later front.

Dense QR throughout, never normal equations: as backward stable as a QR of the whole matrix, at a cost that grows with
the separators. (I. Duff and J. Reid's multifrontal method; P. Matstoms, ACM Trans. Math. Softw. 20, 1994, for QR.)
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from gmnm_pde.linalg.fronts import PivotRows, Pivots, Rows, downwards, eliminated, upwards
from gmnm_pde.linalg.nested_dissection import Groups, dissect, neighbours
from gmnm_pde.linalg.qr import RIDGE
from gmnm_pde.linalg.subtrees import Division
from gmnm_pde.processes import gathered


class FrontSolver:
    """The least squares solution of rows in groups, with a ridge at rounding level on normalised columns.

    Args:
        rows: The system; of several processes each gives those that it needs (``Division.holds``) and may give more.
        sizes: The number of unknowns in each group.
        centers: Where the other groups lie in space, [groups, d]; only the order of elimination depends on it.
        everywhere: The first groups, if they may occur in any row; they are eliminated last.
        ridge: In units of the machine precision.
        division: The other groups in blocks, in the order of elimination, and which process eliminates each, where
            that is known; by default they are dissected, and every process eliminates all.
        common: More rows of the system, which all processes give.
    """

    def __init__(
        self,
        rows: Iterable[Rows],
        sizes: Sequence[int],
        centers: Tensor,
        *,
        everywhere: Groups = (),
        ridge: float = RIDGE,
        division: Division | None = None,
        common: Sequence[Rows] = (),
    ):
        rows = list(rows)
        self._sizes = tuple(sizes)
        self._division = division or _dissected(rows, centers, everywhere)
        rows = [piece for piece in rows if self._division.holds(piece.groups)]
        self._norms = self._column_norms(rows, common)
        scaled = [
            Rows(piece.groups, piece.matrix / torch.cat([self._norms[g] for g in piece.groups]), piece.right)
            for piece in (*rows, *common)
            if self._division.holds(piece.groups)
        ]
        del rows
        eps = torch.finfo(self._norms[0].dtype).eps
        self._pivots, self.misfit = eliminated(scaled, self._sizes, self._division, eps * ridge)

    def _column_norms(self, rows: Sequence[Rows], common: Sequence[Rows]) -> list[Tensor]:
        """The norms of all columns; rows that several processes hold count once."""
        if not self._division.divided:
            return column_norms([*rows, *common], self._sizes)
        own = [piece for piece in rows if self._division.counts(piece.groups)]
        parts = [part for (part,) in gathered(lambda: [torch.cat(_squares(own, self._sizes))])]
        squares = list(sum(parts[1:], start=parts[0]).split(list(self._sizes)))
        return _roots(_squares(common, self._sizes, squares))

    def solution(self) -> Tensor:
        """The solution in all unknowns, group after group."""
        return self._assembled(self._substituted(self._pivots, self._sizes), self._sizes)

    def leading(self, sizes: Sequence[int]) -> Tensor:
        """The solution in the leading unknowns of each group, ``sizes`` of them, zero in the others."""
        rows = [self._narrowed(pivot, sizes) for _, pivot in sorted(self._pivots.items())]
        pivots, _ = eliminated(rows, sizes, self._division, 0.0)
        return self._assembled(self._substituted(pivots, sizes), sizes)

    def _substituted(self, pivots: Pivots, sizes: Sequence[int]) -> dict[int, Tensor]:
        """Back substitution: the unknowns of each group."""

        def right(pivot: PivotRows) -> Tensor:
            return pivot.right

        return downwards(pivots, right, sizes, self._division)

    def inverse(self, vectors: Tensor) -> Tensor:
        """R^-1 times columns [columns, m]: unknowns whose rows A c are as long as the columns."""
        given = vectors.split(list(self._sizes))

        def right(pivot: PivotRows) -> Tensor:
            return torch.cat([given[g] for g in pivot.own])

        solved = downwards(self._pivots, right, self._sizes, self._division)
        return torch.cat([solved[g] / norms[:, None] for g, norms in enumerate(self._norms)])

    def inverse_transposed(self, vectors: Tensor) -> Tensor:
        """R^-T times columns [columns, m]."""
        parts = vectors.split(list(self._sizes))
        left = {g: part / norms[:, None] for g, (part, norms) in enumerate(zip(parts, self._norms, strict=True))}
        solved = upwards(self._pivots, left, self._sizes, self._division)
        return torch.cat([solved[g] for g in range(len(self._sizes))])

    def truncated(self, cutoffs: Iterable[float]) -> list[Tensor]:
        """No solutions by truncated singular values: they would take a decomposition of the whole matrix."""
        return []

    def _narrowed(self, pivot: PivotRows, sizes: Sequence[int]) -> Rows:
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


def _dissected(rows: Sequence[Rows], centers: Tensor, everywhere: Groups) -> Division:
    """The groups in blocks by nested dissection, those that occur everywhere last."""
    first = len(everywhere)
    local = [tuple(g - first for g in piece.groups if g >= first) for piece in rows]
    parts = dissect(centers.cpu(), neighbours(local, len(centers)))
    return Division.none([tuple(g + first for g in part) for part in parts] + ([everywhere] if everywhere else []))


def column_norms(rows: Sequence[Rows], sizes: Sequence[int]) -> list[Tensor]:
    """The norms of all columns, group by group; 1 for those that are zero."""
    return _roots(_squares(rows, sizes))


def _squares(rows: Sequence[Rows], sizes: Sequence[int], squares: list[Tensor] | None = None) -> list[Tensor]:
    """The sums of squares of all columns, group by group, added to others."""
    like = rows[0].matrix if rows else torch.zeros(0, dtype=torch.float64)
    squares = [like.new_zeros(size) for size in sizes] if squares is None else squares
    for piece in rows:
        of_groups = piece.matrix.square().sum(dim=0).split([sizes[g] for g in piece.groups])
        for group, part in zip(piece.groups, of_groups, strict=True):
            squares[group] = squares[group] + part
    return squares


def _roots(squares: Sequence[Tensor]) -> list[Tensor]:
    norms = [square.sqrt() for square in squares]
    return [torch.where(norm > 0, norm, torch.ones_like(norm)) for norm in norms]
