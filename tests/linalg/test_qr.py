"""Least squares by QR of blocks of rows, against dense solves and pseudo-inverses."""

import pytest
import torch

from gmnm_pde.linalg.qr import RidgeSolver, linear_fit, reduce, truncated_solutions


def system(rows=60, columns=12, seed=0, decay=0.0):
    generator = torch.Generator().manual_seed(seed)
    A = torch.randn(rows, columns, dtype=torch.float64, generator=generator)
    scales = torch.exp(-decay * torch.arange(columns, dtype=torch.float64))
    return A * scales, torch.randn(rows, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("pieces", [1, 4, 60])
def test_rows_in_pieces_give_the_least_squares_solution(pieces, monkeypatch):
    monkeypatch.setattr("gmnm_pde.linalg.qr._BLOCK_BYTES", 1)
    A, b = system()
    triangle = reduce(zip(A.chunk(pieces), b.chunk(pieces), strict=True), 12)
    expected = torch.linalg.lstsq(A, b[:, None]).solution[:, 0]
    torch.testing.assert_close(RidgeSolver(triangle).solution(), expected, rtol=1e-10, atol=1e-12)
    assert triangle.misfit == pytest.approx((A @ expected - b).norm().item(), rel=1e-10)


@pytest.mark.parametrize("k", [1, 5, 12])
def test_leading_columns_are_solved_for_a_back_substitution(k):
    A, b = system()
    solution = RidgeSolver(reduce([(A, b)], 12)).leading(k)
    torch.testing.assert_close(solution[:k], torch.linalg.lstsq(A[:, :k], b[:, None]).solution[:, 0])
    assert not solution[k:].any()


def test_fewer_rows_than_columns_and_empty_columns_are_survived():
    A, b = system(rows=5)
    A[:, 3] = 0
    solution = RidgeSolver(reduce([(A, b)], 12)).solution()
    assert torch.isfinite(solution).all()
    torch.testing.assert_close(A @ solution, b, rtol=1e-6, atol=1e-6)


def test_the_ridge_bounds_coefficients_of_a_singular_system():
    A, _ = system(columns=6)
    A = torch.cat([A, A + 1e-17 * torch.randn_like(A)], dim=1)
    right = A[:, :6] @ torch.ones(6, dtype=torch.float64)
    solution = RidgeSolver(reduce([(A, right)], 12)).solution()
    assert solution.abs().max() < 10
    torch.testing.assert_close(A @ solution, right, rtol=1e-12, atol=1e-12)


def test_truncated_solutions_have_the_least_norm():
    A, b = system(columns=6)
    A = torch.cat([A, A], dim=1)
    (solution,) = truncated_solutions(reduce([(A, b)], 12), [1e-10])
    expected = torch.linalg.pinv(A, rtol=1e-10) @ b
    torch.testing.assert_close(solution, expected, rtol=1e-8, atol=1e-10)


def test_linear_fit_takes_several_right_sides():
    A, _ = system()
    weights = torch.randn(12, 3, dtype=torch.float64)
    torch.testing.assert_close(linear_fit(A, A @ weights), weights, rtol=1e-9, atol=1e-10)
