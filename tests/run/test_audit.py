"""Answers that are not converged whatever their estimates say: contradictions, and approximators that cannot."""

import math

import pytest
import torch
from torch import nn

from gmnm_pde import Dirichlet, Initial, Interval, Mixture, Neumann, Problem, Rectangle, Time, diff, laplacian, solve
from gmnm_pde.methods import Adam

LINE = Interval(x=(0, 1))
SQUARE = Rectangle(x=(0, 1), y=(0, 1))
LEFT, RIGHT = LINE.face(x=0), LINE.face(x=1)
CONTRADICTIONS = {
    "slope": lambda: Problem(LINE, lambda u: diff(u, "x") - 1, [Dirichlet(u=0, on=LEFT), Dirichlet(u=2, on=RIGHT)]),
    "three": lambda: Problem(
        LINE, lambda u: diff(u, "x", "x"), [Dirichlet(u=0, on=LEFT), Dirichlet(u=1, on=RIGHT), Neumann(u=0, on=RIGHT)]
    ),
    "both": lambda: Problem(SQUARE, lambda u: laplacian(u) + 1, [Dirichlet(u=0), Neumann(u=0)]),
    "no source": lambda: Problem(LINE, lambda u: diff(u, "x", "x") - 1, [Dirichlet(u=0), Neumann(u=0)]),
}


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
@pytest.mark.parametrize("name", CONTRADICTIONS)
@pytest.mark.parametrize("tol", [None, pytest.param(1e-2, marks=pytest.mark.slow)])
def test_conditions_that_contradict_are_not_solved(name, tol):
    report = solve(CONTRADICTIONS[name](), tol=tol, time_limit=1).report
    assert not report.converged
    assert "of its terms" in report.reason


def test_sums_of_functions_of_one_coordinate_cannot_show_a_product():
    domain = LINE * Time(t=(0, 0.5))
    start = Initial(u=lambda x: torch.sin(math.pi * x))
    heat = Problem(domain, lambda u: diff(u, "t") - 0.1 * diff(u, "x", "x"), [Dirichlet(u=0), start])
    report = solve(heat, Mixture(components=60, active=1), tol=1e-2).report
    assert report.status == "unsolved"
    assert "equation" in report.reason


def test_a_training_that_merely_ended_is_not_converged():
    poisson = Problem(SQUARE, lambda u: laplacian(u) + 1, [Dirichlet(u=0)])
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    report = solve(poisson, net, Adam(steps=3)).report
    assert not report.converged
    assert report.status == "unsolved"


def test_a_constant_answer_with_no_flux_is_solved():
    """No flux beside a constant is met to rounding: a residual as large as its own term, which is nothing."""
    problem = Problem(LINE, lambda u: diff(u, "x", "x"), [Dirichlet(u=5, on=LEFT), Neumann(u=0, on=RIGHT)])
    report = solve(problem).report
    assert report.converged, report.reason
