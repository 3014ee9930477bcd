"""Problems in time with data, for which Newton's method from zero fields finds no way down."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from gmnm_pde import (
    Dirichlet,
    Initial,
    Interval,
    LeastSquares,
    Mixture,
    Observations,
    Positive,
    Problem,
    Time,
    diff,
    solve,
)
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.strategies.shooting import may_shoot, shot

TIMES = np.linspace(2, 40, 20)


def epidemic(draw=None, noise=1e-13, parameters=None, people=1.0):
    """Susceptible and infected people, beta = 0.6 and gamma = 0.2, from values of the latter."""

    def slopes(_, y):
        return [-0.6 * y[0] * y[1], 0.6 * y[0] * y[1] - 0.2 * y[1]]

    kind = {"rtol": 1e-12, "atol": 1e-14, "method": "DOP853", "t_eval": TIMES}
    values = people * solve_ivp(slopes, (0, 40), [0.99, 0.01], **kind).y[1]
    if draw is not None:
        values = values * (1 + noise * np.random.default_rng(draw).normal(size=len(values)))
    return Problem(
        Time(t=(0, 40)),
        lambda s, i, t, beta, gamma: (
            diff(s, t) + beta / people * s * i,
            diff(i, t) - beta / people * s * i + gamma * i,
        ),
        [
            Initial(s=0.99 * people, i=0.01 * people),
            Observations(torch.tensor(TIMES)[:, None], i=torch.tensor(values)),
        ],
        parameters=parameters or {"beta": 1.0, "gamma": 0.5},
    )


def setup_of(problem):
    kind = {"dtype": torch.float64, "device": torch.device("cpu"), "engine": "auto"}
    return Setup(problem, Mixture(), LeastSquares(), None, {}, {}, 0, **kind)


@pytest.mark.parametrize("bounded", [False, True])
def test_marches_alone_find_parameters(bounded):
    guesses = {"beta": Positive(1.0), "gamma": Positive(0.5)} if bounded else None
    found = shot(setup_of(epidemic(parameters=guesses)))
    assert found.theta.tolist() == pytest.approx([0.6, 0.2], rel=1e-3)
    start = found.solved_for(torch.zeros(1, 1, dtype=torch.float64))
    assert start[0].tolist() == pytest.approx([0.99, 0.01], rel=1e-6)


def test_where_no_march_is_possible_nothing_is_found():
    """Without initial values no march begins."""
    at = torch.tensor(TIMES)[:, None]
    seen = Observations(at, u=torch.exp(-at[:, 0]))
    problem = Problem(Time(t=(0, 40)), lambda u, a: diff(u, "t") + a * u, [seen], parameters={"a": 2.0})
    assert may_shoot(setup_of(problem)) and shot(setup_of(problem)) is None
    rod = Problem(Interval(x=(0, 1)), lambda u, a: diff(u, "x", "x") + a, [Dirichlet(u=0)], parameters={"a": 2.0})
    assert not may_shoot(setup_of(rod))


@pytest.mark.parametrize("draw", [0, *[pytest.param(k, marks=pytest.mark.slow) for k in range(1, 5)]])
def test_what_rounding_makes_of_data_does_not_decide(draw):
    found = solve(epidemic(draw), tol=1e-3)
    assert found.report.converged
    assert found.parameters == pytest.approx({"beta": 0.6, "gamma": 0.2}, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("draw", range(3))
def test_errors_of_data_and_fields_of_other_sizes(draw):
    found = solve(epidemic(draw, noise=1e-3, people=1000.0), tol=1e-2)
    assert found.report.converged
    assert found.parameters == pytest.approx({"beta": 0.6, "gamma": 0.2}, rel=1e-2)
