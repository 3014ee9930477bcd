"""Problems in time alone: kinks in constraints, members that jump at times of their own, no conditions, words."""

import math

import pytest
import torch

import gmnm_pde as g


def test_constraints_with_kinks():
    problem = g.Problem(
        g.Time(t=(0, 2)),
        lambda x, y, t: (g.diff(x, t) + x - y, x - 1 - torch.abs(t - 1)),
        [g.Initial(x=2)],
        fields=("x", "y"),
    )
    solution = g.solve(problem, tol=1e-6)
    assert solution.report.converged and abs(solution(t=1.5)["y"] - 2.5) < 1e-9


def test_members_that_jump_and_pulse_at_times_of_their_own():
    times = [0.25, 1.0, 1.5, 2.75]
    jump = lambda u, t, k: g.diff(u, t) - torch.where(t > k, 1.0, 0.0)  # noqa: E731
    problem = g.Problem(g.Time(t=(0, 3)), jump, [g.Initial(u=0)], constants={"k": 1.0})
    many = g.solve_many(problem, constants={"k": times}, tol=1e-6)
    assert many.converged and many(3.0).tolist() == pytest.approx([3 - own for own in times], rel=1e-8)


def test_pulses_of_time_are_seen_by_all_members():
    pulse = lambda u, t: g.diff(u, t) - torch.exp(-(((t - 2) / 1e-3) ** 2)) / 1e-3  # noqa: E731
    many = g.solve_many(g.Problem(g.Time(t=(0, 3)), pulse, [g.Initial(u=0)]), initial={"u": [0.0, 1.0]}, tol=1e-6)
    assert many.converged
    assert many(3.0).tolist() == pytest.approx([math.sqrt(math.pi), 1 + math.sqrt(math.pi)], rel=1e-5)


def test_fast_forcing_does_not_slide():
    rate = 2 * math.pi * 4096
    problem = g.Problem(
        g.Time(t=(0, 0.05)), lambda u, t: g.diff(u, t) - (1 - torch.cos(rate * t)) * t, [g.Initial(u=0)]
    )
    solution = g.solve(problem, tol=1e-6)
    exact = 0.05**2 / 2 - 0.05 * math.sin(0.05 * rate) / rate - (math.cos(0.05 * rate) - 1) / rate**2
    assert solution.report.converged and abs(solution(t=0.05) / exact - 1) < 1e-6


def test_equations_that_determine_all_need_no_conditions():
    determined = g.Problem(
        g.Time(t=(0, 1)), lambda x, y, t: (g.diff(x, t) - y, x - torch.sin(t)), [], fields=("x", "y")
    )
    solution = g.solve(determined, tol=1e-6)
    assert solution.report.converged and abs(solution(t=0.5)["y"] - math.cos(0.5)) < 1e-8
    free = g.Problem(g.Time(t=(0, 1)), lambda x, y, t: (g.diff(x, t) - y, y - x), [], fields=("x", "y"))
    with pytest.raises(g.GmnmError, match="without any condition"):
        g.solve(free, tol=1e-6)


def test_a_solution_that_was_stopped_says_when_it_ends():
    stop = g.Event(lambda u: u - 1, stop=True)
    first = g.solve(g.Problem(g.Time(t=(0, 2)), lambda u, t: g.diff(u, t) - 1, [g.Initial(u=0)], events=[stop]))
    with pytest.raises(g.GmnmError, match="t = 1, where the solution ends"):
        g.solve(g.Problem(g.Time(t=(0, 2)), lambda w, t: g.diff(w, t) - first(t), [g.Initial(w=0)]))
    with pytest.raises(g.GmnmError, match="ends at t = 1"):
        first.extended(t=3.0)


def test_ways_to_go_on_are_counted_once():
    water, acid = 1e-14, 1.8e-5
    titration = g.Problem(
        g.Time(t=(0, 1)),
        lambda h, b, t: (g.diff(b, t) - 0.2, h + b - water / h - 0.1 * acid / (acid + h)),
        [g.Initial(b=0)],
        fields=("h", "b"),
    )
    with pytest.warns(g.NumericalWarning, match="leave 2 ways"):
        g.solve(titration, tol=1e-3)


def test_what_repeats_in_time_has_a_remedy():
    with pytest.raises(g.GmnmError, match="Interval"):
        g.Problem(g.Time(t=(0, 6)), lambda u, t: g.diff(u, t) + u - torch.cos(t), [g.Periodic("t")])
