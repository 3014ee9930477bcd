"""What of one field's equation is a sum of operators on lines, and its inverse: diagonal, line by line."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gmnm_pde.evolution.space.sides import SeparableGalerkin
from gmnm_pde.evolution.space.splitting import Entry
from gmnm_pde.models.modes import applied

_WORST = 1e6
"""Operators on a line whose eigenvectors are worse conditioned are left out."""

_ROUNDING = 1e-9
"""The asymmetry that is rounding, relative to the matrix."""


class Diagonal:
    """The derivatives along one coordinate at a time of a field in its own equation, of even orders.

    With the conditions of the lines eliminated they are diagonalised.

    Args:
        system: The equations.
        field: The number of the field.
        numbers: Slopes.

    Attributes:
        numbers: Those of them that are taken.
        turns: For each line the eigenvectors in its functions, and the functions' parts in these.
    """

    def __init__(self, system: SeparableGalerkin, field: int, numbers: Mapping[Entry, float]):
        self.numbers: dict[Entry, float] = {}
        statements, basis = system.statements, system.basis
        dimension = len(basis.lines)
        self._shifts = [0.0] * (statements.order + 1)
        matrices = [torch.zeros(n, n, dtype=torch.float64) for n in basis.shape]
        along: list[list[Entry]] = [[] for _ in range(dimension)]
        for entry, factor in numbers.items():
            name, own, alpha = entry
            orders, in_time = statements.split(alpha)
            axes = [k for k, order in enumerate(orders) if order]
            if not factor or own != field or statements.tested[name] != field or len(axes) > 1:
                continue
            if not axes:
                self._shifts[in_time] += factor
                self.numbers[entry] = factor
            elif not in_time and not orders[axes[0]] % 2:
                matrices[axes[0]] += factor * basis.along(axes[0], orders[axes[0]])
                along[axes[0]].append(entry)
        self.turns: list[tuple[Tensor, Tensor]] = []
        values = torch.zeros((), dtype=torch.float64)
        for k in range(dimension):
            line = system.lines[field][k]
            inside = torch.eye(basis.shape[k], dtype=torch.float64) if line is None else line.inside
            found = _diagonal(inside.mT @ matrices[k] @ inside)
            if found is None:
                found = (torch.eye(inside.shape[1], dtype=torch.float64),) * 2 + (torch.zeros(inside.shape[1]),)
            else:
                self.numbers |= {entry: numbers[entry] for entry in along[k]}
            right, left, own = found
            self.turns.append((inside @ right, left @ inside.mT))
            values = values[..., None] + own.double()
        self._values = values
        self._singles = [(back.float(), forth.float()) for back, forth in self.turns]
        self._inverses: dict[tuple[complex, bool], Tensor] = {}

    def forget(self) -> None:
        """The inverses of other rates than those to come."""
        self._inverses.clear()

    def inverse(self, rate: complex, *, single: bool = False) -> Tensor:
        """Of the eigenvalues with the derivatives by time replaced by powers of a rate, [*modes]."""
        if (rate, single) not in self._inverses:
            shift = sum(rate**j * own for j, own in enumerate(self._shifts))
            own = 1 / (self._values + shift)
            self._inverses[rate, single] = (
                own.to(torch.complex64 if own.is_complex() else torch.float32) if single else own
            )
        return self._inverses[rate, single]

    def solved(self, rate: complex, right: Tensor) -> Tensor:
        """The inverse, applied to what the conditions do not see of right-hand sides [..., *modes]."""
        single = right.dtype in (torch.float32, torch.complex64)
        turns, own = self._singles if single else self.turns, right
        for k, (_, forth) in enumerate(turns):
            own = applied(forth, own, k - len(turns))
        own = own * self.inverse(rate, single=single)
        for k, (back, _) in enumerate(turns):
            own = applied(back, own, k - len(turns))
        return own


def _diagonal(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor] | None:
    """T, T^-1 and the eigenvalues of a matrix, real ones; None if there are no such, or they are no good."""
    if not bool(matrix.any()):
        return None
    if bool((matrix - matrix.mT).norm() < _ROUNDING * matrix.norm()):
        values, vectors = torch.linalg.eigh((matrix + matrix.mT) / 2)
        return vectors, vectors.mT, values
    values, vectors = torch.linalg.eig(matrix)
    if bool(values.imag.any()) or not bool(torch.linalg.cond(vectors) < _WORST):
        return None
    return vectors.real, torch.linalg.inv(vectors.real), values.real
