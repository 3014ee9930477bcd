"""Steady nonlinear problems that Newton's method does not reach from zero: thin layers, steep laws, degenerate ones."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.adaptivity.boxes.continuation import BoxContinuation
from gmnm_pde.boxes.bent import Bent
from gmnm_pde.boxes.reading import read
from gmnm_pde.fitting.data_start import referenced
from gmnm_pde.methods.monitor import Monitor


class Unlimited(Monitor):
    """A run without limits."""

    def worked(self, seconds):
        """Nothing is counted."""


LINE = g.Interval(x=(0, 1))
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))


def steep(width):
    """(k(u) u')' = 0 with k from 0.1 to 1.9; x as a function of u is Kirchhoff's transform of it."""

    def conductivity(u):
        return 1 + 0.9 * torch.tanh((u - 0.5) / width)

    return g.Problem(LINE, lambda u, x: g.diff(conductivity(u) * g.diff(u, x), x), [g.Dirichlet(u=lambda x: x)])


def kirchhoff_error(solution, width):
    """The relative L2 error of a solution, from where the exact one has given values."""
    u = torch.linspace(0, 1, 2001, dtype=torch.float64)
    of = (torch.cosh((u - 0.5) / width).log() - math.log(math.cosh(0.5 / width))) * width
    x = (u + 0.9 * of) / (u + 0.9 * of)[-1]
    weights = torch.gradient(x)[0]
    found = torch.as_tensor(solution(x=x))
    return ((weights @ (found - u).square()) / (weights @ u.square())).sqrt().item()


def layer(eps):
    """Half of a layer of Allen and Cahn, at a side."""
    return g.Problem(
        LINE,
        lambda u, x: eps**2 * g.diff(u, x, x) + u - u**3,
        [g.Dirichlet(u=lambda x: torch.tanh(x / (math.sqrt(2) * eps)))],
        exact=lambda x: torch.tanh(x / (math.sqrt(2) * eps)),
    )


def p_laplace(p, domain):
    """The p-Laplacian of exp(x + y / 2), whose gradient is nowhere zero."""
    slope = torch.tensor([1.0, 0.5][: domain.dimension], dtype=torch.float64)
    size = slope.norm().item()

    def exact(*at):
        return torch.exp(sum(c * x for c, x in zip(slope.tolist(), at, strict=True)))

    def equation(u, *at):
        strength = sum(g.diff(u, x) ** 2 for x in at) ** ((p - 2) / 2)
        flux = sum(g.diff(strength * g.diff(u, x), x) for x in at)
        return flux - (p - 1) * size**p * exact(*at) ** (p - 1)

    if domain.dimension == 1:
        return g.Problem(
            domain, lambda u, x: equation(u, x), [g.Dirichlet(u=lambda x: exact(x))], exact=lambda x: exact(x)
        )
    return g.Problem(
        domain,
        lambda u, x, y: equation(u, x, y),
        [g.Dirichlet(u=lambda x, y: exact(x, y))],
        exact=lambda x, y: exact(x, y),
    )


@pytest.mark.parametrize("domain", [LINE, SQUARE], ids=["line", "square"])
@pytest.mark.parametrize("p", [1.5, 3, 4])
def test_p_laplacians_that_have_no_diffusion_at_zero_are_solved(p, domain):
    report = g.solve(p_laplace(p, domain), tol=1e-6).report
    assert report.converged and report.relative_l2 < 1e-6


@pytest.mark.parametrize("tol", [pytest.param(0.1, marks=pytest.mark.slow), 0.02])
def test_a_rough_solution_of_a_steep_law_is_not_taken_for_a_good_one(tol):
    solution = g.solve(steep(0.05), method=g.Boxes(), tol=tol)
    assert kirchhoff_error(solution, 0.05) < max(1.5 * solution.report.error_estimate, 1e-12)
    assert solution.report.converged


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.03, 0.02])
def test_a_steep_law_is_solved_by_way_of_more_diffusion(width):
    solution = g.solve(steep(width), tol=1e-6)
    assert solution.report.converged and "more diffusion" in solution.report.reason
    assert kirchhoff_error(solution, width) < 1e-6


@pytest.mark.slow
def test_a_thin_layer_is_reached_from_a_thick_one():
    problem = layer(0.01)
    reached = BoxContinuation(read(problem), seed=0).reached(Unlimited())
    assert reached is not None and reached.boost == 1.0
    x = torch.linspace(0, 1, 1001, dtype=torch.float64)
    wrong = reached.fit.outputs(x[:, None])[:, 0] - problem.exact(x)
    assert wrong.abs().max() < 1e-5


@pytest.mark.slow
def test_thin_layers_are_solved_unasked():
    report = g.solve(layer(0.005), tol=1e-6).report
    assert report.converged and report.relative_l2 < 1e-6


@pytest.mark.parametrize(
    ("bend", "factor"), [(0.0, 1.0), (0.2, (1 - 0.2**0.5) / 0.4), (2.0, 16.0), (math.inf, math.inf)]
)
def test_errors_grow_with_what_is_not_linear_within_them(bend, factor):
    at, ones = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.ones(1, dtype=torch.float64)

    def residual(unknowns):  # at a distance of 1 what is not linear is ``bend``
        moved = unknowns - at
        return moved + (bend * moved.square() if bend else 0.0)

    direction = torch.tensor([0.0, 2.0], dtype=torch.float64)
    found = Bent(residual, at).factor(direction, 2 * ones, ones, stability=1.0)
    assert found == pytest.approx(factor, rel=1e-9)


@pytest.mark.parametrize(("kept", "rises"), [(1e-300, True), (1e-30, True), (1e-2, False)])
def test_diffusion_that_a_tiny_number_keeps_from_zero_begins_at_fields_that_rise(kept, rises):
    def p_laplace(u, x, y):
        p, q = g.diff(u, x), g.diff(u, y)
        size = torch.sqrt(p * p + q * q + kept)
        return g.div(p * size, q * size) + 1

    problem = g.Problem(g.Disk((0, 0), 1), p_laplace, [g.Dirichlet(u=0)])
    assert any(referenced(problem, seed=0).tilt) == rises
