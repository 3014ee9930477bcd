"""Problems on one line of local cells: their slopes are blocks of cells, and their matrices banded."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import get_lapack_funcs
from torch import Tensor

from gmnm_pde.evolution.galerkin import Galerkin, Held, Jets
from gmnm_pde.evolution.reading import Statements
from gmnm_pde.models.modes import Piecewise


class BandedGalerkin(Galerkin):
    """The same equations as ``Galerkin``, cell by cell.

    Args:
        statements: The problem.
        basis: Of its space.
    """

    basis: Piecewise

    def __init__(self, statements: Statements, basis: Piecewise):
        super().__init__(statements, basis)
        line = basis.line
        self._faces.sort(key=lambda face: not face.left)  # as conditions are put together
        # the place of each function of each cell among the unknowns, and among the rows of the band
        dofs = torch.arange(line.number)[:, None] * line.stride + torch.arange(line.size)
        self.flat = (torch.arange(self.fields)[:, None] * line.count + dofs[:, None]).flatten(1)
        self.sorted = (dofs[:, None] * self.fields + torch.arange(self.fields)[:, None]).flatten(1)
        self.width = line.size * self.fields - 1

    def slopes(self, time: Tensor, jets: Jets) -> "BandedSlopes":  # type: ignore[override]
        times, line = time.reshape(1), self.basis.line
        shape = (line.number, self.fields, line.size, self.fields, line.size)
        blocks = [times.new_zeros(shape) for _ in range(self.statements.order + 1)]
        for name, linearized in self._equations(times, jets, slopes=True).items():
            for field, in_time, own in self._operators(linearized):
                blocks[in_time][:, self.statements.tested[name], :, field] += self.basis.blocks(own)
        self._condition(blocks, times, jets)
        return BandedSlopes(self, [own.flatten(3).flatten(1, 2) for own in blocks])

    def _condition(self, blocks: Sequence[Tensor], times: Tensor, jets: Jets) -> None:
        """Put the conditions on the sides in the place of what they hold, in the first and the last cell."""
        line = self.basis.line
        parts = []
        for left in (True, False):
            stacked = self._stacked(times, jets, [face for face in self._faces if face.left == left])
            if stacked is None:
                continue
            held = Held.of(stacked)
            parts.append(held)
            cell, edge = (0, slice(0, line.smoothness)) if left else (-1, slice(-line.smoothness, None))
            modes = self._on_edge(held.modes.mT, cell, edge)
            for own, rows in zip(blocks, stacked, strict=True):
                lines = own[cell][:, edge].flatten(0, 1).flatten(1)  # by the unknowns at the edge, [edge, cell]
                wanted = held.measure @ self._on_edge(rows, cell, slice(None))
                changed = lines + modes.mT @ (wanted - modes @ lines)
                own[cell][:, edge] = changed.view(self.fields, -1, self.fields, line.size)
        self._held = Held.joined(parts) if parts else None

    def _on_edge(self, rows: Tensor, cell: int, edge: slice) -> Tensor:
        """Of rows [r, M] the columns of the functions of a cell, or of some, of each field: [r, fields * functions]."""
        by_field = self.basis.line.by_cell(rows.unflatten(1, (self.fields, -1)))[:, :, cell]
        return by_field[:, :, edge].flatten(1)


class BandedSlopes:
    """Slopes by blocks of cells, [cells, fields * size, fields * size] for each order in time."""

    def __init__(self, system: BandedGalerkin, blocks: Sequence[Tensor]):
        self.system, self.blocks = system, blocks

    def apply(self, order: int, vector: Tensor) -> Tensor:
        """A slope times a state, [M]."""
        system = self.system
        own = torch.einsum("cij,cj->ci", self.blocks[order], vector[system.flat])
        return torch.zeros_like(vector).index_add(0, system.flat.flatten(), own.flatten())

    def factorised(self, rate: complex) -> "BandedFactor":
        """The factors of sum_j rate^j J_j."""
        if isinstance(rate, complex) and rate.imag == 0:
            rate = rate.real
        total = sum(rate**j * own.numpy() for j, own in enumerate(self.blocks))
        return BandedFactor(self.system, np.asarray(total))


class BandedFactor:
    """A matrix in factors, by LAPACK's routines for banded ones."""

    def __init__(self, system: BandedGalerkin, blocks: np.ndarray):
        self._system, width = system, system.width
        rows = system.sorted[:, :, None].expand(blocks.shape).numpy()
        columns = system.sorted[:, None, :].expand(blocks.shape).numpy()
        band = np.zeros((3 * width + 1, system.count), dtype=blocks.dtype, order="F")
        np.add.at(band, (2 * width + rows - columns, columns), blocks)
        factorise, self._solve = get_lapack_funcs(("gbtrf", "gbtrs"), (band,))
        self._band, self._pivots, _ = factorise(band, width, width, overwrite_ab=True)
        order = torch.arange(system.count).view(system.fields, -1).mT.flatten()  # of the unknowns in the band
        self._order, self._back = order.numpy(), torch.argsort(order)

    def solve(self, right: Tensor) -> Tensor:
        """The solution for a right side, [M]."""
        width = self._system.width
        solved, _ = self._solve(self._band, width, width, right.numpy()[self._order], self._pivots)
        return torch.from_numpy(solved)[self._back]
