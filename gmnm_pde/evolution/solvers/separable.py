"""Operators with constant coefficients in a box, and their inverses: line by line.

Of each equation only the part on its own field is taken, and of that the derivatives along one coordinate at a time:
such an operator is a sum of operators on lines. With the conditions of the lines eliminated these are diagonalised.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from gmnm_pde.evolution.sides import SeparableGalerkin
from gmnm_pde.evolution.splitting import Entry
from gmnm_pde.models.modes import applied

_WORST = 1e6
"""Operators on a line whose eigenvectors are worse conditioned are left out."""

_ROUNDING = 1e-9
"""The asymmetry that is rounding, relative to the matrix."""


class Separable:
    """The slopes' constant parts of a system in a box, as far as they are sums of operators on lines.

    Args:
        system: The equations.
        numbers: The slopes.

    Attributes:
        numbers: Those that are taken.
    """

    def __init__(self, system: SeparableGalerkin, numbers: Mapping[Entry, float]):
        self.system, self.basis = system, system.basis
        self.numbers: dict[Entry, float] = {}
        statements, dimension = system.statements, len(system.basis.lines)
        self._shifts = torch.zeros(statements.order + 1, system.fields, dtype=torch.float64)
        matrices = [[torch.zeros(n, n, dtype=torch.float64) for n in self.basis.shape] for _ in range(system.fields)]
        along: list[list[list[Entry]]] = [[[] for _ in range(dimension)] for _ in range(system.fields)]
        for entry, factor in numbers.items():
            name, field, alpha = entry
            orders, in_time = statements.split(alpha)
            axes = [k for k, order in enumerate(orders) if order]
            if not factor or statements.tested[name] != field or len(axes) > 1:
                continue
            if not axes:
                self._shifts[in_time, field] += factor
                self.numbers[entry] = factor
            elif not in_time and not orders[axes[0]] % 2:
                matrices[field][axes[0]] += factor * self.basis.along(axes[0], orders[axes[0]])
                along[field][axes[0]].append(entry)
        self._turns: list[list[tuple[Tensor, Tensor]]] = []
        self._values: list[Tensor] = []
        for field in range(system.fields):
            turns, values = [], torch.zeros((), dtype=torch.float64)
            for k in range(dimension):
                line = system.lines[field][k]
                inside = torch.eye(self.basis.shape[k], dtype=torch.float64) if line is None else line.inside
                found = _diagonal(inside.mT @ matrices[field][k] @ inside)
                if found is None:
                    found = (torch.eye(inside.shape[1], dtype=torch.float64),) * 2 + (torch.zeros(inside.shape[1]),)
                else:
                    self.numbers |= {entry: numbers[entry] for entry in along[field][k]}
                right, left, own = found
                turns.append((inside @ right, left @ inside.mT))
                values = values[..., None] + own.double()
            self._turns.append(turns)
            self._values.append(values)
        self._singles = [[(r.float(), own.float()) for r, own in turns] for turns in self._turns]
        self._inverses: dict[tuple[complex, bool], list[Tensor]] = {}

    def forget(self) -> None:
        """The inverses of other rates than those to come."""
        self._inverses.clear()

    def _inverse(self, rate: complex, *, single: bool) -> list[Tensor]:
        """By field, of the eigenvalues with the derivatives by time replaced by powers of a rate, [*modes]."""
        if (rate, single) not in self._inverses:
            inverses = []
            for field, values in enumerate(self._values):
                shift = sum(rate**j * own for j, own in enumerate(self._shifts[:, field].tolist()))
                own = 1 / (values + shift)
                inverses.append(own.to(torch.complex64 if own.is_complex() else torch.float32) if single else own)
            self._inverses[rate, single] = inverses
        return self._inverses[rate, single]

    def solved(self, rate: complex, right: Tensor) -> Tensor:
        """The inverse, applied to one right-hand side [M], conditions on sides included."""
        single = right.dtype in (torch.float32, torch.complex64)
        shaped = right.unflatten(-1, (self.system.fields, *self.basis.shape))
        held = right - self.system.without_conditions(right)
        inside = right
        if bool(held.any()):
            inside = right - self._applied(rate, held)
            shaped = inside.unflatten(-1, (self.system.fields, *self.basis.shape))
        parts = []
        for field, inverse in enumerate(self._inverse(rate, single=single)):
            turns = (self._singles if single else self._turns)[field]
            own = shaped[field]
            for k, (_, left) in enumerate(turns):
                own = applied(left, own, k - len(turns))
            own = own * inverse
            for k, (back, _) in enumerate(turns):
                own = applied(back, own, k - len(turns))
            parts.append(own)
        return torch.stack(parts).flatten() + held

    def _applied(self, rate: complex, vector: Tensor) -> Tensor:
        """The operator, applied to a vector [M]."""
        shaped = vector.unflatten(-1, (self.system.fields, self.basis.count))
        total = torch.zeros_like(shaped)
        for (_, field, alpha), factor in self.numbers.items():
            orders, in_time = self.system.statements.split(alpha)
            total[field] += factor * rate**in_time * self.basis.differentiated(shaped[field], orders)
        return total.flatten()

    def multiplied(self, order: int, vector: Tensor) -> Tensor:
        """The product of the slope by a derivative in time and a vector [M]."""
        shaped = vector.unflatten(-1, (self.system.fields, self.basis.count))
        total = torch.zeros_like(shaped)
        for (_, field, alpha), factor in self.numbers.items():
            orders, in_time = self.system.statements.split(alpha)
            if in_time == order:
                total[field] += factor * self.basis.differentiated(shaped[field], orders)
        inside = self.system.without_conditions(total.flatten())
        return inside if order else inside + vector - self.system.without_conditions(vector)


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
