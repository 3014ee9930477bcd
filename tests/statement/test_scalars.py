"""Unknown parameters with bounds."""

import math

import pytest
import torch

import gmnm_pde as g

ROD = g.Interval(x=(0, 1))
RATE = math.sqrt(400.0)


def velocity(x):
    return 1 - torch.cosh(RATE * (x - 0.5)) / math.cosh(RATE / 2)


def porous(permeability):
    """Flow through a porous channel, Brinkman's equation: 1/K has no sense at zero and below."""
    points = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)
    return g.Problem(
        ROD,
        lambda u, K: -2.5e-3 * g.laplacian(u) + 1e-3 * u / K - 1,
        [g.Dirichlet(u=0), g.Observations(points[:, None], u=velocity(points))],
        parameters={"K": permeability},
    )


@pytest.mark.parametrize("guess", [g.Positive(1.0), g.Bounded(0.1, 1e-5, 10.0)], ids=["positive", "bounded"])
def test_newton_keeps_to_the_bounds_and_finds_what_is_between(guess):
    solution = g.solve(porous(guess), g.Mixture(components=40, widths=4.0))
    assert abs(solution.parameters["K"] - 1e-3) < 1e-6


def test_a_bound_that_excludes_the_answer_is_not_crossed_and_not_converged():
    solution = g.solve(porous(g.Bounded(0.5, 0.1, 1.0)), g.Mixture(components=40, widths=4.0))
    assert 0.1 < solution.parameters["K"] < 1 and not solution.report.converged


def test_bounds_stay_with_the_problem():
    problem = g.Problem(
        ROD,
        lambda u, k, c: g.laplacian(u) + c * k,
        [g.Dirichlet(u=0)],
        parameters={"k": g.Positive(2)},
        constants={"c": 1.0},
    )
    assert problem.parameters == {"k": 2.0} and not problem.linear
    assert problem.with_constants(c=2.0).limits == {"k": (0.0, math.inf)}


REFUSED = {
    "a guess beyond": lambda: g.Positive(-1.0),
    "bounds that are turned": lambda: g.Bounded(1, 3, 2),
    "no number": lambda: g.Bounded("a"),
    "training": lambda: g.solve(porous(g.Positive(1.0)), "mlp"),
    "a list": lambda: g.Problem(ROD, lambda u: g.laplacian(u), [g.Dirichlet(u=0)], parameters=["k"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bounds_that_cannot_be(name):
    with pytest.raises(g.GmnmError):
        REFUSED[name]()
