"""The fields at points as a linear map of the unknowns, and its transpose."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gmnm_pde.residuals.patchwork import PatchworkSystem
from gmnm_pde.residuals.readout import ReadoutSystem

Piece = tuple[int, Tensor, Tensor]
"""The number of a patch, the points that it reaches, and its features there."""


class FieldMap:
    """How the fields at points [n, d] follow from the unknowns; the features there are evaluated once.

    Args:
        system: Whose unknowns these are.
        points: Where the fields are evaluated.
    """

    def __init__(self, system: ReadoutSystem, points: Tensor):
        points, lift = points.to(system.like), system.problem.lift
        self._system, self.count = system, len(points)
        self._factors = self._offsets = None
        if lift is not None:
            self._factors, self._offsets = lift.functions(points)
        if isinstance(system, PatchworkSystem):
            unit = {(0,) * points.shape[1]: 1.0}
            self._pieces = list(_own(system, points, system.model.pieces(points, unit)))
        else:
            self._pieces = [(0, torch.arange(len(points), device=points.device), system.model.features(points))]

    def first(self, count: int) -> "FieldMap":
        """The map to the fields at the first points alone."""
        part = object.__new__(FieldMap)
        part._system, part.count = self._system, min(count, self.count)
        part._factors = None if self._factors is None else self._factors[:count]
        part._offsets = None if self._offsets is None else self._offsets[:count]
        part._pieces = [(number, rows[rows < count], columns[rows < count]) for number, rows, columns in self._pieces]
        return part

    def at(self, unknowns: Tensor) -> Tensor:
        """The fields for some unknowns [columns]: [n, fields]."""
        fields = self.forth(unknowns[:, None])[:, :, 0]
        return fields if self._offsets is None else fields + self._offsets

    def forth(self, changes: Tensor) -> Tensor:
        """How the fields change with columns of changes of the unknowns, [columns, m]: [n, fields, m]."""
        parts = self._by_piece(changes[self._system.extra :])
        fields = changes.new_zeros(self.count, self._system.fields, changes.shape[1])
        for number, rows, columns in self._pieces:
            fields[rows] += (columns @ parts[number].flatten(1)).unflatten(1, fields.shape[1:])
        return fields if self._factors is None else fields * self._factors[:, :, None]

    def back(self, fields: Tensor) -> Tensor:
        """The transpose, [n, fields, m] to [columns, m]."""
        if self._factors is not None:
            fields = fields * self._factors[:, :, None]
        unknowns = fields.new_zeros(self._system.columns, fields.shape[2])
        parts = self._by_piece(unknowns[self._system.extra :])
        for number, rows, columns in self._pieces:
            parts[number] += (columns.mT @ fields[rows].flatten(1)).unflatten(1, fields.shape[1:])
        return unknowns

    def _by_piece(self, readout: Tensor) -> Tensor:
        """A view of readouts [fields * features, m]: [pieces, features of a piece, fields, m]."""
        pieces = self._system.patches if isinstance(self._system, PatchworkSystem) else 1
        return readout.view(pieces, -1, self._system.fields, readout.shape[1])


def _own(system: PatchworkSystem, points: Tensor, pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Where the domain has parts, of each piece the points that lie in its part."""
    members, owner = system.model.inner.members, system.owner(points)
    for number, rows, columns in pieces:
        if owner is None:
            yield number, rows, columns
        else:
            inside = owner[rows] == members[number].part
            yield number, rows[inside], columns[inside]
