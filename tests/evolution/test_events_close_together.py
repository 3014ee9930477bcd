"""Events of which several lie within one step."""

import math

import pytest
import torch

from gmnm_pde import Event, GmnmError, Initial, Interval, Neumann, Problem, Time, diff, mean, solve


def clock(end, event, start=0.0):
    """A field u = start + t, and one that counts."""
    return Problem(
        Time(t=(0, end)), lambda u, w, t: (diff(u, t) - 1, diff(w, t)), [Initial(u=start, w=0)], events=[event]
    )


def test_all_zeros_of_an_event():
    solution = solve(clock(10.05, Event(lambda u: torch.sin(20 * torch.pi * u), name="s"), start=0.01), tol=1e-8)
    expected = [k / 20 - 0.01 for k in range(1, 202)]
    assert solution.report.converged and solution.report.events["s"] == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("apart", [0.01, 1e-4])
def test_a_pair_that_is_close_together(apart):
    event = Event(lambda u: (u - 30) * (u - 30 - apart), direction=-1, change={"w": lambda w: w + 1}, name="passed")
    solution = solve(clock(100, event), tol=1e-8)
    assert solution.report.converged and abs(solution(t=100.0)["w"] - 1) < 1e-12
    assert solution.report.events["passed"] == pytest.approx([30.0], abs=1e-9)


def test_a_function_that_comes_near_to_zero_has_none():
    solution = solve(clock(100, Event(lambda u: (u - 30) ** 2 + 1e-6, name="near")), tol=1e-8)
    assert solution.report.converged and not solution.report.events.get("near")


def test_the_first_of_several_changes_the_state():
    event = Event(lambda u: torch.sin(torch.pi * u), direction=-1, change={"u": lambda u: u - 1}, name="back")
    solution = solve(clock(10, event, start=0.5), tol=1e-8)
    assert solution.report.events["back"] == pytest.approx([0.5 + k for k in range(10)], abs=1e-10)
    assert abs(solution(t=10.0)["u"] - 0.5) < 1e-10


def test_more_zeros_than_can_be_told_apart():
    with pytest.raises(GmnmError, match="'noise' has more zeros within a step than can be told apart"):
        solve(clock(100, Event(lambda u: torch.sin(1e6 * u), name="noise")), tol=1e-6)


def test_crossings_of_a_mean():
    rod = Problem(
        Interval(x=(0, 1)) * Time(t=(0, 1)),
        lambda u, x, t: diff(u, t) - diff(u, x, x) - 1,
        [Neumann(u=0), Initial(u=0)],
        events=[Event(lambda u: torch.sin(40 * math.pi * (mean(u) + 0.01)), name="mean")],
    )
    report = solve(rod, tol=1e-6).report
    assert report.converged
    assert report.events["mean"] == pytest.approx([k / 40 - 0.01 for k in range(1, 41)], abs=1e-8)
