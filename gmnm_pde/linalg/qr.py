"""Least squares by Householder QR, a block of rows at a time, with a ridge at the level of rounding errors.

A tall system A x ~ b is reduced to the triangular factor of [A | b], which determines the least squares solution; a
further block of rows is added by factoring it together with the triangle (a sequential tall-skinny QR). The normal
equations are never formed: they square the condition number, and these systems are numerically rank-deficient.

Columns in a fixed order give every leading sub-model, the solution in the first k columns alone, for the price of a
back-substitution.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.interruption import unbroken

RIDGE = 16.0
"""The ridge in units of the machine precision, on normalised columns. It bounds the coefficients where QR alone lets
them blow up, and costs no digit: 4 to 50 gave the same errors on the Poisson and wave problems."""

_BLOCK_BYTES = 2**30
"""Rows are gathered up to this size before they are factored."""

_OF_ENTRY, _OF_FRONT = 60.0, 3e6
"""What an entry of a front costs beside the arithmetic, and each front, in operations of large ones."""

_SVD = 25.0
"""Operations of a singular value decomposition with its vectors, for the cube of the columns."""


@dataclass(frozen=True)
class Triangle:
    """The triangular factor R [K, K] of A, and c [K], with |A x - b|^2 = |R x - c|^2 + misfit^2 for every x."""

    R: Tensor
    c: Tensor
    misfit: float


def reduce(blocks: Iterable[tuple[Tensor, Tensor]], columns: int) -> Triangle:
    """The triangular factor of blocks of rows (A, b); about a gigabyte of them, or two triangles, is held at a time."""
    triangle: Tensor | None = None
    waiting: list[Tensor] = []
    count = 0

    for matrix, right in blocks:
        rows = torch.cat([matrix, right[:, None]], dim=1)
        limit = max(2 * columns, _BLOCK_BYTES // (rows.element_size() * (columns + 1)))
        waiting.append(rows)
        count += len(rows)
        if count >= limit:
            triangle, waiting, count = _absorb(triangle, waiting), [], 0
    if waiting or triangle is None:
        triangle = _absorb(triangle, waiting)
    if len(triangle) <= columns:
        triangle = torch.cat([triangle, triangle.new_zeros(columns + 1 - len(triangle), columns + 1)])
    return Triangle(triangle[:columns, :columns], triangle[:columns, columns], triangle[columns, columns].abs().item())


def _absorb(triangle: Tensor | None, waiting: list[Tensor]) -> Tensor:
    """The triangular factor of a triangle and the rows that wait, which are taken from the list."""
    rows = torch.cat([triangle, *waiting] if triangle is not None else waiting)
    waiting.clear()
    return triangular(rows)


def triangular(matrix: Tensor) -> Tensor:
    """The triangular factor of a matrix."""
    with unbroken(qr_operations(matrix)):
        return torch.linalg.qr(matrix, mode="r").R


def qr_operations(matrix: Tensor) -> float:
    """How many operations a Householder QR takes."""
    rows, columns = matrix.shape
    least = min(rows, columns)
    return 4.0 * least * (rows * columns - least * (rows + columns) / 2 + least**2 / 3)


def front_operations(own: int, later: int, rows: int) -> float:
    """What the front of a block takes, whose own unknowns have a ridge beside its rows, in operations of large ones."""
    columns, rows = own + later + 1, rows + own
    least = min(rows, columns)
    arithmetic = 4.0 * least * (rows * columns - least * (rows + columns) / 2 + least**2 / 3)
    return arithmetic + _OF_ENTRY * rows * columns + _OF_FRONT


class RidgeSolver:
    """Solutions of a triangular system with a ridge, for all columns or the leading ones."""

    def __init__(self, triangle: Triangle, ridge: float = RIDGE):
        R, c = triangle.R, triangle.c
        self.triangle, self.misfit = triangle, triangle.misfit
        self.norms = R.norm(dim=0)
        self.norms = torch.where(self.norms > 0, self.norms, torch.ones_like(self.norms))
        K = R.shape[1]
        stacked = R.new_zeros(2 * K, K + 1)
        stacked[:K, :K] = R / self.norms
        stacked[:K, K] = c
        stacked[K:, :K].fill_diagonal_(ridge * torch.finfo(R.dtype).eps)
        self._reduced = triangular(stacked)

    def leading(self, k: int) -> Tensor:
        """The solution in the first k columns, zero in the others, [K]."""
        solution = self.norms.new_zeros(len(self.norms))
        head = torch.linalg.solve_triangular(self._reduced[:k, :k], self._reduced[:k, -1:], upper=True)
        solution[:k] = head[:, 0] / self.norms[:k]
        return solution

    def solution(self) -> Tensor:
        """The solution in all columns, [K]."""
        return self.leading(len(self.norms))

    @property
    def log_determinant(self) -> float:
        """The logarithm of |det R|, with the ridge."""
        K = len(self.norms)
        return (self._reduced[:K, :K].diagonal().abs().log().sum() + self.norms.log().sum()).item()

    def inverse(self, vectors: Tensor) -> Tensor:
        """R^-1 times columns [K, m]: unknowns whose rows A c are as long as the columns."""
        K = len(self.norms)
        return torch.linalg.solve_triangular(self._reduced[:K, :K], vectors, upper=True) / self.norms[:, None]

    def inverse_transposed(self, vectors: Tensor) -> Tensor:
        """R^-T times columns [K, m]; products of R^-T rows' are covariances of rows times the solution."""
        K = len(self.norms)
        return torch.linalg.solve_triangular(self._reduced[:K, :K].mT, vectors / self.norms[:, None], upper=False)

    def truncated(self, cutoffs: Iterable[float]) -> list[Tensor]:
        """Solutions by truncated singular value decompositions, one for each cutoff."""
        return truncated_solutions(self.triangle, cutoffs)


def linear_fit(matrix: Tensor, targets: Tensor) -> Tensor:
    """Weights [columns, k] with matrix @ weights ~ targets [rows, k], with the same ridge."""
    norms = matrix.norm(dim=0).clamp_min(torch.finfo(matrix.dtype).tiny)
    ridge = RIDGE * torch.finfo(matrix.dtype).eps * torch.eye(len(norms), dtype=matrix.dtype, device=matrix.device)
    stacked = torch.cat([matrix / norms, ridge])
    right = torch.cat([targets, targets.new_zeros(len(norms), targets.shape[1])])
    return torch.linalg.lstsq(stacked, right, driver="gels").solution / norms[:, None]


def truncated_solutions(triangle: Triangle, cutoffs: Iterable[float]) -> list[Tensor]:
    """Minimum-norm solutions by truncated SVD: from the singular values above each cutoff times the largest."""
    norms = triangle.R.norm(dim=0).clamp_min(torch.finfo(triangle.R.dtype).tiny)
    with unbroken(_SVD * len(norms) ** 3):
        U, S, Vh = torch.linalg.svd(triangle.R / norms)
    rotated = U.mT @ triangle.c
    solutions = []
    for cutoff in cutoffs:
        kept = S > cutoff * S[0]
        solutions.append((Vh[kept].mT @ (rotated[kept] / S[kept])) / norms)
    return solutions
