"""Equations are split into what is linear with constant coefficients and the rest, and their sum is the equations."""

import math

import pytest
import torch

from gmnm_pde import Initial, Periodic, Problem, Rectangle, Time, diff, laplacian
from gmnm_pde.evolution.reading import read
from gmnm_pde.evolution.space.galerkin import Galerkin
from gmnm_pde.evolution.space.splitting import Split, constant_slopes
from gmnm_pde.linalg.gmres import gmres
from gmnm_pde.models.modes import Cells, Product, Waves

TORUS = Rectangle(x=(0, 2 * math.pi), y=(0, 1)) * Time(t=(0, 1))


def stated(equations):
    conditions = [Periodic("x"), Periodic("y"), Initial(u=lambda x, y: torch.sin(x), v=0)]
    return read(Problem(domain=TORUS, equations=equations, conditions=conditions))


def coupled(u, v, x, y, t):
    return {
        "u": diff(u, t) + 2 * diff(u, x) - 3 * laplacian(u) + u * diff(v, x) + diff(v, y) - torch.cos(t) * x,
        "v": (2 + torch.sin(x)) * diff(v, t) - diff(u, x) - diff(v, y, y) + v**2,
    }


def test_slopes_that_are_constant_are_found():
    statements = stated(coupled)
    constant = constant_slopes(statements)
    assert constant["u", 0, (1, 0, 0)] == 2.0
    assert constant["u", 0, (2, 0, 0)] == -3.0
    assert ("v", 1, (0, 0, 1)) not in constant  # varies in space
    assert ("u", 1, (1, 0, 0)) not in constant  # varies with u
    assert ("v", 1, (0, 0, 0)) not in constant


def test_both_parts_together_are_the_equations():
    statements = stated(coupled)
    basis = Product([Waves(b, 5) for b in statements.bounds])
    generator = torch.Generator().manual_seed(0)
    jets = [0.1 * torch.randn(2, 2, basis.count, generator=generator, dtype=torch.float64) for _ in range(2)]
    times = torch.tensor([0.2, 0.7], dtype=torch.float64)
    whole = Galerkin(statements, basis).residual(times, jets)
    split = Split(statements, basis)
    torch.testing.assert_close(split.residual(times, jets).flatten(1), whole, rtol=0, atol=1e-11)
    torch.testing.assert_close(split.linearized(times, jets)[0].flatten(1), whole, rtol=0, atol=1e-11)


def test_a_coefficient_that_probes_took_for_constant_is_seen_at_the_points():
    """A bump so narrow that it lies between the probes, but not between the points of the quadrature."""

    def bumped(u, v, x, y, t):
        bump = torch.exp(-(((x - 3.1) / 0.05) ** 2) - ((y - 0.52) / 0.02) ** 2)
        coefficient = torch.where(bump > 1e-3, 1 + bump, torch.ones_like(bump))
        return {"u": diff(u, t) - coefficient * laplacian(u), "v": diff(v, t) + v}

    statements = stated(bumped)
    assert ("u", 0, (2, 0, 0)) in constant_slopes(statements)
    basis = Product([Waves(b, 20) for b in statements.bounds])
    generator = torch.Generator().manual_seed(0)
    jets = [torch.randn(1, 2, basis.count, generator=generator, dtype=torch.float64) for _ in range(2)]
    times = torch.tensor([0.2], dtype=torch.float64)
    split = Split(statements, basis)
    found = split.linearized(times, jets)[0].flatten(1)
    assert ("u", 0, (2, 0, 0)) not in split.constants
    whole = Galerkin(statements, basis).residual(times, jets)
    assert (found - whole).norm() < 1e-12 * whole.norm()


@pytest.mark.parametrize("orders", [(1, 0), (2, 0), (3, 1), (0, 4), (1, 2)])
def test_derivatives_of_expansions(orders):
    basis = Product([Waves((0.0, 3.0), 4), Cells((0.0, 0.5, 2.0), 6, 2)])
    vector = torch.randn(3, basis.count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    want = vector @ basis.derivative(orders).mT
    torch.testing.assert_close(basis.differentiated(vector, orders), want, rtol=1e-10, atol=1e-8)


def test_gmres_solves_what_is_regular_and_says_what_is_left():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.eye(40, dtype=torch.float64) + 0.1 * torch.randn(40, 40, generator=generator, dtype=torch.float64)
    right = torch.randn(40, generator=generator, dtype=torch.float64)
    solved = gmres(lambda v: matrix @ v, right, tolerance=1e-10, most=40)
    assert (matrix @ solved.solution - right).norm() <= 1.01e-10 * right.norm()
    few = gmres(lambda v: matrix @ v, right, tolerance=1e-10, most=3)
    left = (matrix @ few.solution - right).norm() / right.norm()
    assert few.products == 3 and few.left == pytest.approx(left.item(), rel=1e-6)
