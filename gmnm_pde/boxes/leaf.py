"""Boxes with their own unknowns eliminated: what gives these for the traces, and the rows that are left."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.linalg.fronts import Rows
from gmnm_pde.linalg.qr import triangular
from gmnm_pde.processes import ALL, rank

_OF_ROWS = ("triangle", "coupling", "right", "rest", "rest_right")
"""What of a leaf is multiplied where its rows are."""


@dataclass(frozen=True)
class Leaf:
    """Boxes that look the same, with their own unknowns eliminated; matrices of one box stand for all if shared.

    Attributes:
        boxes: Their numbers, [n, 1], or where several boxes are one leaf, [n, several].
        faces: The faces of each, [n, f].
        triangle: R in the boxes' own unknowns, [n or 1, count, count].
        coupling: R in the traces, [n or 1, count, traces].
        right: The right-hand sides of these rows, [n, count].
        rest: The rows that are left for the traces, [n or 1, rows, traces].
        rest_right: Their right-hand sides, [n, rows].
        misfits: The squares of what no unknowns can lower, [n].
        owners: The process that holds the matrices and right-hand sides of each of the boxes, or ``ALL``, [n]; None
            where every process holds all. Elsewhere there is nothing in their place.
    """

    boxes: Tensor
    faces: Tensor
    triangle: Tensor
    coupling: Tensor
    right: Tensor
    rest: Tensor
    rest_right: Tensor
    misfits: Tensor
    owners: Tensor | None = None

    @property
    def held(self) -> Tensor:
        """The places of the boxes that this process holds."""
        return torch.arange(len(self.boxes)) if self.owners is None else held_by(self.owners, rank())

    def rows(self) -> Iterator[Rows]:
        """The rows that are left for the traces, box by box."""
        shared = len(self.rest) == 1
        for k, faces in enumerate(self.faces[self.held].tolist()):
            yield Rows(tuple(faces), self.rest[0 if shared else k], self.rest_right[k])

    def weighted(self, weight: float) -> "Leaf":
        """The same with all rows multiplied by a number."""
        if weight == 1.0:
            return self
        parts = {name: weight * getattr(self, name) for name in _OF_ROWS}
        return replace(self, **parts, misfits=weight**2 * self.misfits)

    def moved(self, boxes: int, faces: int) -> "Leaf":
        """The same with other numbers of boxes and faces, greater by so many."""
        return replace(self, boxes=self.boxes + boxes, faces=self.faces + faces)

    def leading(self, own: Tensor) -> "Leaf":
        """The same with some of the unknowns of each box alone, a mask [own]; the others are zero."""
        if not len(self.held):
            return self
        own = own.repeat(self.boxes.shape[1])
        left = torch.cat([self.triangle[0], torch.zeros_like(self.rest[0, :, :1]).expand(-1, len(own))])[:, own]
        traces = torch.cat([self.coupling[0], self.rest[0]])
        right = torch.cat([self.right[0], self.rest_right[0]])[:, None]
        whole = triangular(torch.cat([left, traces, right], dim=1))[None]
        count, last = left.shape[1], left.shape[1] + traces.shape[1]
        return replace(
            self,
            triangle=whole[:, :count, :count],
            coupling=whole[:, :count, count:-1],
            right=whole[:, :count, -1],
            rest=whole[:, count:last, count:-1],
            rest_right=whole[:, count:last, -1],
        )

    def inverse(self, right: Tensor, traces: Tensor) -> Tensor:
        """The boxes' unknowns [n, count, m] for right-hand sides [n, count, m], given the traces [n, traces, m]."""
        return _solved(self.triangle, right - _times(self.coupling, traces))

    def inverse_transposed(self, unknowns: Tensor) -> tuple[Tensor, Tensor]:
        """R^-T times columns [n, count, m], and what they pass on to the traces, [n, traces, m]."""
        own = _solved(self.triangle.mT, unknowns, upper=False)
        return own, -_times(self.coupling.mT, own)


def held_by(owners: Tensor, process: int) -> Tensor:
    """The places of what a process has."""
    return ((owners == process) | (owners == ALL)).nonzero()[:, 0]


def _times(matrix: Tensor, columns: Tensor) -> Tensor:
    if len(columns) == 1:  # as in a batch of several: by itself one column is multiplied with other roundings
        return (matrix.expand(2, -1, -1) @ columns.expand(2, -1, -1))[:1]
    if len(matrix) > 1:
        return matrix @ columns
    n, _, m = columns.shape
    return (matrix[0] @ columns.transpose(0, 1).flatten(1)).unflatten(1, (n, m)).transpose(0, 1)


def _solved(triangle: Tensor, columns: Tensor, *, upper: bool = True) -> Tensor:
    if len(triangle) > 1 or len(columns) == 1:
        return torch.linalg.solve_triangular(triangle, columns, upper=upper)
    n, _, m = columns.shape
    flat = torch.linalg.solve_triangular(triangle[0], columns.transpose(0, 1).flatten(1), upper=upper)
    return flat.unflatten(1, (n, m)).transpose(0, 1)
