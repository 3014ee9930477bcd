"""What is left of a field that has left the space, or decayed: steps follow what decays, and not what errors leave."""

import math

import pytest
import torch

from gmnm_pde import Condition, Dirichlet, Initial, Interval, Problem, Time, diff, solve


@pytest.mark.slow
def test_a_pulse_that_leaves_through_absorbing_sides():
    line = Interval(x=(-1, 1)) * Time(t=(0, 1))
    problem = Problem(
        line,
        lambda u, x, t: diff(u, t, t) - 4 * diff(u, x, x),
        [
            Initial(u=lambda x: torch.exp(-60 * (x - 0.2) ** 2)),
            Initial(order=1, u=0),
            Condition(lambda u, x, t: diff(u, t) + 2 * diff(u, x), on=line.face(x=1)),
            Condition(lambda u, x, t: diff(u, t) - 2 * diff(u, x), on=line.face(x=-1)),
        ],
    )
    solution = solve(problem, tol=1e-6)
    report = solution.report
    assert report.converged and report.unknowns < 600
    x = torch.linspace(-1, 1, 201, dtype=torch.float64)
    gone = solution(x=x, t=torch.full_like(x, 0.95))
    assert gone.abs().max() < 1e-5


def test_what_decays_as_a_whole_is_as_accurate_as_before():
    problem = Problem(
        Interval(x=(0, 1)) * Time(t=(0, 2)),
        lambda u, x, t: diff(u, t) - diff(u, x, x),
        [Dirichlet(u=0), Initial(u=lambda x: torch.sin(math.pi * x))],
    )
    solution = solve(problem, tol=1e-6)
    x = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    for t in (1.0, 1.5, 2.0):
        right = torch.sin(math.pi * x) * math.exp(-(math.pi**2) * t)
        assert (solution(x=x, t=torch.full_like(x, t)) - right).norm() < 1e-6 * right.norm()


@pytest.mark.slow
def test_a_march_is_returned_where_what_was_done_instead_is_worse():
    def spread(x, t):
        return (t + 1) ** (-1 / 3) * torch.clamp(1 - x * x / 12 / (t + 1) ** (2 / 3), min=0)

    problem = Problem(
        Interval(x=(-6, 6)) * Time(t=(0, 3)),
        lambda u, x, t: diff(u, t) - diff(u * u, x, x),
        [Dirichlet(u=0), Initial(u=lambda x: spread(x, 0 * x))],
        exact=spread,
    )
    report = solve(problem, tol=1e-3, time_limit=15).report
    assert report.method.startswith("evolution") and not report.converged
    assert report.relative_l2 < report.error_estimate < 0.03
