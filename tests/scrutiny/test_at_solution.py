"""Jumps that a solution alone tells of, and jumps within declared parts: another problem than that stated is solved."""

import pytest
import torch

from gmnm_pde import Dirichlet, Interval, Problem, diff, solve
from gmnm_pde.scrutiny import look

LINE = Interval(x=(0, 1))


def conduction(k):
    """div(k grad u) = 0 from 0 to 1."""
    return Problem(LINE, lambda u, x: diff(k(u) * diff(u, x), x), [Dirichlet(u=lambda x: x)])


@pytest.mark.parametrize(
    "k", [lambda u: torch.where(u > 0.5, 10.0, 1.0), lambda u: 1 + torch.floor(3 * u)], ids=["step", "stairs"]
)
def test_a_conductivity_that_jumps_with_the_field_is_not_converged(k):
    report = solve(conduction(k), tol=1e-6).report
    assert report.status == "unresolved" and report.error_estimate >= 1
    assert "'equation' differentiates jumps near x = " in report.reason


def test_a_smooth_conductivity_shows_no_jump():
    report = solve(conduction(lambda u: 1 + u**2), tol=1e-6).report
    assert report.converged


def test_a_jump_within_a_part_is_found_and_interfaces_are_none():
    halves = LINE.split(at={"x": [0.5]}, names=["left", "right"])

    def problem(at):
        equation = lambda u, x, k: diff(k * torch.where(x > at, 10.0, 1.0) * diff(u, x), x)  # noqa: E731
        return Problem(halves, equation, [Dirichlet(u=lambda x: x)], coefficients={"k": {"left": 1.0, "right": 5.0}})

    assert look(problem(0.5)) == ()
    assert [feature.plane[1] for feature in look(problem(0.25)) if feature.hidden] == [0.25]
    assert solve(problem(0.25), tol=1e-6).report.status == "unresolved"
