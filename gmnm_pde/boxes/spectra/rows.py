"""The rows of boxes and conditions as they are, before any unknowns are eliminated: times unknowns, and transposed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Interior
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.leaves import Pattern


@dataclass(frozen=True)
class Block:
    """Rows that hold the polynomials of some boxes and the traces of some faces, the same for several of these.

    Attributes:
        boxes: Their numbers, [n, b].
        faces: Those of the faces, [n, f].
        own: In the boxes' own unknowns, [rows, b * own].
        traces: In the traces, [rows, f * size].
    """

    boxes: Tensor
    faces: Tensor
    own: Tensor
    traces: Tensor

    @classmethod
    def of_pattern(cls, layout: Layout, pattern: Pattern) -> "Block":
        """The rows that match boxes that look the same with their traces."""
        faces = torch.tensor([layout.around[box] for box in pattern.boxes])
        weight = pattern.weight
        return cls(torch.tensor(pattern.boxes)[:, None], faces, weight * pattern.matching, weight * pattern.traces)

    def times(self, inside: Tensor, traces: Tensor) -> Tensor:
        """Rows [n, rows, m] for unknowns of all boxes, [boxes, own, m], and faces, [faces, size, m]."""
        return self.own @ inside[self.boxes].flatten(1, 2) + self.traces @ traces[self.faces].flatten(1, 2)

    def add_transposed(self, rows: Tensor, inside: Tensor, traces: Tensor) -> None:
        """Add the transpose times rows to such unknowns."""
        for matrix, numbers, total in ((self.own, self.boxes, inside), (self.traces, self.faces, traces)):
            total.index_add_(0, numbers.flatten(), (matrix.mT @ rows).reshape(-1, *total.shape[1:]))


@dataclass(frozen=True)
class EquationRows:
    """The rows of the equations in all boxes that are not cut."""

    layout: Layout
    degrees: Degrees
    equation: Interior

    def times(self, inside: Tensor) -> Tensor:
        """Rows [n, equations * points, m] for unknowns [boxes, own, m]."""
        own, m = inside[self.layout.whole], inside.shape[2]
        rows = own.new_zeros(len(own), len(self.equation.operators), len(self._roots), m)
        for alpha, table in self._tables.items():
            values = _through(table, own.unflatten(1, (self.equation.fields, -1)))
            for k, operator in enumerate(self.equation.operators):
                for (field, other), c in operator.items():
                    if other == alpha:
                        rows[:, k] += self._on_rows(c) * values[:, field]
        return (rows * self._weights).flatten(1, 2)

    def add_transposed(self, rows: Tensor, inside: Tensor) -> None:
        """Add the transpose times rows to such unknowns."""
        weighted, size = rows.unflatten(1, (len(self.equation.operators), -1)) * self._weights, len(self.degrees.basis)
        for alpha, table in self._tables.items():
            values = rows.new_zeros(len(rows), self.equation.fields, len(self._roots), rows.shape[2])
            for k, operator in enumerate(self.equation.operators):
                for (field, other), c in operator.items():
                    if other == alpha:
                        values[:, field] += self._on_rows(c) * weighted[:, k]
            own = _through(table.mT, values).reshape(len(rows), self.equation.fields * size, -1)
            inside.index_add_(0, self.layout.whole, own)

    @cached_property
    def _tables(self) -> dict:
        alphas = self.equation.alphas  # none where all boxes are cut
        return self.degrees.inside_table(alphas) if alphas else {}

    @property
    def _roots(self) -> Tensor:
        return self.degrees.inner[1].sqrt()

    @cached_property
    def _weights(self) -> Tensor:
        """What rows are multiplied by, [n, 1, points, 1]."""
        return self.layout.weights[self.layout.whole, None, None, None] * self._roots[:, None]

    def _on_rows(self, coefficient: Tensor | float) -> Tensor | float:
        return coefficient[self.layout.whole, :, None] if isinstance(coefficient, Tensor) else coefficient


def _through(table: Tensor, columns: Tensor) -> Tensor:
    """A matrix [k, l] times columns [n, fields, l, m], by one product: [n, fields, k, m]."""
    n, fields, size, m = columns.shape
    product = table @ columns.permute(2, 0, 1, 3).reshape(size, -1)
    return product.view(len(table), n, fields, m).permute(1, 2, 0, 3)


@dataclass(frozen=True)
class AllRows:
    """The rows of a system: equations, and blocks; unknowns are those of the boxes, then the traces, [columns, m].

    Attributes:
        equations: Of the boxes that are not cut.
        blocks: All others.
    """

    equations: EquationRows
    blocks: Sequence[Block]

    def times(self, unknowns: Tensor) -> list[Tensor]:
        """The rows for unknowns, [n, rows, m] each: those of the equations, then of each block."""
        inside, traces = self._parts(unknowns)
        return [self.equations.times(inside), *(block.times(inside, traces) for block in self.blocks)]

    def transposed(self, rows: Sequence[Tensor]) -> Tensor:
        """The transpose times such rows, [columns, m]."""
        degrees, layout = self.equations.degrees, self.equations.layout
        m = rows[0].shape[2]
        inside = rows[0].new_zeros(len(layout), degrees.own, m)
        traces = rows[0].new_zeros(len(layout.faces), degrees.face_size, m)
        self.equations.add_transposed(rows[0], inside)
        for block, own in zip(self.blocks, rows[1:], strict=True):
            block.add_transposed(own, inside, traces)
        return torch.cat([inside.flatten(0, 1), traces.flatten(0, 1)])

    def _parts(self, unknowns: Tensor) -> tuple[Tensor, Tensor]:
        degrees, boxes = self.equations.degrees, len(self.equations.layout)
        inside, traces = unknowns.split([boxes * degrees.own, len(unknowns) - boxes * degrees.own])
        return inside.unflatten(0, (boxes, -1)), traces.unflatten(0, (-1, degrees.face_size))
