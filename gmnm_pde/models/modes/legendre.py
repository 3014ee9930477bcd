"""Legendre polynomials, the flat limit of wide Gaussians: in one coordinate, and of a total degree in several."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import product

import torch
from torch import Tensor

from gmnm_pde.multiindex import Alpha


def legendre_table(x: Tensor, size: int, orders: Sequence[int]) -> list[Tensor]:
    """Derivatives of the Legendre polynomials that are orthonormal on [-1, 1]: for each order [n, size].

    Args:
        x: Where, [n].
        size: How many polynomials.
        orders: Of the derivatives.
    """
    return [table.mT.contiguous() for table in _by_degree(x, size, orders)]


def _by_degree(x: Tensor, size: int, orders: Sequence[int]) -> list[Tensor]:
    """The same, [size, n]."""
    norm = (torch.arange(size, dtype=x.dtype, device=x.device) + 0.5).sqrt()
    columns: list[list[Tensor]] = [[] for _ in range(max(orders, default=-1) + 1)]
    for n in range(size):
        for order, known in enumerate(columns):
            if n < order:
                known.append(torch.zeros_like(x))
            elif n == 0:
                known.append(torch.ones_like(x))
            elif order:  # P_n' = P_{n-2}' + (2 n - 1) P_{n-1}
                known.append((known[n - 2] if n > 1 else 0.0) + (2 * n - 1) * columns[order - 1][n - 1])
            else:
                known.append(((2 * n - 1) * x * known[n - 1] - (n - 1) * (known[n - 2] if n > 1 else 0.0)) / n)
    return [torch.stack(columns[order]) * norm[:, None] for order in orders]


class TotalDegree:
    """Products of Legendre polynomials in ``dimension`` coordinates up to a total degree, by rising degree.

    They are orthonormal on [-1, 1]^d for means: the mean of the square of each is 1.
    """

    def __init__(self, dimension: int, degree: int):
        self.dimension, self.degree = dimension, degree
        exponents = product(range(degree + 1), repeat=dimension)
        self.exponents = sorted((e for e in exponents if sum(e) <= degree), key=lambda e: (sum(e), e))

    def __len__(self) -> int:
        return len(self.exponents)

    @cached_property
    def degrees(self) -> Tensor:
        """The degree of each polynomial along each coordinate, [count, d]."""
        return torch.tensor(self.exponents, dtype=torch.long).reshape(len(self), self.dimension)

    def jet(self, x: Tensor, alphas: Iterable[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the polynomials at x [n, d]: for each alpha [n, count]; for no alpha nothing."""
        alphas = tuple(alphas)
        if not self.dimension:
            return {alpha: x.new_ones(len(x), 1) for alpha in alphas}
        orders = sorted({order for alpha in alphas for order in alpha})
        tables = _by_degree(x.mT.reshape(-1), self.degree + 1, orders)
        lines = {n: (2**0.5 * t).unflatten(1, (self.dimension, -1)) for n, t in zip(orders, tables, strict=True)}
        chosen = self.degrees.mT.to(x.device)
        needed = {(axis, order) for alpha in alphas for axis, order in enumerate(alpha)}
        # rows are gathered faster than columns
        known = {(axis, order): lines[order][:, axis].index_select(0, chosen[axis]) for axis, order in needed}
        jets = {}
        for alpha in alphas:
            value = known[0, alpha[0]]
            for axis in range(1, self.dimension):
                value = value * known[axis, alpha[axis]]
            jets[alpha] = value.mT
        return jets
