"""Conditions on sides that are told by predicates, with and without a tolerance."""

import math

import pytest
import torch

import gmnm_pde as g

TRIANGLE = g.Polygon([(0, 0), (1, 0), (0, 1)])
TRAPEZOID = g.Polygon([(0, 0), (1, 0), (1, 1), (-1, 1)])


def exact(x, y):
    return x**2 - y**2


SLANTED = {
    "triangle": (TRIANGLE, lambda x, y: x + y - 1, lambda x, y: (2 * x - 2 * y) / math.sqrt(2)),
    "trapezoid": (TRAPEZOID, lambda x, y: x + y, lambda x, y: (-2 * x + 2 * y) / math.sqrt(2)),
}


@pytest.mark.parametrize(("shape", "tolerance"), [("triangle", 1e-12), ("triangle", 1e-7), ("trapezoid", 1e-9)])
def test_the_ends_of_other_sides_do_not_count(shape, tolerance):
    domain, level, slope = SLANTED[shape]
    slanted = domain.boundary.where(lambda x, y: abs(level(x, y)) < tolerance)
    others = domain.boundary.where(lambda x, y: abs(level(x, y)) >= tolerance)
    conditions = [g.Neumann(u=slope, on=slanted), g.Dirichlet(u=exact, on=others)]
    solution = g.solve(g.Problem(domain, lambda u: g.laplacian(u), conditions), method=g.Boxes(), tol=1e-4)
    x, y = domain.interior.sample(500).points.unbind(1)
    assert solution.report.error_estimate < 1e-11
    assert (solution(x, y) - exact(x, y)).abs().max() < 1e-12


def test_a_triangle_is_more_than_one_box():
    problem = g.Problem(TRIANGLE, lambda u: g.laplacian(u), [g.Dirichlet(u=exact)])
    assert g.solve(problem, method=g.Boxes(), tol=1e-8).report.converged


@pytest.mark.slow
def test_a_value_and_a_slope_at_an_obtuse_corner():
    def root(x, y):  # of the power 2/3, flat on the slanted side
        return (x**2 + y**2) ** (1 / 3) * torch.sin(2 / 3 * torch.atan2(y, x))

    slanted = TRAPEZOID.boundary.where(lambda x, y: abs(x + y) < 1e-9)
    others = TRAPEZOID.boundary.where(lambda x, y: abs(x + y) >= 1e-9)
    conditions = [g.Neumann(u=0, on=slanted), g.Dirichlet(u=root, on=others)]
    solution = g.solve(g.Problem(TRAPEZOID, lambda u: g.laplacian(u), conditions), tol=1e-6)
    x, y = TRAPEZOID.interior.sample(2000).points.unbind(1)
    error = (solution(x, y) - root(x, y)).norm() / root(x, y).norm()
    assert solution.report.converged and error < 1e-7
