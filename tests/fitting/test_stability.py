"""Stability constants and what is free, on problems whose constants are known or can be foretold."""

import math

import pytest
import torch

from gmnm_pde import (
    Dirichlet,
    Initial,
    Interval,
    Mixture,
    Neumann,
    Observations,
    Problem,
    Rectangle,
    Time,
    diff,
    laplacian,
    solve,
)
from gmnm_pde.fitting.discretization import Setup, reference_scales
from gmnm_pde.fitting.estimate import estimate_error
from gmnm_pde.fitting.fit import fit
from gmnm_pde.fitting.stability import stability_of
from gmnm_pde.methods import LeastSquares
from gmnm_pde.residuals import FieldMap
from gmnm_pde.run.evaluation import evaluation_points

LINE = Interval(x=(0, 1))
SQUARE = Rectangle(x=(0, 1), y=(0, 1))


def oscillator(k, ends=(0, 1), source=lambda x: torch.exp(x)):
    """u'' + k u = source, with u = 0 at some ends."""
    conditions = [Dirichlet(u=0, on=LINE.face(x=end), name=f"at {end}") for end in ends]
    return Problem(LINE, lambda u, x: diff(u, x, x) + k * u - source(x), conditions)


def fitted(problem, components=80):
    scales = reference_scales(problem, {}, 0)
    kind = {"dtype": torch.float64, "device": torch.device("cpu"), "engine": "auto"}
    setup = Setup(problem, Mixture(), LeastSquares(), None, scales, {}, 0, **kind)
    return fit(setup, components, (1.5,) * problem.domain.dimension), evaluation_points(problem, 1000, 0)


def constant(problem, components=80):
    one, points = fitted(problem, components)
    return stability_of(one, FieldMap(one.system, points), torch.ones(len(problem.fields), dtype=torch.float64)).overall


def test_well_posed_problems_have_constants_of_about_one():
    assert 0.1 < constant(oscillator(0.0)) < 10


@pytest.mark.parametrize("distance", [1.0, 1e-2, 1e-4])
def test_the_constant_is_one_over_the_distance_from_resonance(distance):
    scale = constant(oscillator(math.pi**2 - 1.0))
    assert constant(oscillator(math.pi**2 - distance)) == pytest.approx(scale / distance, rel=0.2)


def test_estimates_grow_towards_resonance():
    def error(distance):
        one, points = fitted(oscillator(math.pi**2 - distance))
        return estimate_error(one, points).overall

    assert error(1e-6) > 1e3 * error(1.0)


PI = math.pi
HEAT = LINE * Time(t=(0, 0.5))
WALLS = Dirichlet(u=0, on=HEAT.face(x=0) | HEAT.face(x=1))
SINE = Initial(u=lambda x: torch.sin(PI * x))
MANY = {
    "an affine function": lambda: oscillator(0.0, ends=(0,)),
    "near x=0.5": lambda: oscillator(PI**2, source=lambda x: torch.sin(2 * PI * x)),
    "in u that is largest": lambda: Problem(LINE, lambda u: diff(u, "x", "x", "x", "x") - 1, [Dirichlet(u=0)]),
    "any constant": lambda: Problem(SQUARE, lambda u, x: laplacian(u) - (2 * x - 1), [Neumann(u=0)]),
    "together with a field in v": lambda: Problem(
        LINE,
        {"a": lambda u, v: diff(u, "x") - v, "b": lambda u, v: diff(v, "x") + u},
        [Dirichlet(u=0, on=LINE.face(x=0))],
    ),
    "t=": lambda: Problem(HEAT, lambda u: diff(u, "t") - 0.1 * diff(u, "x", "x"), [WALLS]),
}


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
@pytest.mark.parametrize("free", MANY)
def test_a_problem_with_many_answers_says_what_is_free(free):
    report = solve(MANY[free](), tol=1e-6).report
    assert not report.converged
    assert report.status == "not_unique"
    assert free in report.reason


ONE = {
    "heat": (HEAT, [WALLS, SINE], lambda x, t: torch.exp(-0.1 * PI**2 * t) * torch.sin(PI * x), 1e-8),
    "heat backward in time": (
        HEAT,
        [WALLS, Dirichlet(u=lambda x, t: math.exp(-0.05 * PI**2) * torch.sin(PI * x), on=HEAT.face(t=0.5))],
        lambda x, t: torch.exp(-0.1 * PI**2 * t) * torch.sin(PI * x),
        1e-4,
    ),
}


@pytest.mark.parametrize("name", ONE)
def test_one_answer_is_found_and_no_other_is_suspected(name):
    domain, conditions, exact, tol = ONE[name]
    problem = Problem(domain, lambda u: diff(u, "t") - 0.1 * diff(u, "x", "x"), conditions, exact=exact)
    report = solve(problem, tol=tol).report
    assert report.converged
    assert report.relative_l2 < 10 * report.error_estimate


def test_the_zero_function_is_an_answer_where_it_is_the_only_one():
    assert solve(oscillator(0.0, source=lambda x: 0 * x)).report.converged


@pytest.mark.parametrize(
    ("names", "told"), [(("a",), "unknown parameter 'a'"), (("a", "b"), "combination of the unknown parameters a, b")]
)
def test_parameters_that_nothing_determines_are_named(names, told):
    """The one changes the equation by less than rounding; of two the sum alone is known."""
    x = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)

    def alone(u, x, a):
        return diff(u, x, x) + 1e-14 * a + math.pi**2 * torch.sin(math.pi * x)

    def both(u, x, a, b):
        return diff(u, x, x) + (a + b) * math.pi**2 * torch.sin(math.pi * x)

    data = Observations(x[:, None], u=torch.sin(math.pi * x))
    equation = alone if len(names) == 1 else both
    problem = Problem(LINE, equation, [Dirichlet(u=0), data], parameters=dict.fromkeys(names, 0.4))
    report = solve(problem, tol=1e-6).report
    assert report.status == "not_unique" and told in report.reason
