"""Initial values of derivatives that the equations determine: taken where they are right, told where they are not."""

import pytest
import torch

from gmnm_pde import Condition, Dirichlet, Initial, Interval, Problem, Time, diff, solve

TIME, LINE = Time(t=(0, 1)), Interval(x=(0, 1)) * Time(t=(0, 1))
FIRST = [Initial(u=1), Initial(u=0, order=1)]


def oscillator(u, t):
    return diff(u, t, t) + u


def decay(u, t):
    return diff(u, t) + u


def wave_of(x):
    return torch.sin(torch.pi * x)


@pytest.mark.parametrize(
    ("equation", "given", "right"),
    (
        (oscillator, [*FIRST, Initial(u=3, order=2)], False),
        (oscillator, [*FIRST, Initial(u=-1, order=2)], True),
        (oscillator, [*FIRST, Initial(u=-1.001, order=2)], False),
        (oscillator, [*FIRST, Initial(u=3, order=3)], False),
        (oscillator, [*FIRST, Initial(u=0, order=3)], True),
        (decay, [Initial(u=1), Initial(u=3, order=1)], False),
        (decay, [Initial(u=1), Initial(u=1, order=2)], True),
        (decay, [Initial(u=1), Initial(u=5, order=3)], False),
        (decay, [Initial(u=1), Condition(lambda u, t: diff(u, t) + 2 * u - 7, on=TIME.face(t=0))], False),
        (lambda u, t: diff(u, t) ** 2 - u, [Initial(u=1), Initial(u=-0.9, order=1)], True),
    ),
)
def test_in_time_alone(equation, given, right):
    report = solve(Problem(TIME, equation, given), tol=1e-6).report
    assert report.converged == right
    assert right or "initial" in report.reason or "condition" in report.reason
    assert right or report.error_estimate > 1e-4


@pytest.mark.parametrize(
    ("order", "more", "right"),
    (
        (1, Initial(u=lambda x: -(torch.pi**2) * wave_of(x), order=1), True),
        (1, Initial(u=wave_of, order=1), False),
        (2, Initial(u=lambda x: -(torch.pi**2) * wave_of(x), order=2), True),
        (2, Initial(u=1, order=2), False),
        (2, Initial(u=1, order=3), False),
    ),
)
def test_with_space(order, more, right):
    rest = [Initial(u=0, order=1)] * (order - 1)
    problem = Problem(
        LINE,
        lambda u, x, t: diff(u, *([t] * order)) - diff(u, x, x),
        [Dirichlet(u=0), Initial(u=wave_of), *rest, more],
    )
    report = solve(problem, tol=1e-6).report
    assert report.method.startswith("evolution") and report.converged == right
