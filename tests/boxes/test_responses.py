"""Boxes in space solved for given values on their faces: by normal equations, by QR, and once for equal ones."""

import box_cases as cases
import pytest
import torch

import gmnm_pde as g
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import interior
from gmnm_pde.boxes.faces import lengths_of
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.reading import read
from gmnm_pde.boxes.space import orthonormal, responses

CUBE = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))


def solved(problem, counts=(2, 2, 2), degree=6):
    statements = read(problem)
    layout, degrees = Layout.even(counts, problem.domain.bounds), Degrees.of(3, degree)
    equation = interior(problem, statements.equations, layout, degrees.inner[0], (1.0,))
    return responses.responses(layout, degrees, equation, lengths_of(layout))


def test_normal_equations_give_what_qr_gives(monkeypatch):
    (fast,) = solved(cases.cube())
    monkeypatch.setattr(orthonormal, "_LARGEST_RATIO", 0.0)
    (slow,) = solved(cases.cube())
    for name in ("inside", "given", "passed", "sources"):
        assert torch.allclose(getattr(fast, name), getattr(slow, name), rtol=1e-8, atol=1e-9)


def test_boxes_with_the_same_coefficients_share_a_factorisation():
    def equation(u, x, y, z):
        return g.laplacian(u) - torch.where(z < 0.5, 64.0, 100.0) * u - torch.sin(x)

    found = solved(g.Problem(CUBE, equation, [g.Dirichlet(u=0)]))
    assert sorted(len(own.boxes) for own in found) == [4, 4]
    assert all(len(own.inside) == 1 for own in found)
    one = solved(g.Problem(CUBE, lambda u, x: g.laplacian(u) - 64 * u - torch.sin(x), [g.Dirichlet(u=0)]))
    low = next(own for own in found if 0 in own.boxes.tolist())
    assert torch.allclose(low.passed, one[0].passed, atol=1e-12)


def test_coefficients_that_vary_much_are_left_to_qr():
    def exact(x, y, z):
        return torch.sin(x + y) * torch.exp(z)

    def a(x):
        return torch.exp(12 * x)

    def equation(u, x, y, z):
        slope = 12 * torch.cos(x + y) * torch.exp(z)
        return g.div(a(x) * g.grad(u)) - a(x) * (slope - exact(x, y, z))

    problem = g.Problem(CUBE, equation, [g.Dirichlet(u=exact)], exact=exact)
    assert g.solve(problem, method=g.Boxes(counts=2, degree=10)).report.relative_l2 < 1e-6


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_fluxes_do_not_depend_on_the_units_of_length(scale):
    domain = g.Box(x=(0, scale), y=(0, scale), z=(0, scale))
    (own,) = solved(g.Problem(domain, lambda u: g.laplacian(u) + 1, [g.Dirichlet(u=0)]))
    (unit,) = solved(g.Problem(CUBE, lambda u: g.laplacian(u) + 1, [g.Dirichlet(u=0)]))
    assert torch.allclose(own.passed, unit.passed, atol=1e-9)
