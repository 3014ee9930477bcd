"""Piecewise polynomials that meet smoothly, each function in one cell or in two neighbouring ones."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.models.modes.cells import Cells


class LocalCells(Cells):
    """The span of ``Cells`` by functions that are local, so that matrices are banded; they are not orthonormal.

    From left to right: ``smoothness`` functions at every edge, orthonormal among themselves, and in every cell those
    that vanish at both edges with as many derivatives, which are orthonormal and orthogonal to all others. A break has
    functions of its own on either side.

    Attributes:
        local: The coefficients of the functions of each cell in its Legendre polynomials, [cells, size, size]: those of
            its left edge, its own, those of its right edge.
        places: The numbers of the functions of each cell, [cells, size].
    """

    def __init__(
        self,
        edges: Sequence[float],
        size: int,
        smoothness: int,
        breaks: Sequence[float] = (),
        marks: Sequence[float] = (),
    ):
        super().__init__(edges, size, smoothness, breaks, marks)
        self.local = self._local()
        cells = torch.arange(self.number)
        broken = (cells[:, None] >= torch.tensor(self.broken, dtype=torch.long)).sum(dim=1)
        first = cells * (self.size - self.smoothness) + broken * self.smoothness
        self.places = first[:, None] + torch.arange(self.size)

    def _local(self) -> Tensor:
        m, number, size = self.smoothness, self.number, self.size
        if not m:
            return torch.eye(size, dtype=torch.float64).expand(number, -1, -1)
        ends = [self._legendre(torch.tensor([end], dtype=torch.float64), range(m)) for end in (-1.0, 1.0)]
        rows = torch.cat([torch.cat(end) for end in ends])
        own = torch.linalg.qr(rows.mT, mode="complete")[0][:, 2 * m :]
        scale = rows.norm(dim=1, keepdim=True)
        duals = torch.linalg.pinv(rows / scale) / scale.mT  # one derivative at one end each
        # a function's derivatives are the same on both sides of its edge
        powers = (self._lengths / self._lengths.max())[:, None] ** (torch.arange(m, dtype=torch.float64) + 0.5)
        at_edges = torch.zeros(number + 1, 2, size, m, dtype=torch.float64)
        at_edges[1:, 0] = duals[:, m:] * powers[:, None]
        at_edges[:-1, 1] = duals[:, :m] * powers[:, None]
        apart = at_edges[list(self.broken)]
        at_edges = _orthonormal(at_edges.flatten(1, 2)).unflatten(1, (2, size))
        at_edges[list(self.broken)] = _orthonormal(apart)
        return torch.cat([at_edges[:-1, 1], own.expand(number, -1, -1), at_edges[1:, 0]], dim=2)

    @cached_property
    def turn(self) -> Tensor:
        whole = torch.zeros(self.number, self.size, self.count, dtype=torch.float64)
        for cell, places in enumerate(self.places):
            whole[cell][:, places] = self.local[cell]
        return whole.flatten(0, 1)

    def raw(self, coefficients: Tensor) -> Tensor:
        return torch.einsum("...cj,cij->...ci", self.by_cell(coefficients), self.local.to(coefficients))

    def by_cell(self, coefficients: Tensor) -> Tensor:
        """The coefficients [..., count] of the functions of each cell, [..., cells, size]; those of edges twice."""
        return coefficients[..., self.places]

    def gathered(self, by_cell: Tensor) -> Tensor:
        """The transpose of ``by_cell``: sums over the cells, [..., cells, size] to [..., count]."""
        total = by_cell.new_zeros(*by_cell.shape[:-2], self.count)
        return total.index_add(-1, self.places.flatten().to(by_cell.device), by_cell.flatten(-2))


def _orthonormal(functions: Tensor) -> Tensor:
    """Orthonormal columns that span the same, of matrices [..., n, m]."""
    return torch.linalg.qr(functions / functions.norm(dim=-2, keepdim=True))[0]
