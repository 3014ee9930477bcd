"""What residuals do to eigenvalues, against eigenvalues of changed matrices."""

import pytest
import torch

from gmnm_pde.linalg.pencil import Pencil, Pieces
from gmnm_pde.linalg.pencil_functionals import functionals

CENTER = torch.zeros(1, 2)


def pencil(values):
    """A tall pencil A + mu B with these values of -mu, and its two pieces of rows."""
    generator = torch.Generator().manual_seed(0)
    n = len(values)
    B = torch.randn(3 * n, n, generator=generator, dtype=torch.float64)
    turn = torch.randn(n, n, generator=generator, dtype=torch.float64)
    A = B @ turn @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ torch.linalg.inv(turn)
    return A, B, torch.randn(3 * n, n, generator=generator, dtype=torch.float64)


def in_pieces(matrix):
    return Pieces([((0,), matrix[:20]), ((0,), matrix[20:])], [matrix.shape[1]])


CASES = [(1, 2, 3, 4, 6, 8, 9, 12), (1, 3, 3, 4, 6, 8, 9, 12), tuple(10 + k / 2 for k in range(40))]


@pytest.mark.parametrize("values", CASES, ids=["simple", "double", "close"])
def test_first_order_changes_of_values(values):
    A, B, change = pencil(values)
    A_pieces, B_pieces = in_pieces(A), in_pieces(B)
    modes = Pencil(A_pieces, B_pieces, CENTER).modes(4)
    found, vectors = modes.values.real, modes.vectors.real
    left = functionals(A_pieces, B_pieces, CENTER, found, vectors, 1e-4)
    small = 1e-6
    changed = Pencil(in_pieces(A + small * change), B_pieces, CENTER).modes(4).values.real
    shifts = -(left * (small * change @ vectors)).sum(dim=0)
    pairs = [k for k in range(4) if abs(found[k] + 3) > 0.5 or values[2] != 3]
    assert (changed - found)[pairs].tolist() == pytest.approx(shifts[pairs].tolist(), rel=1e-3)
    twins = [k for k in range(4) if k not in pairs]
    assert (changed - found)[twins].sum().item() == pytest.approx(shifts[twins].sum().item(), rel=1e-3, abs=1e-12)
    assert len(pairs) >= 2


def test_the_transpose_of_pieces():
    matrices = [torch.randn(5, 4, dtype=torch.float64), torch.randn(3, 6, dtype=torch.float64)]
    pieces = Pieces([((0, 2), matrices[0]), ((1, 2), matrices[1])], [1, 3, 3])
    dense = pieces @ torch.eye(7, dtype=torch.float64)
    rows = torch.randn(8, 2, dtype=torch.float64)
    assert torch.allclose(pieces.transposed(rows), dense.mT @ rows)
