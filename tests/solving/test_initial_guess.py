"""Newton's method from what is given, and models that go on."""

import math

import pytest
import torch
from scipy.optimize import brentq

import gmnm_pde as g

PI = math.pi
ROD = g.Interval(x=(0, 1))
SMALL = {"points": 60, "seed": 0}


def bratu(c=1.0):
    return g.Problem(ROD, lambda u, x, c: g.diff(u, x, x) + c * torch.exp(u), [g.Dirichlet(u=0)], constants={"c": c})


def exact_middle(low, high):
    """Bratu's problem has two solutions, 2 log(cosh(s / 4)) in the middle, s = sqrt(2) cosh(s / 4)."""
    s = brentq(lambda s: s - math.sqrt(2) * math.cosh(s / 4), low, high)
    return 2 * math.log(math.cosh(s / 4))


@pytest.fixture(scope="module")
def upper():
    return g.solve(bratu(), initial_guess=lambda x: 4 * torch.sin(PI * x))


def test_each_of_two_solutions_is_found(upper):
    assert upper.report.converged and upper(0.5) == pytest.approx(exact_middle(8, 12), rel=1e-9)
    assert g.solve(bratu())(0.5) == pytest.approx(exact_middle(1, 3), rel=1e-9)


def test_a_solution_begins_another_solve(upper):
    near = g.solve(bratu(1.05), initial_guess=upper)
    assert near.report.converged and near(0.5) > 3.5
    again = g.solve(bratu(), initial_guess={"u": upper})
    assert again(0.5) == pytest.approx(upper(0.5), rel=1e-9)


def linear():
    return g.Problem(ROD, lambda u, x: g.diff(u, x, x) + 1, [g.Dirichlet(u=0)])


BAD = {
    "a linear problem": (lambda u: g.solve(linear(), initial_guess=u), "a nonlinear problem"),
    "a word": (lambda u: g.solve(bratu(), initial_guess="u"), "a solution, a function"),
    "a network": (lambda u: g.solve(bratu(), g.MLP([1, 5, 1]), initial_guess=u), "goes on from what it is"),
    "hard": (lambda u: g.solve(bratu(), initial_guess=u, hard=True), "got hard= too"),
    "a checkpoint": (lambda u: g.solve(bratu(), initial_guess=u, checkpoint="c"), "got checkpoint= too"),
    "an unknown field": (lambda u: g.solve(bratu(), initial_guess={"v": 1}), "fields among u"),
    "another coordinate": (lambda u: g.solve(bratu(), initial_guess=lambda y: y), "asks for 'y'"),
    "NaN": (lambda u: g.solve(bratu(), initial_guess=lambda x: math.nan), "finite values"),
    "too many": (lambda u: g.solve(bratu(), initial_guess=lambda x: torch.ones(3)), "one number for each point"),
}


@pytest.mark.parametrize("name", BAD)
def test_guesses_that_cannot_be(upper, name):
    ask, words = BAD[name]
    with pytest.raises(g.GmnmError, match=words):
        ask(upper)


def test_models_of_solutions_are_not_scaled_twice():
    problem = g.Problem(
        g.Interval(x=(0, 3)), lambda u, x: g.diff(u, x, x) + torch.sin(x), [g.Dirichlet(u=lambda x: torch.sin(x))],
        exact=lambda x: torch.sin(x),
    )  # fmt: skip
    solution = g.solve(problem, g.Mixture(components=30, widths=1.0))
    assert g.solve(problem, solution.model)(1.0) == solution(1.0)
    torch.manual_seed(0)
    trained = g.solve(problem, g.MLP([1, 10, 1]), g.Adam(60))
    before = {name: value.clone() for name, value in trained.model.state_dict().items()}
    further = g.solve(problem, trained.model, g.Adam(60))
    assert further.history["loss"][-1] < trained.history["loss"][-1]
    assert all(torch.equal(value, before[name]) for name, value in trained.model.state_dict().items())
    met = g.solve(problem, g.Mixture(components=30, widths=1.0), hard=True)
    assert g.solve(problem, met.model, hard=True).report.relative_l2 < 1e-6
    with pytest.raises(g.GmnmError, match="in the same bounds"):
        g.solve(linear(), solution.model)


def test_an_orbit_and_its_period_from_a_guess():
    """Van der Pol's oscillator with mu = 1, whose period is 6.66328686; zero solves it, too, whatever the period."""
    turn = g.Interval(s=(0, 1))
    problem = g.Problem(
        turn,
        lambda u, s, P: g.diff(u, s, s) / P**2 - (1 - u**2) * g.diff(u, s) / P + u,
        [g.Periodic("s"), g.Condition(lambda u, s: g.diff(u, s), on=turn.face(s=0))],
        parameters={"P": 6.5},
    )
    with pytest.raises(g.GmnmError, match="eigenvalue problem"):
        g.solve(problem, tol=1e-5)
    solution = g.solve(problem, tol=1e-5, initial_guess=lambda s: 2 * torch.cos(2 * torch.pi * s))
    assert solution.report.converged
    assert solution.parameters["P"] == pytest.approx(6.66328686, rel=1e-7)


def test_a_mode_from_a_guess_is_not_one_answer():
    problem = g.Problem(
        g.Interval(x=(0, 1)), lambda u, k: g.laplacian(u) + k * u, [g.Dirichlet(u=0)], parameters={"k": 9.0}
    )
    assert g.solve(problem, tol=1e-6, initial_guess=lambda x: x * (1 - x)).report.status == "not_unique"
