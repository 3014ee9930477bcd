"""Stiff chains in time alone: sums that rounding must not change, sources beside large terms, steep laws."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from gmnm_pde import Initial, Problem, Time, diff, solve, solve_many

LONG = pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="this machine has no numbers of more digits")


def apart(found, right):
    return np.linalg.norm(np.asarray(found) - right) / np.linalg.norm(right)


def pyrolysis(a, b, c, d, t):
    """E5 of Hairer and Wanner: b - c - d stays zero, beside terms that are a million times as large as its rate."""
    A, B, C, M = 7.89e-10, 1.1e7, 1.13e3, 1e6
    forth, back, met = B * a * c, C * d, M * C * b * c
    return (
        diff(a, t) + A * a + forth,
        diff(b, t) - A * a + met,
        diff(c, t) - A * a + forth + met - back,
        diff(d, t) - forth + back,
    )


@LONG
@pytest.mark.parametrize("tol", (1e-4, 1e-7))
def test_a_sum_that_is_conserved_beside_large_terms(tol):
    problem = Problem(Time(t=(0, 1e11)), pyrolysis, [Initial(a=1.76e-3, b=0, c=0, d=0)])
    solution = solve(problem, tol=tol)
    assert solution.report.converged
    found = solution(t=torch.tensor([1e6, 1e8, 1e9]))
    assert (((found["b"] - found["c"] - found["d"]) / found["b"]).abs() < 1e-6).all()


@LONG
def test_a_fast_exchange_leaves_the_digits_of_a_slow_loss():
    k, end = 1e9, 50.0
    problem = Problem(
        Time(t=(0, end)),
        lambda a, b, c, t: (diff(a, t) + k * (a - b), diff(b, t) - k * a + k * b + 2 * b, diff(c, t) - 2 * b),
        [Initial(a=1, b=0, c=0)],
    )
    solution = solve(problem, tol=1e-8)
    times = np.linspace(0, end, 801)
    slow = -2 * k / (k + 1 + math.sqrt((k + 1) ** 2 - 2 * k))
    right = -np.expm1(slow * times)
    assert apart(solution(t=torch.tensor(times))["c"], right) < 2 * solution.report.estimates["c"] + 1e-9


def test_hires_whose_fields_grow_from_nothing_one_after_another():
    def rates(y):
        return [
            -1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007,
            1.71 * y[0] - 8.75 * y[1],
            -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4],
            8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3],
            -1.745 * y[4] + 0.43 * y[5] + 0.43 * y[6],
            -280 * y[5] * y[7] + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6],
            280 * y[5] * y[7] - 1.81 * y[6],
            -280 * y[5] * y[7] + 1.81 * y[6],
        ]

    first = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057]
    names = [f"y{k}" for k in range(8)]
    problem = Problem(
        Time(t=(0, 321.8122)),
        lambda y0, y1, y2, y3, y4, y5, y6, y7, t: [
            diff(own, t) - rate
            for own, rate in zip((y0, y1, y2, y3, y4, y5, y6, y7), rates((y0, y1, y2, y3, y4, y5, y6, y7)), strict=True)
        ],
        [Initial(**dict(zip(names, first, strict=True)))],
    )
    solution = solve(problem, tol=1e-4)
    assert solution.report.converged and solution.report.method.startswith("evolution")
    times = np.linspace(0, 321.8122, 101)
    right = solve_ivp(lambda t, y: rates(y), (0, 321.8122), first, "Radau", times, rtol=1e-8, atol=1e-12).y
    found = solution(t=torch.tensor(times))
    assert max(apart(found[name], own) for name, own in zip(names, right, strict=True)) < 1e-5


@pytest.mark.parametrize("members", (False, True))
def test_a_small_source_beside_a_large_term_has_no_breaks(members):
    problem = Problem(
        Time(t=(0, 60)),
        lambda b, c, t: (diff(b, t) - torch.exp(-t) + 1e9 * b * c, diff(c, t) - torch.exp(-t) + 1e9 * b * c),
        [Initial(b=0, c=0)],
    )
    times = np.linspace(0, 60, 401)
    if members:
        many = solve_many(problem, initial={"b": [0.0, 1e-5], "c": [0.0, 1e-5]}, tol=1e-8)
        assert many.converged
        found = many(torch.tensor(times))["b"][0]
    else:
        solution = solve(problem, tol=1e-8, time_limit=20)
        assert solution.report.converged
        found = solution(t=torch.tensor(times))["b"]
    law = (lambda t, y: [np.exp(-t) - 1e9 * y[0] ** 2], (0, 60), [0.0], "Radau", times)
    assert apart(found, solve_ivp(*law, rtol=1e-9, atol=1e-18).y[0]) < 1e-7


def test_a_diode_whose_law_newton_oversteps():
    problem = Problem(
        Time(t=(0, 0.04)),
        lambda v, t: (
            1e-5 * diff(v, t) - 1e-12 * (torch.exp((5 * torch.sin(100 * math.pi * t) - v) / 0.02585) - 1) + v / 1e3
        ),
        [Initial(v=0)],
    )
    solution = solve(problem, tol=1e-6)
    assert solution.report.converged
    times = np.linspace(0, 0.04, 101)

    def rate(t, v):
        return 1e5 * (1e-12 * np.expm1((5 * np.sin(100 * np.pi * t) - v) / 0.02585) - v / 1e3)

    right = solve_ivp(rate, (0, 0.04), [0.0], "Radau", times, rtol=1e-9, atol=1e-10, max_step=1e-4).y[0]
    assert apart(solution(t=torch.tensor(times)), right) < 1e-5
