"""Factors of a Jacobian J for many solves with (J^T J + m), for several dampings m one after another."""

from typing import Protocol

import torch
from torch import Tensor

from gmnm_pde.interruption import unbroken


class DampedFactors(Protocol):
    """(J^T J + m)^-1 in coordinates z of the step d."""

    zero: Tensor

    def damp(self, damping: float) -> bool:
        """Make ready for a damping m; False if rounding does not let it."""
        ...

    def solve(self, residual: Tensor, z: Tensor) -> Tensor:
        """(J^T J + m)^-1 (J^T r + m z) for a residual r, in the coordinates z."""
        ...

    def direction(self, z: Tensor) -> Tensor:
        """The step of the unknowns."""
        ...


class Gram:
    """By Cholesky's factors of the smaller Gram matrix: d = J^T z or d = z."""

    def __init__(self, jacobian: Tensor):
        rows, columns = jacobian.shape
        self._jacobian, self._wide, self._damping = jacobian, rows < columns, 0.0
        with unbroken(2.0 * rows * columns * min(rows, columns)):
            self._gram = jacobian @ jacobian.mT if self._wide else jacobian.mT @ jacobian
        self.zero, self._factor = torch.zeros_like(self._gram[0]), self._gram

    def damp(self, damping: float) -> bool:
        self._damping, damped = damping, self._gram.clone()
        damped.diagonal().add_(damping)
        self._factor, broke = torch.linalg.cholesky_ex(damped)
        return not broke

    def solve(self, residual: Tensor, z: Tensor) -> Tensor:
        projected = residual if self._wide else self._jacobian.mT @ residual
        return torch.cholesky_solve((projected + self._damping * z)[:, None], self._factor)[:, 0]

    def direction(self, z: Tensor) -> Tensor:
        return self._jacobian.mT @ z if self._wide else z


class SingularValues:
    """By J's singular values, which keep what its Gram matrix rounds away: d = V z."""

    def __init__(self, jacobian: Tensor):
        rows, columns = jacobian.shape
        wide, self._damping = rows < columns, 0.0
        with unbroken(20.0 * rows * columns * min(rows, columns)):
            q, r = torch.linalg.qr(jacobian.mT if wide else jacobian)
            u, self._values, vt = torch.linalg.svd(r.mT if wide else r)
            self._u, self._v = (u, q @ vt.mT) if wide else (q @ u, vt.mT)
        self.zero = torch.zeros_like(self._values)

    def damp(self, damping: float) -> bool:
        self._damping = damping
        return True

    def solve(self, residual: Tensor, z: Tensor) -> Tensor:
        projected = self._values * (self._u.mT @ residual)
        return (projected + self._damping * z) / (self._values.square() + self._damping)

    def direction(self, z: Tensor) -> Tensor:
        return self._v @ z


class StackedQR:
    """By a QR of J's triangle above sqrt(m) times the identity, anew for each damping: d = Q z or d = z."""

    def __init__(self, jacobian: Tensor):
        rows, columns = jacobian.shape
        self._wide = rows < columns
        with unbroken(4.0 * rows * columns * min(rows, columns)):
            self._q, r = torch.linalg.qr(jacobian.mT if self._wide else jacobian)
        self._core = r.mT if self._wide else r
        self._root, self._triangle = 0.0, r
        self._above, self._below = r, r
        self.zero = torch.zeros_like(r[0])

    def damp(self, damping: float) -> bool:
        count, self._root = len(self.zero), damping**0.5
        below = self._root * torch.eye(count, dtype=self._core.dtype, device=self._core.device)
        with unbroken(10.0 * count**3):
            q, self._triangle = torch.linalg.qr(torch.cat([self._core, below]))
        self._above, self._below = q[:count], q[count:]
        return bool((self._triangle.diagonal() != 0).all())

    def solve(self, residual: Tensor, z: Tensor) -> Tensor:
        own = residual if self._wide else self._q.mT @ residual
        right = self._above.mT @ own + self._below.mT @ (self._root * z)
        return torch.linalg.solve_triangular(self._triangle, right[:, None], upper=True)[:, 0]

    def direction(self, z: Tensor) -> Tensor:
        return self._q @ z if self._wide else z


def exact_factors(jacobian: Tensor) -> DampedFactors:
    """Factors that keep what a Gram matrix rounds away, the quicker ones of the device."""
    return SingularValues(jacobian) if jacobian.device.type == "cpu" else StackedQR(jacobian)
