"""Where solutions are singular because one kind of condition gives way to another."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.scrutiny.singular_points import singular_points

HALF = g.Rectangle(x=(-1, 1), y=(0, 1))
OTHER_SIDES = HALF.face(x=-1) | HALF.face(x=1) | HALF.face(y=1)
GROUND = HALF.face(y=0)


def laplace(domain, *conditions):
    return g.Problem(domain, lambda u: g.laplacian(u), conditions)


def root(x, y, at=0.0):
    """The square root of the distance times a cosine: zero on one side of ``at`` on the ground, flat on the other."""
    z = torch.complex(x - at, y)
    return z.abs().sqrt() * torch.cos(z.angle() / 2)


@pytest.mark.parametrize("at", [0.0, 0.137, 1 / 3])
def test_a_change_within_a_side(at):
    problem = laplace(
        HALF,
        g.Dirichlet(u=0, on=OTHER_SIDES),
        g.Dirichlet(u=0, on=GROUND.where(lambda x: x < at)),
        g.Neumann(u=0, on=GROUND.where(lambda x: x > at)),
    )
    found = singular_points(problem)
    assert found.shape == (1, 2)
    assert found[0].tolist() == pytest.approx([at, 0.0], abs=1e-14)


def test_both_ends_of_an_electrode():
    problem = laplace(
        HALF,
        g.Dirichlet(u=0, on=OTHER_SIDES),
        g.Dirichlet(u=1, on=GROUND.where(lambda x: abs(x) < 0.5)),
        g.Neumann(u=0, on=GROUND.where(lambda x: abs(x) > 0.5)),
    )
    assert singular_points(problem).tolist() == [[-0.5, 0.0], [0.5, 0.0]]


def test_none_where_values_are_given_on_both_sides_or_at_right_angles():
    problem = laplace(
        HALF,
        g.Neumann(u=0, on=OTHER_SIDES),
        g.Dirichlet(u=0, on=GROUND.where(lambda x: x < 0)),
        g.Dirichlet(u=lambda x: x, on=GROUND.where(lambda x: x >= 0)),
    )
    assert not len(singular_points(problem))


def test_an_obtuse_corner_between_a_value_and_a_slope():
    domain = g.Polygon([(0, 0), (1, 0), (1, 1), (-1, 1)])
    slanted = domain.boundary.where(lambda x, y: abs(x + y) < 1e-9)
    rest = domain.boundary.where(lambda x, y: abs(x + y) >= 1e-9)
    assert singular_points(laplace(domain, g.Neumann(u=0, on=slanted), g.Dirichlet(u=0, on=rest))).tolist() == [[0, 0]]
    assert not len(singular_points(laplace(domain, g.Dirichlet(u=1, on=slanted), g.Dirichlet(u=0, on=rest))))


def test_on_a_circle():
    disk = g.Disk((0, 0), 1)
    upper, lower = disk.boundary.where(lambda y: y > 0), disk.boundary.where(lambda y: y <= 0)
    found = singular_points(laplace(disk, g.Dirichlet(u=0, on=upper), g.Neumann(u=1, on=lower)))
    assert found.abs().round(decimals=12).tolist() == [[1.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("at", [0.0, pytest.param(0.137, marks=pytest.mark.slow)])
def test_the_solution_is_graded_towards_it(at):
    def exact(x, y):
        return root(x, y, at)

    problem = laplace(
        HALF,
        g.Dirichlet(u=exact, on=OTHER_SIDES),
        g.Dirichlet(u=0, on=GROUND.where(lambda x: x < at)),
        g.Robin(1.0, 1.0, u=lambda x: torch.sqrt((x - at).clamp_min(0)), on=GROUND.where(lambda x: x > at)),
    )
    solution = g.solve(problem, method=g.Boxes(), tol=1e-4)
    assert solution.report.converged
    x, y = HALF.interior.sample(2000).points.unbind(1)
    error = (solution(x, y) - exact(x, y)).norm() / exact(x, y).norm()
    assert error < solution.report.error_estimate <= 1e-4


def test_a_smooth_solution_is_one_mixture_all_the_same():
    def exact(x, y):
        return x**2 - y**2 + torch.exp(x) * torch.sin(y)

    problem = laplace(
        HALF,
        g.Dirichlet(u=exact, on=OTHER_SIDES),
        g.Dirichlet(u=exact, on=GROUND.where(lambda x: x < 0.3)),
        g.Neumann(u=lambda x: -torch.exp(x), on=GROUND.where(lambda x: x > 0.3)),
    )
    report = g.solve(problem, tol=1e-8).report
    assert report.converged and "boxes" not in report.reason


def test_a_right_angle_where_a_side_is_cut_is_not_singular():
    assert not len(singular_points(g.registry.load("plate_with_hole")))


def test_an_obtuse_corner_where_a_side_is_cut():
    hole = g.Disk(center=(0, -0.2), radius=0.5)
    problem = laplace(HALF - hole, g.Dirichlet(u=0, on=OTHER_SIDES | GROUND), g.Neumann(u=0, on=hole.boundary))
    found = singular_points(problem)
    assert found.shape == (2, 2)
    assert sorted(found[:, 0].tolist()) == pytest.approx([-(0.21**0.5), 0.21**0.5], abs=2e-7)
    assert not found[:, 1].any()
