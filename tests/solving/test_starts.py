"""Where Newton begins, steps to where nothing is finite, modes of torch, and points outside."""

import math
import threading

import numpy as np
import pytest
import torch

import gmnm_pde as g

ROD = g.Interval(x=(0, 1))
SMALL, QUICK = g.Mixture(components=30), g.Mixture(components=30, widths=2.0)


def between(low, high):
    return [g.Dirichlet(u=low, on=ROD.face(x=0)), g.Dirichlet(u=high, on=ROD.face(x=1))]


SINGULAR_AT_ZERO = {
    "a quotient": (lambda u: g.laplacian(u) + 1 / (4 * u**3), between(1, math.sqrt(2)), lambda x: np.sqrt(1 + x)),
    "a logarithm": (
        lambda u, x: g.laplacian(u) + torch.log(u) - torch.exp(x) - x, between(1, math.e), np.exp
    ),
    "a root": (
        lambda u, x: g.laplacian(u) - torch.sqrt(u) - 4 * torch.exp(2 * x) + torch.exp(x),
        between(1, math.e**2),
        lambda x: np.exp(2 * x),
    ),
    "a value at one end": (
        lambda u: g.diff(u, "x") - 1 / (2 * u), [g.Dirichlet(u=1, on=ROD.face(x=0))], lambda x: np.sqrt(1 + x)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SINGULAR_AT_ZERO)
def test_newton_begins_where_the_data_are(name):
    equation, conditions, exact = SINGULAR_AT_ZERO[name]
    solution = g.solve(g.Problem(ROD, equation, conditions), SMALL)
    x = np.linspace(0, 1, 101)
    assert solution.report.converged and np.abs(solution(x) - exact(x)).max() < 1e-8


def test_a_problem_that_is_finite_nowhere_is_refused():
    problem = g.Problem(ROD, lambda u: g.laplacian(u) + torch.log(u - 1e6), between(1, 2))
    with pytest.raises(g.GmnmError, match="'equation' is nan at"):
        g.solve(problem)


@pytest.mark.parametrize("metres", [2.0, 0.05])
def test_a_cooling_ball_in_si_units(metres):
    rate = 3 * 5.67e-8 / (metres * 7800 * 500)
    time = g.Time(t=(0, 3600))
    problem = g.Problem(time, lambda T, t: g.diff(T, t) + rate * (T**4 - 300.0**4), [g.Initial(T=1000)])
    solution = g.solve(problem, SMALL)
    end = float(solution(3600.0))
    # t = int dT / (rate (T^4 - T0^4)), which has a closed form
    left = lambda T: (math.log((T - 300) / (T + 300)) - 2 * math.atan(T / 300)) / (4 * 300.0**3)  # noqa: E731
    assert abs((left(1000) - left(end)) / rate - 3600) < 1e-3


def cubic():
    return g.Problem(ROD, lambda u, x: g.laplacian(u) + torch.sin(x) + u**3, [g.Dirichlet(u=0)])


def values():
    return g.solve(cubic(), QUICK)(np.linspace(0.1, 0.9, 5)).tolist()


def test_modes_of_torch_change_no_digit():
    before, problem = values(), cubic()
    x = np.linspace(0.1, 0.9, 5)
    for mode in (torch.inference_mode, torch.no_grad):
        with mode():
            assert values() == before
    for kind, ordinary, others in (
        (torch.set_default_device, None, ("meta", "cpu")),
        (torch.set_default_dtype, torch.float32, (torch.float64, torch.bfloat16)),
    ):
        for other in others:
            kind(other)
            try:
                found = g.solve(problem, QUICK)(x)
            finally:
                kind(ordinary)
            assert found.tolist() == before


def test_threads_give_the_same_digits():
    before, found = values(), {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: values()})) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [before] * 4


def test_points_outside_are_nan_unless_asked_for():
    ring = g.Rectangle(x=(0, 1), y=(0, 1)) - g.Disk((0.5, 0.5), 0.2)
    solution = g.solve(g.Problem(ring, lambda u: g.laplacian(u) + 1, [g.Dirichlet(u=0)]), g.Mixture(components=60))
    with pytest.warns(g.NumericalWarning, match="2 of 4 points are outside"):
        found = solution(np.array([0.5, 2.0, 0.1, 1 + 1e-12]), np.array([0.5, 0.5, 0.1, 0.3]))
    assert np.isnan(found).tolist() == [True, True, False, False]
    assert np.isfinite(solution(0.5, 0.5, outside="extrapolate"))
    with pytest.raises(g.GmnmError, match="outside='zero'"):
        solution(0.1, 0.1, outside="zero")
