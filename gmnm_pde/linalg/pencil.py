"""Eigenvalues of a rectangular pencil: values mu and vectors c with (A + mu B) c ~ 0 in the least squares sense.

Inverse iteration with a least squares solve in each step, c <- argmin_x |A x + B c|, on a subspace large enough that
the wanted values are well apart from what is left out. One QR of A serves all steps, and leading sub-models are
solved from its triangle. (Oversampled collocation has more rows than unknowns; what the rows say beyond the column
space of A is left in the residual, by which modes are judged.)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.linalg.multifrontal_factors import FrontFactors
from gmnm_pde.linalg.nested_dissection import Groups

_GUARD_VECTORS = 8
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
    """Values mu [count], complex, the smallest first, and vectors [columns, count], complex."""

    values: Tensor
    vectors: Tensor


@dataclass(frozen=True)
class Pieces:
    """A matrix in pieces of rows that hold some groups of columns each."""

    matrices: Sequence[tuple[Groups, Tensor]]
    sizes: Sequence[int]

    def __matmul__(self, vectors: Tensor) -> Tensor:
        parts = vectors.split(list(self.sizes))
        return torch.cat([matrix @ torch.cat([parts[g] for g in groups]) for groups, matrix in self.matrices])

    @property
    def rows(self) -> list[int]:
        """The number of rows in each piece."""
        return [len(matrix) for _, matrix in self.matrices]


class Pencil:
    """A and B, pieces alike, with the QR of A.

    Args:
        A: What is solved with.
        B: What the values multiply.
        centers: Where the groups of columns sit in space, [groups, d].
    """

    def __init__(self, A: Pieces, B: Pieces, centers: Tensor):
        self._B, self._factors = B, FrontFactors(A.matrices, A.sizes, centers)

    def modes(self, count: int, sizes: Sequence[int] | None = None) -> Modes:
        """The ``count`` modes of smallest |mu|, in the first ``sizes`` columns of each group alone if given.

        What goes round is B c, values at points, not c: coefficients that make no function would go round as noise.
        """
        B, solver = self._B, self._factors if sizes is None else self._factors.leading(sizes)
        like = B.matrices[0][1]
        width = min(sum(B.sizes if sizes is None else sizes), 2 * count + _GUARD_VECTORS)
        generator = torch.Generator().manual_seed(0)
        start = [torch.randn(rows, width, generator=generator, dtype=like.dtype).to(like) for rows in B.rows]
        image = B @ solver.solve(start)  # what no function makes falls away
        before, changes = torch.zeros(0), [math.inf]
        for _ in range(_MOST_STEPS):
            space = torch.linalg.qr(image).Q
            solved = -solver.solve(space.split(B.rows))
            image = B @ solved
            values, small = torch.linalg.eig(space.mT @ image)
            order = values.abs().argsort(descending=True)[:count]
            values, small = values[order], small[:, order]
            if len(before) == len(values):
                changes.append(((values - before).abs() / values.abs()).max().item())
            if changes[-1] <= _CONVERGED or _stands_still(changes):
                break
            before = values
        return Modes(values.reciprocal(), solved.to(small.dtype) @ small)


def _stands_still(changes: Sequence[float]) -> bool:
    if len(changes) < 3:
        return False
    first, second, third = changes[-3:]
    return third < _SMALL_CHANGE and second > _SLOW_FALL * first and third > _SLOW_FALL * second
