"""Conditions are counted along the boundary: pieces without one are found, however smooth the answer is."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.scrutiny.posed.boundary import wrong_counts

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
TOP = SQUARE.face(y=1)
OTHERS = SQUARE.face(x=0) | SQUARE.face(x=1) | SQUARE.face(y=0)


def poisson(*conditions, domain=SQUARE, equation=lambda u: g.laplacian(u) + 1):
    return g.Problem(domain, equation, conditions)


def test_a_gap_in_a_side_is_no_condition():
    beside = g.Dirichlet(u=0, on=TOP.where(lambda x: (x < 0.45) | (x > 0.55)))
    report = g.solve(poisson(g.Dirichlet(u=0, on=OTHERS), beside), tol=1e-3).report
    assert report.status == "not_unique" and report.error_estimate >= 1
    assert "no condition holds on the boundary near x=0." in report.reason


def test_half_of_the_conditions_of_a_plate():
    plate = poisson(g.Dirichlet(u=0), equation=lambda u: g.biharmonic(u) - 1)
    assert g.solve(plate, tol=1e-2).report.status == "not_unique"
    clamped = poisson(g.Dirichlet(u=0), g.Neumann(u=0), equation=lambda u: g.biharmonic(u) - 1)
    assert wrong_counts(clamped) == (None, None)


def test_an_arc_of_a_disk():
    disk = g.Disk(center=(0, 0), radius=1)
    few, many = wrong_counts(poisson(g.Dirichlet(u=0, on=disk.boundary.where(lambda x: x < 0.95)), domain=disk))
    assert few is not None and few.place[0] > 0.95 and many is None
    assert wrong_counts(poisson(g.Dirichlet(u=0), domain=disk)) == (None, None)


def test_cauchy_data_are_told():
    below = SQUARE.face(y=0)
    sides = g.Dirichlet(u=0, on=SQUARE.face(x=0) | SQUARE.face(x=1))
    given = g.Dirichlet(u=lambda x: torch.sin(torch.pi * x), on=below)
    problem = poisson(given, g.Neumann(u=0, on=below), sides, equation=g.laplacian)
    few, many = wrong_counts(problem)
    assert few is not None and few.given == 0 and many is not None and many.given >= 2
    assert "ill-posed" in g.solve(problem, tol=1e-3).report.reason


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
def test_what_takes_no_condition_is_left_alone():
    """A wave in a plane, an axis, transport, conditions that mix, and periodic sides."""
    both = [g.Dirichlet(u=0, on=SQUARE.face(x=0) | SQUARE.face(x=1)), g.Dirichlet(u=0, on=SQUARE.face(y=0))]
    wave = poisson(
        *both, g.Neumann(u=1, on=SQUARE.face(y=0)), equation=lambda u, x, y: g.diff(u, y, y) - g.diff(u, x, x)
    )
    axis = poisson(
        g.Dirichlet(u=0, on=TOP | SQUARE.face(y=0) | SQUARE.face(x=1)),
        equation=lambda u, x, y: x * (g.diff(u, x, x) + g.diff(u, y, y)) + g.diff(u, x) + x,
    )
    transport = poisson(g.Dirichlet(u=0, on=SQUARE.face(x=0)), equation=lambda u, x, y: g.diff(u, x) + g.diff(u, y) - 1)
    mixed = poisson(g.Dirichlet(u=0, on=OTHERS), g.Neumann(u=0, on=TOP))
    ring = poisson(g.Periodic("x"), g.Dirichlet(u=0, on=TOP | SQUARE.face(y=0)))
    for problem in (wave, axis, transport, mixed, ring):
        assert wrong_counts(problem)[0] is None


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
@pytest.mark.parametrize("sides", [("x=0", "x=1"), ("x=0",)])
def test_heat_whose_time_is_a_coordinate_needs_nothing_at_its_end(sides):
    value = lambda x, y: torch.exp(-y) * torch.sin(x)  # noqa: E731
    faces = {"x=0": SQUARE.face(x=0), "x=1": SQUARE.face(x=1)}
    conditions = [g.Dirichlet(u=value, on=SQUARE.face(y=0)), *(g.Dirichlet(u=value, on=faces[side]) for side in sides)]
    heat = g.Problem(SQUARE, lambda u, x, y: g.diff(u, y) - g.diff(u, x, x), conditions, exact={"u": value})
    report = g.solve(heat, tol=1e-5).report
    assert report.converged == (len(sides) == 2)
    assert report.relative_l2 < 1e-5 if len(sides) == 2 else report.status == "not_unique"


def test_the_last_time_takes_no_condition():
    """Heat on a rectangle, the second coordinate of which is its time."""
    given = g.Dirichlet(u=lambda x: torch.sin(torch.pi * x), on=SQUARE.face(y=0))
    sides = g.Dirichlet(u=0, on=SQUARE.face(x=0) | SQUARE.face(x=1))
    heat = poisson(given, sides, equation=lambda u, x, y: g.diff(u, y) - g.diff(u, x, x))
    assert wrong_counts(heat) == (None, None)
    assert g.solve(heat, tol=1e-2).report.converged
