"""Products of functions of one coordinate each: an orthonormal basis of a box, or of a torus."""

import math
from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.models.modes.line import Line
from gmnm_pde.models.modes.waves import Waves


class Product:
    """All products of one function of each line; without lines the constant 1, as problems in time alone need.

    Expansions are flat, [..., count], the last line fastest.

    Args:
        lines: One for each coordinate.
    """

    def __init__(self, lines: Sequence[Line]):
        self.lines = tuple(lines)
        self.shape = tuple(line.count for line in lines)
        self.count = math.prod(self.shape)
        self._rows: dict[tuple[int, int], Tensor] = {}

    @cached_property
    def points(self) -> Tensor:
        """Of the quadrature, [n, d]."""
        if not self.lines:
            return torch.zeros(1, 0, dtype=torch.float64)
        grids = torch.meshgrid(*(line.points for line in self.lines), indexing="ij")
        return torch.stack([grid.flatten() for grid in grids], dim=1)

    @cached_property
    def weights(self) -> Tensor:
        """Of the quadrature, [n]."""
        total = torch.ones(1, dtype=torch.float64)
        for line in self.lines:
            total = (total[:, None] * line.weights).flatten()
        return total

    def values(self, coefficients: Tensor, orders: Sequence[int]) -> Tensor:
        """A derivative of expansions [..., count] at the quadrature's points, [..., n]; ``orders`` by each line."""
        return self.along_axes([self._own_rows(k, order) for k, order in enumerate(orders)], coefficients)

    def projected(self, values: Tensor) -> Tensor:
        """The expansions [..., count] of functions with these values [..., n] at the quadrature's points."""
        matrices = [(self._own_rows(k, 0) * line.weights.to(values)[:, None]).mT for k, line in enumerate(self.lines)]
        return self.along_axes(matrices, values, [len(line.points) for line in self.lines])

    def tested(self, values: Tensor) -> Tensor:
        """The inner products [..., count] with every function, of functions with these values [..., n]."""
        return self.projected(values)

    def norms(self, coefficients: Tensor) -> Tensor:
        """The norms [...] of expansions [..., count]."""
        return coefficients.norm(dim=-1)

    def rows(self, points: Tensor, orders: Sequence[int]) -> Tensor:
        """A derivative of every product at points [n, d]: [n, count]."""
        total = points.new_ones(len(points), 1)
        for k, (line, order) in enumerate(zip(self.lines, orders, strict=True)):
            total = (total[:, :, None] * line.rows(points[:, k], order)[:, None, :]).flatten(1)
        return total

    def operator(self, coefficients: dict[tuple[int, ...], Tensor | float]) -> Tensor:
        """The matrix [count, count] of a differential operator, whose coefficients are numbers or values [n]."""
        total, varying = self.points.new_zeros(self.count, self.count), None
        for orders, factor in coefficients.items():
            if isinstance(factor, Tensor):
                own = factor[:, None] * self._whole_rows(orders)
                varying = own if varying is None else varying + own
            else:
                total = total + factor * self.derivative(orders)
        if varying is not None:
            total = total + (self._whole_rows((0,) * len(self.lines)) * self.weights.to(varying)[:, None]).mT @ varying
        return total

    def derivative(self, orders: Sequence[int]) -> Tensor:
        """The matrix [count, count] of a derivative."""
        total = self.points.new_ones(1, 1)
        for k, order in enumerate(orders):
            total = torch.kron(total, self.along(k, order))
        return total

    def differentiated(self, coefficients: Tensor, orders: Sequence[int]) -> Tensor:
        """The expansions of a derivative of expansions [..., count], by projection."""
        total = coefficients.unflatten(-1, self.shape) if self.lines else coefficients
        for k, (line, order) in enumerate(zip(self.lines, orders, strict=True)):
            axis = k - len(self.lines)
            if not order:
                continue
            if isinstance(line, Waves):
                index, factor = (own.to(total.device) for own in line.pairs(order))
                total = total.index_select(total.ndim + axis, index) if order % 2 else total
                total = total * factor.to(total.real.dtype).view(-1, *[1] * (-1 - axis))
            else:
                total = applied(self.along(k, order), total, axis)
        return total.flatten(-len(self.lines)) if self.lines else total

    def along(self, axis: int, order: int) -> Tensor:
        """The matrix of a derivative along a line, [count, count] of the line."""
        line = self.lines[axis]
        if not order:
            return torch.eye(line.count, dtype=torch.float64)
        return (self._own_rows(axis, 0) * line.weights[:, None]).mT @ self._own_rows(axis, order)

    def transfer(self, coefficients: Tensor, finer: "Product") -> Tensor:
        """The expansions [..., count] in another product, by projection."""
        matrices = []
        for own, other in zip(self.lines, finer.lines, strict=True):
            dense = max(own, other, key=lambda line: len(line.points))
            left = (other.rows(dense.points, 0) * dense.weights[:, None]).mT
            matrices.append((left @ own.rows(dense.points, 0)).to(coefficients))
        return self.along_axes(matrices, coefficients)

    def tails(self, coefficients: Tensor) -> list[Tensor]:
        """Along each line how large the finest parts of expansions [m, count] are in each cell, [m, cells]."""
        tails = []
        shaped = coefficients.unflatten(-1, self.shape) if self.lines else coefficients
        for k, line in enumerate(self.lines):
            own = line.tails(shaped.movedim(1 + k, -1))
            tails.append(own.flatten(1, -2).norm(dim=1) if own.ndim > 2 else own)
        return tails

    def _own_rows(self, axis: int, order: int) -> Tensor:
        """The rows of a line at its own points; they are kept."""
        if (axis, order) not in self._rows:
            line = self.lines[axis]
            self._rows[axis, order] = line.rows(line.points, order)
        return self._rows[axis, order]

    def _whole_rows(self, orders: Sequence[int]) -> Tensor:
        total = self.points.new_ones(1, 1)
        for k, order in enumerate(orders):
            total = torch.kron(total, self._own_rows(k, order))
        return total

    def along_axes(self, matrices: Sequence[Tensor], values: Tensor, shape: Sequence[int] | None = None) -> Tensor:
        """Matrices applied along the axes of flat arrays [..., prod(shape)], by default of expansions."""
        if not matrices:
            return values
        total = values.unflatten(-1, self.shape if shape is None else tuple(shape))
        for k, matrix in enumerate(matrices, start=-len(matrices)):
            total = applied(matrix, total, k)
        return total.flatten(-len(matrices))


def applied(matrix: Tensor, values: Tensor, axis: int) -> Tensor:
    """A matrix applied along an axis of an array; ``axis`` counts from the end."""
    return (values.movedim(axis, -1) @ matrix.to(values).mT).movedim(-1, axis)
