"""Functions of one coordinate that are local, handled cell by cell."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from scipy.linalg import cho_solve_banded, cholesky_banded
from torch import Tensor

from gmnm_pde.models.modes.line import Line
from gmnm_pde.models.modes.local_cells import LocalCells
from gmnm_pde.models.modes.product import Product


def product_of(lines: Sequence[Line]) -> Product:
    """The product of some lines, in the form that serves them best."""
    if len(lines) == 1 and isinstance(lines[0], LocalCells):
        return Piecewise(lines[0])
    return Product(lines)


class Piecewise(Product):
    """The functions of one line of local cells; all is done cell by cell, and matrices are blocks.

    Args:
        line: It.
    """

    def __init__(self, line: LocalCells):
        super().__init__([line])
        self.line = line
        self._tables: dict[int, Tensor] = {}

    def values(self, coefficients: Tensor, orders: Sequence[int]) -> Tensor:
        rows = self.table(orders[0]).to(coefficients)
        return torch.einsum("...ci,cni->...cn", self.line.by_cell(coefficients), rows).flatten(-2)

    def tested(self, values: Tensor) -> Tensor:
        rows = (self.table(0) * self._cell_weights[:, :, None]).to(values)
        by_cell = torch.einsum("...cn,cni->...ci", values.unflatten(-1, rows.shape[:2]), rows)
        return self.line.gathered(by_cell)

    def projected(self, values: Tensor) -> Tensor:
        return self._solved(self.tested(values))

    def norms(self, coefficients: Tensor) -> Tensor:
        return self.line.raw(coefficients).flatten(-2).norm(dim=-1)

    def transfer(self, coefficients: Tensor, finer: Product) -> Tensor:
        if not isinstance(finer, Piecewise):  # the polynomials of the cells alone
            return self.line.raw(coefficients).flatten(-2)
        other = finer.line
        dense = max(self.line, other, key=lambda line: len(line.points))
        (cells, own), (others, tests) = (line.within(dense.points, 0) for line in (self.line, other))
        values = (self.line.raw(coefficients)[..., cells, :] * own.to(coefficients)).sum(dim=-1)
        products = (values * dense.weights.to(values))[..., None] * tests.to(values)
        tested = values.new_zeros(*values.shape[:-1], other.number, other.size).index_add(-2, others, products)
        return finer._solved(other.gathered(torch.einsum("...ci,cij->...cj", tested, other.local.to(values))))

    def blocks(self, coefficients: Mapping[tuple[int, ...], Tensor | float]) -> Tensor:
        """A differential operator tested with the functions of each cell, [cells, size, size].

        Args:
            coefficients: By orders of differentiation, numbers or values at the points.
        """
        total = self.table(0).new_zeros(self.table(0).shape)
        for (order,), factor in coefficients.items():
            own = self.table(order)
            total = total + (factor.view(own.shape[:2])[:, :, None] if isinstance(factor, Tensor) else factor) * own
        return (self.table(0) * self._cell_weights[:, :, None]).mT @ total

    def table(self, order: int) -> Tensor:
        """A derivative of the functions of each cell at its points, [cells, points of a cell, size]."""
        if order not in self._tables:
            line = self.line
            _, values = line.within(line.points, order)
            self._tables[order] = values.unflatten(0, (line.number, -1)) @ line.local
        return self._tables[order]

    @cached_property
    def _cell_weights(self) -> Tensor:
        return self.line.weights.unflatten(0, (self.line.number, -1))

    @cached_property
    def _mass(self) -> np.ndarray:
        """The Cholesky factor of the functions' inner products, diagonals below each other, [size, count]."""
        line = self.line
        blocks, low = line.local.mT @ line.local, torch.arange(line.size)
        diagonals, columns = low[:, None] - low, line.places[:, None, :].expand_as(blocks)
        below = (diagonals >= 0).expand_as(blocks)
        band = blocks.new_zeros(line.size * self.count)
        band.index_add_(0, (diagonals * self.count + columns)[below], blocks[below])
        return cholesky_banded(band.view(line.size, self.count).numpy(), lower=True)

    def _solved(self, tested: Tensor) -> Tensor:
        """The expansions [..., count] of functions with these inner products with all of the line."""
        columns = tested.detach().reshape(-1, self.count).mT.numpy()
        return torch.from_numpy(cho_solve_banded((self._mass, True), columns)).mT.to(tested).reshape(tested.shape)
