"""Damped solves by three kinds of factors of a Jacobian, against one another and against the normal equations."""

import pytest
import torch

from gmnm_pde.methods.damped_factors import Gram, SingularValues, StackedQR


def jacobian(rows, columns, decades):
    """A matrix with singular values from 1 down by so many decades."""
    torch.manual_seed(0)
    count = min(rows, columns)
    u, v = (torch.linalg.qr(torch.randn(n, count, dtype=torch.float64))[0] for n in (rows, columns))
    return u @ torch.diag(torch.logspace(0, -decades, count, dtype=torch.float64)) @ v.mT


def chords(kind, matrix, damping):
    """The step after a chord, and another one from there."""
    factors, residual = kind(matrix), torch.linspace(-1, 1, len(matrix), dtype=torch.float64)
    assert factors.damp(damping)
    z = factors.solve(residual, factors.zero)
    return factors.direction(z), factors.direction(z - factors.solve(residual / 2, z))


@pytest.mark.parametrize("shape", [(60, 40), (40, 60), (50, 50)])
class TestDampedFactors:
    @pytest.mark.parametrize("kind", [Gram, SingularValues, StackedQR])
    def test_normal_equations(self, shape, kind):
        matrix, damping = jacobian(*shape, decades=3), 1e-3
        residual = torch.linspace(-1, 1, len(matrix), dtype=torch.float64)
        damped = matrix.mT @ matrix + damping * torch.eye(shape[1], dtype=torch.float64)
        first, second = chords(kind, matrix, damping)
        torch.testing.assert_close(first, torch.linalg.solve(damped, matrix.mT @ residual), rtol=1e-9, atol=1e-9)
        right = matrix.mT @ residual / 2 + damping * first
        torch.testing.assert_close(second, first - torch.linalg.solve(damped, right), rtol=1e-9, atol=1e-9)

    def test_small_singular_values_are_kept(self, shape):
        matrix = jacobian(*shape, decades=14)
        by_values, by_qr = (chords(kind, matrix, 1e-22) for kind in (SingularValues, StackedQR))
        for one, other in zip(by_values, by_qr, strict=True):
            assert (one - other).norm() < 1e-9 * one.norm()
