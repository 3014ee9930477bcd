"""The slopes of the equations at one state: what steps are solved with."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

_SAME = 1e-10
"""Lengths of steps that differ by no more than this part are one."""


class Factor(Protocol):
    """A matrix in factors."""

    def solve(self, right: Tensor) -> Tensor:
        """The solution for a right side, [M]."""
        ...


class Slopes(Protocol):
    """The slopes J_j of the residual by the j-th derivatives of the state by time."""

    def apply(self, order: int, vector: Tensor) -> Tensor:
        """J_order times a state, [M]."""
        ...

    def factorised(self, rate: complex) -> Factor:
        """The factors of sum_j rate^j J_j."""
        ...


class DenseSlopes:
    """Slopes as whole matrices, [M, M] each."""

    def __init__(self, matrices: Sequence[Tensor]):
        self.matrices = matrices

    def apply(self, order: int, vector: Tensor) -> Tensor:
        return self.matrices[order] @ vector

    def factorised(self, rate: complex) -> "DenseFactor":
        return DenseFactor(sum(rate**j * own for j, own in enumerate(self.matrices)))  # type: ignore[arg-type]


class DenseFactor:
    """The LU factors of a whole matrix."""

    def __init__(self, matrix: Tensor):
        self._factors = torch.linalg.lu_factor_ex(matrix)[:2]

    def solve(self, right: Tensor) -> Tensor:
        return torch.linalg.lu_solve(*self._factors, right[:, None])[:, 0]


class Factorised:
    """Slopes with the factors of the stages of a method for the last length of step."""

    def __init__(self, slopes: Slopes):
        self.slopes = slopes
        self._known: dict[int, tuple[float, list[Factor]]] = {}

    def stages(self, shifts: Sequence[complex], length: float) -> list[Factor]:
        """The factors for the shifts of a method, the first of them real."""
        known = self._known.get(len(shifts))
        if known is None or abs(length / known[0] - 1) > _SAME:
            rates = [shift.real / length if k == 0 else shift / length for k, shift in enumerate(shifts)]
            known = self._known[len(shifts)] = (length, [self.slopes.factorised(rate) for rate in rates])
        return known[1]
