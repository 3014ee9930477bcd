"""What is narrow in the state: reactions, windows, tables and jumps that a step might pass by, and sliding."""

import math

import pytest
import torch

from gmnm_pde import Initial, Interval, Neumann, Problem, Time, diff, solve, solve_many, table


def passing(rate, end=1.0):
    """A field z = t, and one that is used up at a rate that depends on z."""
    return Problem(
        Time(t=(0, end)),
        lambda z, c, t: (diff(z, t) - 1, diff(c, t) + rate(z) * c),
        [Initial(z=0, c=1)],
    )


def met(solution, value, tol, **at):
    """Whether a solution says that it met its tolerance, and did."""
    error = abs(float(solution(**at)["c"]) - value)
    return solution.report.converged and error <= max(tol, 4 * solution.report.estimates["c"]) * abs(value)


@pytest.mark.parametrize("width", [1e-1, 1e-2, 1e-3, 1e-4])
def test_reactions_in_a_narrow_range(width):
    size = 1 / (width * math.sqrt(math.pi))
    solution = solve(passing(lambda z: size * torch.exp(-(((z - 0.4371) / width) ** 2))), tol=1e-6)
    passed = (math.erf(0.5629 / width) + math.erf(0.4371 / width)) / 2
    assert met(solution, math.exp(-passed), 1e-6, t=1.0)


@pytest.mark.parametrize("width", [1e-1, 1e-3, 1e-5])
def test_windows_of_any_width(width):
    rate = lambda z: torch.where((z > 0.4371) & (z < 0.4371 + width), 1 / width, 0.0)  # noqa: E731
    assert met(solve(passing(rate), tol=1e-6), math.exp(-1), 1e-6, t=1.0)


def test_a_window_of_a_product_that_is_reached_late():
    late = Problem(
        Time(t=(0, 10)),
        lambda a, b, c, t: (
            diff(a, t) - 1,
            diff(b, t) - 1,
            diff(c, t) - torch.where(torch.abs(a * b - 30) < 0.01, 1.0, 0.0),
        ),
        [Initial(a=0, b=1, c=0)],
    )
    first, last = ((math.sqrt(1 + 4 * own) - 1) / 2 for own in (29.99, 30.01))
    assert met(solve(late, tol=1e-6), last - first, 1e-6, t=10.0)


def test_a_window_that_is_passed_again_and_again():
    again = Problem(
        Time(t=(0, 4)),
        lambda z, c, t: (diff(z, t) - 1, diff(c, t) - torch.where(torch.remainder(z, 1.0) < 0.002, 500.0, 0.0)),
        [Initial(z=0.5, c=0)],
    )
    assert met(solve(again, tol=1e-6), 4.0, 1e-6, t=4.0)


def test_a_peak_of_a_table_of_the_state():
    peak = table([0, 36.0, 36.1, 36.2, 100], [0, 0, 50.0, 0, 0])
    problem = Problem(Time(t=(0, 100)), lambda z, c, t: (diff(z, t) - 1, diff(c, t) - peak(z)), [Initial(z=0, c=0)])
    assert met(solve(problem, tol=1e-7), 5.0, 1e-7, t=100.0)


def test_a_jump_in_the_state_is_met_to_many_digits():
    jump = Problem(Time(t=(0, 5)), lambda u, t: diff(u, t) - torch.where(u < 1, 2.0, 0.5), [Initial(u=0)])
    solution = solve(jump, tol=1e-8)
    assert solution.report.converged and abs(solution(t=5.0) - 3.25) < 1e-9


def test_members_that_pass_at_different_times():
    burning = Problem(
        Time(t=(0, 1)),
        lambda z, c, t: (diff(z, t) - 1, diff(c, t) + 1e2 * torch.exp(-(((z - 1) / 0.01) ** 2)) * c),
        [Initial(z=0, c=1)],
    )
    many = solve_many(burning, initial={"z": [0.2, 0.51, 0.77]}, tol=1e-6)
    assert many.converged and many(1.0)["c"] == pytest.approx([math.exp(-math.sqrt(math.pi))] * 3, rel=1e-5)


def test_a_rod_that_burns_in_a_narrow_range():
    rod = Problem(
        Interval(x=(0, 1)) * Time(t=(0, 1)),
        lambda u, c, x, t: (
            diff(u, t) - diff(u, x, x) - 1,
            diff(c, t) - 0.01 * diff(c, x, x) + 1e3 * torch.exp(-(((u - 0.618) / 0.001) ** 2)) * c,
        ),
        [Neumann(u=0, c=0), Initial(u=0, c=1)],
    )
    assert met(solve(rod, tol=1e-4), math.exp(-math.sqrt(math.pi)), 1e-4, x=0.5, t=1.0)


def test_sliding_is_named():
    slide = Problem(Time(t=(0, 2)), lambda u, t: diff(u, t) - torch.where(u > 0.3 * t, -1.0, 2.0), [Initial(u=1)])
    report = solve(slide, tol=1e-6).report
    assert not report.converged
    assert "u' jumps between -1 and 2" in report.reason and "slides along the jump" in report.reason


def test_what_jumps_to_and_fro_does_not_slide():
    period = 4 * math.sqrt(2)
    relay = Problem(
        Time(t=(0, 3 * period)),
        lambda u, c, t: (diff(u, t) - c, diff(c, t) + torch.sign(u)),
        [Initial(u=1, c=0)],
    )
    solution = solve(relay, tol=1e-6)
    assert solution.report.converged and abs(solution(t=3 * period)["u"] - 1) < 1e-6
