"""The largest gain after a triangular inverse, against singular values of the dense matrix."""

import pytest
import torch

from gmnm_pde.linalg.extremes import largest_gain
from gmnm_pde.linalg.fronts import Rows
from gmnm_pde.linalg.multifrontal import FrontSolver
from gmnm_pde.linalg.qr import RidgeSolver, reduce

COLUMNS = 12


def matrices(small=0.0):
    """Rows A [60, 12] and a map M [30, 12]; with ``small``, one direction of A is that small."""
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(60, COLUMNS, dtype=torch.float64, generator=generator)
    if small:
        U, S, Vh = torch.linalg.svd(A, full_matrices=False)
        A = U[:, :-1] * S[:-1] @ Vh[:-1] + small * U[:, -1:] @ Vh[-1:]
    return A, torch.randn(30, COLUMNS, dtype=torch.float64, generator=generator)


def dense(A, M):
    """The largest |M c| / |A c|."""
    return torch.linalg.svdvals(M @ torch.linalg.pinv(A, rtol=1e-14))[0].item()


def in_groups(A):
    """The same rows in three groups of columns that are coupled in pairs."""
    B = A.clone()
    B[:20, 8:], B[20:40, :4] = 0.0, 0.0
    pieces = [(slice(0, 20), (0, 1)), (slice(20, 40), (1, 2)), (slice(40, 60), (0, 1, 2))]
    columns = [torch.arange(4 * g, 4 * g + 4) for g in range(3)]
    rows = [Rows(groups, B[part][:, torch.cat([columns[g] for g in groups])], B[part, 0]) for part, groups in pieces]
    centers = torch.arange(3.0, dtype=torch.float64)[:, None]
    return B, FrontSolver(rows, (4, 4, 4), centers)


@pytest.mark.parametrize("small", [0.0, 1e-3, 1e-9])
def test_the_gain_is_the_largest_singular_value(small):
    A, M = matrices(small)
    solver = RidgeSolver(reduce([(A, A[:, 0])], COLUMNS))
    gain, c = largest_gain(solver, lambda v: M @ v, lambda v: M.mT @ v, A[0])
    expected = dense(A, M)
    assert 0.9 * expected <= gain <= 1.001 * expected
    assert (M @ c).norm() / (A @ c).norm() == pytest.approx(gain, rel=1e-3)


def test_leading_unknowns_alone():
    A, M = matrices()
    solver = RidgeSolver(reduce([(A, A[:, 0])], COLUMNS))
    gain, c = largest_gain(solver, lambda v: M @ v, lambda v: M.mT @ v, A[0], leading=5)
    assert gain == pytest.approx(dense(A[:, :5], M[:, :5]), rel=0.1)
    assert not c[5:].any()


def test_inverses_of_the_multifrontal_factor_are_those_of_its_matrix():
    B, solver = in_groups(matrices()[0])
    vectors = torch.eye(COLUMNS, dtype=torch.float64)
    inverse = solver.inverse(vectors)
    torch.testing.assert_close(inverse @ inverse.mT, torch.linalg.inv(B.mT @ B), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(solver.inverse_transposed(vectors), inverse.mT, rtol=1e-9, atol=1e-12)


def test_the_gain_of_a_multifrontal_factor():
    A, M = matrices()
    B, solver = in_groups(A)
    gain, _ = largest_gain(solver, lambda v: M @ v, lambda v: M.mT @ v, A[0])
    assert gain == pytest.approx(dense(B, M), rel=0.1)
