"""Answers that are not converged whatever their estimates say: contradictions, and approximators that cannot."""

import math
import warnings

import pytest
import torch
from torch import nn

from gmnm_pde import (
    Dirichlet,
    Initial,
    Interval,
    Mixture,
    Neumann,
    NumericalWarning,
    Observations,
    Problem,
    Rectangle,
    Time,
    diff,
    laplacian,
    solve,
)
from gmnm_pde.fitting.discretization import Setup, reference_scales
from gmnm_pde.fitting.fit import fit
from gmnm_pde.fitting.inspection import left
from gmnm_pde.methods import Adam, LeastSquares

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


@pytest.mark.parametrize("name", ["slope", "three", "no source", pytest.param("both", marks=pytest.mark.slow)])
def test_contradictions_are_given_up_early(name):
    """Without a limit: boxes are not halved for ever where smooth residuals stay as they are."""
    sizes = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        report = solve(CONTRADICTIONS[name](), tol=1e-3, callback=lambda news: sizes.append(components(news))).report
    assert report.status == "unsolved"
    assert max(sizes) < (5000 if name == "both" else 700)


def components(news):
    words = news.what.split()
    return int(words[0]) if "components:" in words else 0


def test_what_a_fit_cannot_show_yet_is_not_settled():
    """Many waves and few components leave a large residual, but not a smooth one."""
    waves = Problem(SQUARE, lambda u, x: laplacian(u) + torch.sin(20 * math.pi * x), [Dirichlet(u=0)])
    assert left(fitted(waves)).relative > 0.3 and not left(fitted(waves)).settled
    assert left(fitted(CONTRADICTIONS["both"]())).settled


def fitted(problem):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        scales = reference_scales(problem, {}, 0)
    kind = {"dtype": torch.float64, "device": torch.device("cpu"), "engine": "auto"}
    setup = Setup(problem, Mixture(), LeastSquares(), None, scales, {}, 0, **kind)
    return fit(setup, 100, (1.5, 1.5))


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


def test_values_that_contradict_each_other_are_no_exact_data():
    """Two values at one place: the estimate is what they leave open, as scattered data do."""
    values = Observations([[0.5], [0.5]], u=[1.0, 1.2])
    report = solve(Problem(LINE, lambda u: diff(u, "x", "x"), [Dirichlet(u=0, on=LEFT), values]), tol=1e-6).report
    assert not report.converged and 0.01 < report.error_estimate < 1
    assert "'observed_u' are missed" in report.reason and "noise" in report.reason
