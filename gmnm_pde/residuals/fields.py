"""The fields at points as a linear map of the unknowns, and its transpose."""

import torch
from torch import Tensor

from gmnm_pde.residuals.patchwork import PatchworkSystem
from gmnm_pde.residuals.readout import ReadoutSystem


class FieldMap:
    """How the fields at points [n, d] change with the unknowns: [columns, m] to [n * fields, m], times ``weights``.

    Args:
        system: Whose unknowns these are.
        points: Where the fields are evaluated.
        weights: What each value is multiplied by, [n, fields].
    """

    def __init__(self, system: ReadoutSystem, points: Tensor, weights: Tensor):
        self._system, self._weights = system, weights[:, :, None]
        points, lift = points.to(system.like), system.problem.lift
        if lift is not None:
            self._weights = self._weights * lift.functions(points)[0][:, :, None]
        if isinstance(system, PatchworkSystem):
            unit = {(0,) * points.shape[1]: 1.0}
            self._pieces = [(number, rows, columns) for number, rows, columns in system.model.pieces(points, unit)]
        else:
            self._pieces = [(0, torch.arange(len(points), device=points.device), system.model.features(points))]

    def forth(self, unknowns: Tensor) -> Tensor:
        """The weighted fields of columns of unknowns, [columns, m] to [n * fields, m]."""
        parts = self._by_piece(unknowns[self._system.extra :])
        values = unknowns.new_zeros(*self._weights.shape[:2], unknowns.shape[1])
        for number, rows, columns in self._pieces:
            values[rows] += torch.einsum("nk,kfm->nfm", columns, parts[number])
        return (values * self._weights).flatten(0, 1)

    def back(self, values: Tensor) -> Tensor:
        """The transpose, [n * fields, m] to [columns, m]."""
        weighted = values.unflatten(0, self._weights.shape[:2]) * self._weights
        unknowns = values.new_zeros(self._system.columns, values.shape[1])
        parts = self._by_piece(unknowns[self._system.extra :])
        for number, rows, columns in self._pieces:
            parts[number] += torch.einsum("nk,nfm->kfm", columns, weighted[rows])
        return unknowns

    def _by_piece(self, readout: Tensor) -> Tensor:
        """A view of readouts [fields * features, m]: [pieces, features of a piece, fields, m]."""
        pieces = self._system.patches if isinstance(self._system, PatchworkSystem) else 1
        return readout.view(pieces, -1, self._system.fields, readout.shape[1])
