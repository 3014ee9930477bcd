"""Polynomials in cells of an interval that meet smoothly.

Wide Gaussians span, as their width grows, the polynomials: orthonormalised they lose their digits, the limit has all of
them. Several cells are to that what patches are to one mixture, with the difference that neighbours meet exactly.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.models.modes.legendre import legendre_table

_OVER = 1.5
"""Points of the quadrature for each polynomial of a cell."""

FINEST = 2
"""The coefficients of the highest degrees whose size tells what is left out."""

_RATIO = 2.01
"""Neighbouring cells differ in length by no more than this."""


class Cells:
    """Orthonormal piecewise polynomials with continuous derivatives.

    Args:
        edges: Where cells begin and end, ascending: one more than cells.
        size: The number of polynomials in a cell, of degrees 0 to size - 1.
        smoothness: How many derivatives, from the 0th on, are continuous where cells meet.
        breaks: Edges between cells at which nothing need be continuous, as where materials meet.
        marks: Other edges that stay where they are when cells are merged, as where initial values jump.
    """

    def __init__(
        self,
        edges: Sequence[float],
        size: int,
        smoothness: int,
        breaks: Sequence[float] = (),
        marks: Sequence[float] = (),
    ):
        self.edges, self.size, self.smoothness = tuple(map(float, edges)), int(size), int(smoothness)
        self.breaks, self.marks = tuple(map(float, breaks)), tuple(map(float, marks))
        self.bounds = (self.edges[0], self.edges[-1])
        self.number = len(self.edges) - 1
        nodes, weights = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(round(_OVER * size) + 1))
        low, lengths = self._low, self._lengths
        self.points = (low[:, None] + lengths[:, None] * (nodes + 1) / 2).flatten()
        self.weights = (lengths[:, None] * weights / 2).flatten()
        self.broken = tuple(self.edges.index(place) for place in self.breaks)
        self.fixed = (*self.broken, *(self.edges.index(place) for place in self.marks))
        self.count = self.number * size - (self.number - 1 - len(self.breaks)) * smoothness

    def _with(self, edges: Sequence[float]) -> Self:
        """The same on other cells."""
        return type(self)(edges, self.size, self.smoothness, self.breaks, self.marks)

    @property
    def _low(self) -> Tensor:
        return torch.tensor(self.edges[:-1], dtype=torch.float64)

    @property
    def _lengths(self) -> Tensor:
        return torch.tensor(self.edges, dtype=torch.float64).diff()

    @cached_property
    def turn(self) -> Tensor:
        """The functions' coefficients in the Legendre polynomials of the cells, [cells * size, count], orthonormal."""
        if self.number == 1 + len(self.breaks) or not self.smoothness:
            return torch.eye(self.number * self.size, dtype=torch.float64)
        jumps = []
        ends = [self._legendre(torch.tensor([end], dtype=torch.float64), range(self.smoothness)) for end in (1.0, -1.0)]
        for cell, (left, right) in enumerate(pairwise(self._lengths.tolist())):
            for order in range(0 if cell + 1 in self.broken else self.smoothness):
                row = torch.zeros(self.number, self.size, dtype=torch.float64)
                row[cell] = ends[0][order][0] * (2 / left) ** (order + 0.5)
                row[cell + 1] = -ends[1][order][0] * (2 / right) ** (order + 0.5)
                jumps.append(row.flatten() / row.norm())
        whole, _ = torch.linalg.qr(torch.stack(jumps, dim=1), mode="complete")
        return whole[:, len(jumps) :].contiguous()

    def rows(self, x: Tensor, order: int) -> Tensor:
        cell, values = self.within(x, order)
        raw = x.new_zeros(len(x), self.number, self.size)
        raw[torch.arange(len(x), device=x.device), cell] = values
        return raw.flatten(1) @ self.turn.to(x)

    def within(self, x: Tensor, order: int) -> tuple[Tensor, Tensor]:
        """The cell that each x is in, [n], and the derivatives of an order of its polynomials there, [n, size]."""
        inner = torch.tensor(self.edges[1:-1], dtype=torch.float64).to(x)
        cell = torch.bucketize(x.detach().contiguous(), inner, right=True)
        low, lengths = self._low.to(x)[cell], self._lengths.to(x)[cell]
        values = self._legendre(2 * (x - low) / lengths - 1, (order,))[0]
        return cell, values * (2 / lengths[:, None]) ** (order + 0.5)

    def _legendre(self, x: Tensor, orders: Sequence[int]) -> list[Tensor]:
        """Derivatives of the Legendre polynomials that are orthonormal on [-1, 1]: for each order [n, size]."""
        return [x.new_tensor(1) * table for table in legendre_table(x, self.size, orders)]

    def raw(self, coefficients: Tensor) -> Tensor:
        """Expansions [..., count] in the Legendre polynomials of the cells, [..., cells, size]."""
        return (coefficients @ self.turn.to(coefficients).mT).unflatten(-1, (self.number, self.size))

    def tails(self, coefficients: Tensor) -> Tensor:
        return self.raw(coefficients)[..., -FINEST:].norm(dim=-1)

    def coarse_and_fine(self) -> tuple[Tensor, Tensor]:
        """Expansions of what has no finest polynomials in any cell, and of what is orthogonal to that, [count, n]."""
        if self.number == 1:
            return self.turn[:, :-FINEST], self.turn[:, -FINEST:]
        finest = self.turn.unflatten(0, (self.number, self.size))[:, -FINEST:].flatten(0, 1)
        _, sizes, rows = torch.linalg.svd(finest)
        fine = int((sizes > 1e-10).sum())
        return rows[fine:].mT, rows[:fine].mT

    def spread(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        edges, lengths = torch.tensor(self.edges, dtype=torch.float64), self._lengths
        parts = (lengths / lengths.sum() + 1 / self.number) / 2
        below = torch.cat([parts.new_zeros(1), parts.cumsum(0)])
        cell = torch.bucketize(unit.contiguous(), below[1:-1].contiguous(), right=True)
        at = edges[cell] + (unit - below[cell]) / parts[cell] * lengths[cell]
        return at, lengths[cell] / lengths.sum() / parts[cell]

    def finer(self, cells: Tensor) -> Self:
        edges = [self.edges[0]]
        for k, (low, high) in enumerate(pairwise(self.edges)):
            edges += [(low + high) / 2, high] if cells[k] else [high]
        return self._with(_balanced(edges))

    def coarser(self, cells: Tensor) -> Self | None:
        edges, k, start = [self.edges[0]], 0, self.edges[0]
        while k < self.number:
            start = self.edges[k] if k in self.fixed else start
            length = self.edges[k + 1] - self.edges[k]
            pair = k + 1 < self.number and k + 1 not in self.fixed and bool(cells[k] and cells[k + 1])
            twins = pair and abs(self.edges[k + 2] - self.edges[k + 1] - length) < 1e-9 * length
            whole = round((self.edges[k] - start) / length) % 2 == 0  # twins that were one cell before
            step = 2 if twins and whole else 1
            edges.append(self.edges[k + step])
            k += step
        edges = _balanced(edges)
        return self._with(edges) if len(edges) < len(self.edges) else None

    def plain(self) -> "Cells":
        """The polynomials of the cells alone, which need not meet."""
        return Cells(self.edges, self.size, 0)

    def config(self) -> dict[str, Any]:
        others = {name: places for name, places in (("breaks", self.breaks), ("marks", self.marks)) if places}
        return {"kind": "Cells", "edges": self.edges, "size": self.size, "smoothness": self.smoothness, **others}


def _balanced(edges: Sequence[float]) -> list[float]:
    """Edges with cells halved until neighbours are of about the same length."""
    edges = list(edges)
    while True:
        lengths = [high - low for low, high in pairwise(edges)]
        for k, length in enumerate(lengths):
            if length > _RATIO * min(lengths[max(0, k - 1) : k + 2]):
                edges.insert(k + 1, (edges[k] + edges[k + 1]) / 2)
                break
        else:
            return edges
