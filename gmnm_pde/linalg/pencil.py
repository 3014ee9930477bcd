"""Eigenvalues of a rectangular matrix pencil: mu and c with (A + mu B) c ~ 0 in the least squares sense.

Inverse subspace iteration with a Rayleigh-Ritz projection: each step solves argmin_x |A x + B c| for a basis of vectors
c, more of them than modes are wanted, so that the wanted values are well separated from the others. One QR of A serves
all steps, and leading sub-models are solved from its triangular factor. (Oversampled collocation has more rows than
unknowns; the part of B c outside the column space of A is left in the residual, by which modes are judged.)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.interruption import pause
from gmnm_pde.linalg.multifrontal_factors import FrontFactors
from gmnm_pde.linalg.nested_dissection import Groups

GUARD_VECTORS = 8
"""The subspace has twice as many vectors as modes are wanted, and these in addition."""

_MOST_STEPS = 60
"""The most steps of inverse iteration."""

_CONVERGED = 1e-14
"""The relative change of the values in a step at which the iteration ends."""

_SMALL_CHANGE = 1e-6
"""A relative change that may be rounding, if it no longer falls."""

_SLOW_FALL = 0.7
"""Small changes that fall by no more than to this part, twice in a row, are rounding: the iteration ends."""


@dataclass(frozen=True)
class Modes:
    """Eigenvalues mu [count], complex, the smallest first, and eigenvectors [columns, count], complex."""

    values: Tensor
    vectors: Tensor


@dataclass(frozen=True)
class Pieces:
    """A block-sparse matrix: pieces of rows, each with the groups of columns that it holds; ``sizes`` of all groups."""

    matrices: Sequence[tuple[Groups, Tensor]]
    sizes: Sequence[int]

    def __matmul__(self, vectors: Tensor) -> Tensor:
        parts = vectors.split(list(self.sizes))
        return torch.cat([matrix @ torch.cat([parts[g] for g in groups]) for groups, matrix in self.matrices])

    def transposed(self, rows: Tensor) -> Tensor:
        """The transpose times columns [rows, m]."""
        products = [rows.new_zeros(size, rows.shape[1]) for size in self.sizes]
        for (groups, matrix), own in zip(self.matrices, rows.split(self.rows), strict=True):
            parts = (matrix.mT @ own).split([self.sizes[g] for g in groups])
            for group, part in zip(groups, parts, strict=True):
                products[group] += part
        return torch.cat(products)

    @property
    def rows(self) -> list[int]:
        """The number of rows in each piece."""
        return [len(matrix) for _, matrix in self.matrices]


class Pencil:
    """The pencil A + mu B, with the QR of A.

    Args:
        A: The matrix that is factored.
        B: The matrix that the eigenvalues multiply, in the same pieces of rows.
        centers: Where the groups of columns lie in space, [groups, d].
    """

    def __init__(self, A: Pieces, B: Pieces, centers: Tensor):
        self._B, self._factors = B, FrontFactors(A.matrices, A.sizes, centers)

    def modes(self, count: int, sizes: Sequence[int] | None = None) -> Modes:
        """The ``count`` modes of smallest |mu|, in the first ``sizes`` columns of each group alone if given.

        The iteration is on B c, values at points, not on c: coefficients that B maps to zero would remain as noise.
        """
        B, solver = self._B, self._factors if sizes is None else self._factors.leading(sizes)
        like = B.matrices[0][1]
        width = min(sum(B.sizes if sizes is None else sizes), 2 * count + GUARD_VECTORS)
        generator = torch.Generator().manual_seed(0)
        start = [torch.randn(rows, width, generator=generator, dtype=like.dtype).to(like) for rows in B.rows]
        image = B @ solver.solve(start)  # projected to the range of B
        before, changes = torch.zeros(0), [math.inf]
        for _ in range(_MOST_STEPS):
            pause()
            space = torch.linalg.qr(image).Q
            solved = -solver.solve(space.split(B.rows))
            image = B @ solved
            values, small = torch.linalg.eig(space.mT @ image)
            order = values.abs().argsort(descending=True)[:count]
            values, small = values[order], small[:, order]
            if len(before) == len(values):
                changes.append(((values - before).abs() / values.abs()).max().item())
            if changes[-1] <= _CONVERGED or _is_rounding(changes):
                break
            before = values
        return Modes(values.reciprocal(), solved.to(small.dtype) @ small)


def _is_rounding(changes: Sequence[float]) -> bool:
    """Whether the last changes are small and fall no more."""
    if len(changes) < 3:
        return False
    first, second, third = changes[-3:]
    return third < _SMALL_CHANGE and second > _SLOW_FALL * first and third > _SLOW_FALL * second
