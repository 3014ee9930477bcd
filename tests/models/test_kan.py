"""Splines against the recurrence of Cox and de Boor, and the grids of Kolmogorov-Arnold networks."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.models.networks.splines import SplineGrid, spline_pieces


def spline_basis(z, knots, order):
    """All B-splines at z [...], [..., len(knots) - order - 1], by the recurrence of Cox and de Boor: the oracle."""
    z = z[..., None]
    basis = ((z >= knots[:-1]) & (z < knots[1:])).to(z)
    for k in range(1, order + 1):
        left = (z - knots[: -k - 1]) / (knots[k:-1] - knots[: -k - 1])
        right = (knots[k + 1 :] - z) / (knots[k + 1 :] - knots[1:-k])
        basis = left * basis[..., :-1] + right * basis[..., 1:]
    return basis


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_splines_sum_to_one_and_are_local(order):
    knots = -1 + 0.25 * torch.arange(-order, 9 + order, dtype=torch.float64)
    z = torch.linspace(-0.999, 0.999, 41, dtype=torch.float64)
    basis = spline_basis(z, knots, order)
    assert basis.shape == (41, 8 + order) and (basis >= 0).all()
    torch.testing.assert_close(basis.sum(-1), torch.ones_like(z))
    assert ((basis > 0).sum(-1) <= order + 1).all()
    assert not spline_basis(torch.tensor([1e3], dtype=torch.float64), knots, order).any()


def test_splines_hold_polynomials_of_their_order():
    knots = -1 + 0.25 * torch.arange(-3, 12, dtype=torch.float64)
    z = torch.linspace(-0.99, 0.99, 60, dtype=torch.float64)
    basis = spline_basis(z, knots, 3)
    cubic = (1 - 2 * z + 0.5 * z**3)[:, None]
    torch.testing.assert_close(basis @ torch.linalg.lstsq(basis, cubic).solution, cubic, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("equidistant", [True, False])
def test_splines_that_are_not_zero_are_the_oracle_s(order, equidistant):
    torch.manual_seed(order)
    grid = SplineGrid(2, 6, order, (-1.0, 1.5), equidistant=equidistant).double()
    if not equidistant:
        grid.knots = torch.rand(2, grid.intervals + 1, dtype=torch.float64).cumsum(1)
    knots = grid.all_knots()
    z = (
        knots[:, :1].mT
        + (knots[:, -1:] - knots[:, :1]).mT * torch.linspace(-0.1, 1.1, 57, dtype=torch.float64)[:, None]
    )
    found = grid.at(z, 0)
    spread = grid.spread(found.values[0], found.interval)
    for k in range(2):
        torch.testing.assert_close(spread[:, k], spline_basis(z[:, k], knots[k], order), rtol=1e-11, atol=1e-12)


def test_pieces_of_equidistant_splines():
    cubic = spline_pieces(torch.arange(8.0), 3)[0] * 6
    torch.testing.assert_close(
        cubic, torch.tensor([[1.0, -3, 3, -1], [4.0, 0, -6, 3], [1.0, 3, 3, -3], [0.0, 0, 0, 1]])
    )


@pytest.mark.parametrize("order", [2, 3, 4])
def test_a_finer_grid_keeps_the_function(order):
    torch.manual_seed(0)
    x = torch.rand(300, 2, dtype=torch.float64) * 3 - 1.5  # some beyond the grid
    coarse = g.KAN([2, 5, 4, 2], grid=4, order=order).double()
    finer = coarse.extended(12)
    assert (finer.grid, finer.equidistant, coarse.equidistant) == (12, False, True)
    assert finer.readout.shape == (2, 4 * (1 + 12 + order))
    torch.testing.assert_close(finer(x), coarse(x), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(finer.extended(24)(x), coarse(x), rtol=1e-11, atol=1e-11)
    coarse.update_grid(x, mixing=0.3)
    torch.testing.assert_close(coarse.extended(8)(x), coarse(x), rtol=1e-11, atol=1e-11)
    near = coarse.extended(30)(x) - coarse(x)  # no multiple of 4: fitted
    assert near.abs().max() < 0.02


def test_knots_follow_the_data():
    torch.manual_seed(0)
    x = torch.rand(2000, 2, dtype=torch.float64) ** 3 * 5  # crowded at 0
    kan = g.KAN([2, 6, 1], grid=20, domain=(-1, 6)).double()
    before = kan(x)
    kan.update_grid(x, mixing=0.1)
    assert not kan.equidistant
    knots = kan.grids[0].knots
    inner = knots[:, 3:-3]
    assert (knots.diff() > 0).all()
    assert (inner[:, 0] < x.amin(0)).all() and (inner[:, -1] > x.amax(0)).all()
    assert (inner[:, 10] < 0.2 * 5).all()  # half of the data lie below 5 / 8
    hidden = kan.grids[1].knots
    assert hidden.shape == (6, 27) and (hidden.diff() > 0).all()
    assert (kan(x) - before).norm() < 0.02 * before.norm()
    kan.update_grid(x, mixing=1)
    torch.testing.assert_close(
        kan.grids[0].knots[:, 4:-4].diff().std(dim=1), torch.zeros(2).double(), atol=1e-9, rtol=0
    )


def test_constant_inputs_can_be_followed():
    kan = g.KAN([1, 3, 1])
    kan.update_grid(torch.full((50, 1), 0.5))
    assert torch.isfinite(kan(torch.tensor([[0.5]]))).all()


def test_far_and_broken_inputs():
    kan = g.KAN([1, 1]).double()
    far = torch.tensor([[1e6], [-1e6]], dtype=torch.float64)
    base = kan.coefficients[0][:, :1]
    torch.testing.assert_close(kan(far), torch.nn.functional.silu(far) * base)
    assert kan(torch.tensor([[math.nan]], dtype=torch.float64)).isnan().all()
