"""Differential-algebraic problems: their index, their beginning, and what is said of both."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from gmnm_pde import Condition, Initial, NumericalWarning, Problem, Time, diff, solve
from gmnm_pde.evolution.ordinary.index import lowered
from gmnm_pde.evolution.reading import read


def pendulum(end=1.5):
    return Problem(
        Time(t=(0, end)),
        lambda x, y, l, t: (diff(x, t, t) + l * x, diff(y, t, t) + l * y + 9.81, x**2 + y**2 - 1),  # noqa: E741
        [Initial(x=1, y=0), Initial(x=0, order=1), Initial(y=0, order=1)],
        fields=("x", "y", "l"),
    )


def algebraic(**initial):
    equations = lambda u, w, t: (diff(u, t) + w, w - u**2)  # noqa: E731
    return Problem(Time(t=(0, 3)), equations, [Initial(u=1), *(Initial(**{k: v}) for k, v in initial.items())])


def test_index_three_is_lowered():
    found = lowered(read(pendulum()))
    assert found.index == 3 and found.differentiated == ("equation_3",)
    assert [len(own.trace.names) for own in found.constraints.equations] == [1, 1]


def test_a_pendulum_of_index_three():
    solution = solve(pendulum(), tol=1e-6)
    times = np.linspace(0.1, 1.5, 20)
    angle = solve_ivp(
        lambda t, q: [q[1], -9.81 * math.cos(q[0])], (0, 1.5), [0, 0], rtol=1e-12, atol=1e-12, t_eval=times
    )
    found = solution(t=torch.tensor(times))
    assert solution.report.converged and "index 3" in solution.report.reason
    assert np.abs(found["y"].numpy() - np.sin(angle.y[0])).max() < 1e-6
    assert np.abs(found["l"].numpy() - angle.y[1] ** 2 + 9.81 * np.sin(angle.y[0])).max() < 1e-4


def test_index_two_and_a_hidden_one():
    T = Time(t=(0, 3))
    forced = Problem(T, lambda u, z, t: (diff(u, t) - z, u - torch.sin(t)), [Initial(u=0)])
    assert abs(solve(forced, tol=1e-6)(t=2.0)["z"] - math.cos(2.0)) < 1e-6
    coupled = Problem(T, lambda u, v, t: (diff(u, t) + diff(v, t) + u, u - v - torch.sin(t)), [Initial(u=1)])
    solution = solve(coupled, tol=1e-6)
    values = solution(t=2.0)
    assert solution.report.converged and abs(values["u"] - values["v"] - math.sin(2.0)) < 1e-6


def test_an_algebraic_field_needs_no_initial_value():
    solution = solve(algebraic(), tol=1e-6)
    assert solution.report.converged and abs(solution(t=0.0)["w"] - 1) < 1e-6
    assert abs(solution(t=3.0)["w"] - 1 / 16) < 1e-6


def test_a_contradiction_at_the_beginning_is_warned_of():
    with pytest.warns(NumericalWarning, match="w = 5 contradicts the equations, which ask for 1"):
        solution = solve(algebraic(w=5), tol=1e-6)
    assert solution.report.converged and abs(solution(t=3.0)["w"] - 1 / 16) < 1e-6


def test_two_ways_to_go_on_are_said():
    T = Time(t=(0, 0.9))
    with pytest.warns(NumericalWarning, match="2 ways to go on"):
        rising = solve(Problem(T, lambda u, t: diff(u, t) ** 2 - u, [Initial(u=0.25)]), tol=1e-6)
    guess = Initial(u=-0.5, order=1)
    falling = solve(Problem(T, lambda u, t: diff(u, t) ** 2 - u, [Initial(u=0.25), guess]), tol=1e-6)
    assert abs(rising(t=0.9) - 0.95**2) < 1e-6 and "2 ways" in rising.report.reason
    assert abs(falling(t=0.9) - 0.05**2) < 1e-6 and falling.report.converged


def test_initial_conditions_may_bind_fields_to_each_other():
    T = Time(t=(0, 1))
    sums = [Condition(lambda u, v: u + v - 3, on=T.face(t=0)), Condition(lambda u, v: u - v - 1, on=T.face(t=0))]
    solution = solve(Problem(T, lambda u, v, t: (diff(u, t) + u, diff(v, t) + v), sums), tol=1e-6)
    assert abs(solution(t=1.0)["u"] - 2 * math.exp(-1)) < 1e-6
