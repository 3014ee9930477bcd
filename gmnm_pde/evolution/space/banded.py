"""Problems on one line of local cells: their slopes are blocks of cells, and their matrices banded."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from scipy.linalg import get_lapack_funcs
from torch import Tensor

from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.space.galerkin import Galerkin, Held, Jets
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
        self._faces.sort(key=lambda face: face.side.value)  # as conditions are put together
        # the place of each function of each cell among the unknowns, and among the rows of the band
        dofs = line.places
        self.flat = (torch.arange(self.fields)[:, None] * line.count + dofs[:, None]).flatten(1)
        self.sorted = (dofs[:, None] * self.fields + torch.arange(self.fields)[:, None]).flatten(1)
        self.width = (2 if line.broken else 1) * line.size * self.fields - 1

    def beside(self, places: Tensor) -> Tensor:
        """Of places by cells, [cells, n], those of the two cells beside each break: [breaks, 2 n]."""
        cells = torch.tensor(self.basis.line.broken, dtype=torch.long)
        return torch.cat([places[cells - 1], places[cells]], dim=1)

    def slopes(self, time: Tensor, jets: Jets) -> "BandedSlopes":  # type: ignore[override]
        times, line, orders = time.reshape(1), self.basis.line, self.statements.order + 1
        shape = (line.number, self.fields, line.size, self.fields, line.size)
        blocks = [times.new_zeros(shape) for _ in range(orders)]
        for row, linearized in self._equations(times, jets, slopes=True).items():
            for field, in_time, own in self._operators(linearized):
                blocks[in_time][:, row, :, field] += self.basis.blocks(own)
        size = self.fields * line.size
        blocks = [own.flatten(3).flatten(1, 2) for own in blocks]
        joints = [times.new_zeros(len(line.broken), 2 * size, 2 * size) for _ in range(orders)]
        self._condition(blocks, joints, times, jets)
        return BandedSlopes(self, blocks, joints)

    def _condition(self, blocks: Sequence[Tensor], joints: Sequence[Tensor], times: Tensor, jets: Jets) -> None:
        """Put the conditions on the sides and where parts meet in the place of what they hold."""
        line = self.basis.line
        held: list[Held] = []
        for value, faces in groupby(self._faces, key=lambda face: face.side.value):
            stacked = self._stacked(times, jets, list(faces))
            assert stacked is not None
            edge = _nearest(line.edges, value)
            at_edge = Edge.of(self, edge)
            held.append(Held.of(stacked, blocks[0][list(at_edge.cells)].abs().max().item()))
            modes, measure = at_edge.columns(held[-1].modes.mT)[:, at_edge.rows], held[-1].measure
            for order, rows in enumerate(stacked):
                target = (
                    joints[order][line.broken.index(edge)] if edge in line.broken else blocks[order][at_edge.cells[0]]
                )
                lines = at_edge.taken(blocks[order])
                wanted = measure @ at_edge.columns(rows)
                target[at_edge.rows] += lines + modes.mT @ (wanted - modes @ lines)
        self._held = Held.joined(held) if held else None


def _nearest(edges: Sequence[float], value: float) -> int:
    """The number of the edge at a place."""
    return min(range(len(edges)), key=lambda edge: abs(edges[edge] - value))


@dataclass(frozen=True)
class Edge:
    """An edge of a cell at which conditions hold, or of the two cells beside it.

    Attributes:
        system: The equations.
        cells: The numbers of the cells.
        rows: The places of the functions at the edge among those of the cells, by cell and field.
    """

    system: BandedGalerkin
    cells: tuple[int, ...]
    rows: Tensor

    @classmethod
    def of(cls, system: BandedGalerkin, edge: int) -> "Edge":
        """The edge of a number."""
        line, fields = system.basis.line, system.fields
        m, size = line.smoothness, line.size
        beside = [(edge - 1, range(size - m, size)), (edge, range(m))]
        kept = [(cell, own) for cell, own in beside if 0 <= cell < line.number]
        rows = [
            (k * fields + field) * size + i for k, (_, own) in enumerate(kept) for field in range(fields) for i in own
        ]
        return cls(system, tuple(cell for cell, _ in kept), torch.tensor(rows))

    def columns(self, rows: Tensor) -> Tensor:
        """Of rows [r, M] the columns of the functions of the cells: [r, cells * fields * size]."""
        by_field = self.system.basis.line.by_cell(rows.unflatten(1, (self.system.fields, -1)))
        return by_field[:, :, list(self.cells)].movedim(2, 1).flatten(1)

    def taken(self, blocks: Tensor) -> Tensor:
        """The rows at the edge of blocks [cells, n, n], by the columns of the cells; there they become zero."""
        size, lines = blocks.shape[-1], []
        for number, cell in enumerate(self.cells):
            own = self.rows[(self.rows >= number * size) & (self.rows < (number + 1) * size)] - number * size
            line = blocks.new_zeros(len(own), len(self.cells), size)
            line[:, number] = blocks[cell, own]
            blocks[cell, own] = 0.0
            lines.append(line.flatten(1))
        return torch.cat(lines)


class BandedSlopes:
    """Slopes by blocks: of cells, [cells, fields * size, fields * size] for each order in time, and of joints.

    Joints are where parts meet: their blocks, twice as large, are those of the two cells beside together.
    """

    def __init__(self, system: BandedGalerkin, blocks: Sequence[Tensor], joints: Sequence[Tensor]):
        self.system, self.blocks, self.joints = system, blocks, joints

    def apply(self, order: int, vector: Tensor) -> Tensor:
        """A slope times a state, [M]."""
        total = torch.zeros_like(vector)
        for places, blocks in ((self.system.flat, self.blocks), (self.system.beside(self.system.flat), self.joints)):
            own = torch.einsum("cij,cj->ci", blocks[order], vector[places])
            total = total.index_add(0, places.flatten(), own.flatten())
        return total

    def factorised(self, rate: complex) -> "BandedFactor":
        """The factors of sum_j rate^j J_j."""
        if isinstance(rate, complex) and rate.imag == 0:
            rate = rate.real
        blocks, joints = (
            np.asarray(sum(rate**j * own.numpy() for j, own in enumerate(each))) for each in (self.blocks, self.joints)
        )
        return BandedFactor(self.system, blocks, joints)


class BandedFactor:
    """A matrix in factors, by LAPACK's routines for banded ones."""

    def __init__(self, system: BandedGalerkin, blocks: np.ndarray, joints: np.ndarray):
        self._system, width = system, system.width
        band = np.zeros((3 * width + 1, system.count), dtype=blocks.dtype, order="F")
        for places, own in ((system.sorted, blocks), (system.beside(system.sorted), joints)):
            rows = places[:, :, None].expand(own.shape).numpy()
            columns = places[:, None, :].expand(own.shape).numpy()
            np.add.at(band, (2 * width + rows - columns, columns), own)
        factorise, self._solve = get_lapack_funcs(("gbtrf", "gbtrs"), (band,))
        self._band, self._pivots, _ = factorise(band, width, width, overwrite_ab=True)
        order = torch.arange(system.count).view(system.fields, -1).mT.flatten()  # of the unknowns in the band
        self._order, self._back = order.numpy(), torch.argsort(order)

    def solve(self, right: Tensor) -> Tensor:
        """The solution for a right side, [M]."""
        width = self._system.width
        solved, _ = self._solve(self._band, width, width, right.numpy()[self._order], self._pivots)
        return torch.from_numpy(solved)[self._back]
