"""Problems in time alone, marched: against exact solutions and independent ones."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from gmnm_pde import Event, Initial, Problem, Time, diff, registry, solve

PI = math.pi


def error(solution, exact, count=500):
    low, high = solution.bounds[0]
    times = low + (high - low) * np.random.default_rng(0).random(count)
    found, right = solution(t=torch.tensor(times)), exact(times)
    found = found if isinstance(found, dict) else {solution.fields[0]: found}
    return max(np.linalg.norm(found[k].numpy() - right[k]) / np.linalg.norm(right[k]) for k in right)


def triangle(t):
    return 4 * torch.abs(t - torch.floor(t + 0.5)) - 1


def gate(t):
    opened = 0.5 * (1 - np.exp(-2 * np.clip(t - 5, 0, 1)))
    return opened * np.exp(-np.clip(t - 6, 0, None))


CASES = {
    "quotient": (2, lambda c, t: diff(c, t) - 1 / c, [Initial(c=1)], lambda t: {"c": np.sqrt(1 + 2 * t)}),
    "root": (1.9, lambda c, t: diff(c, t) + c**0.5, [Initial(c=1)], lambda t: {"c": (1 - t / 2) ** 2}),
    "layer": (
        10,
        lambda u, t: diff(u, t) + 1e6 * (u - torch.cos(t)) + torch.sin(t),
        [Initial(u=0)],
        lambda t: {"u": np.cos(t) - np.exp(-1e6 * t)},
    ),
    "small beside large": (
        3,
        lambda u, w, t: (diff(u, t) + u, diff(w, t) - 1e-8 * u + w),
        [Initial(u=1, w=0)],
        lambda t: {"u": np.exp(-t), "w": 1e-8 * t * np.exp(-t)},
    ),
    "second order": (
        200 * PI,
        lambda u, t: diff(u, t, t) + u,
        [Initial(u=1), Initial(u=0, order=1)],
        lambda t: {"u": np.cos(t)},
    ),
    "third order": (
        3,
        lambda u, t: diff(u, t, t, t) + diff(u, t),
        [Initial(u=0), Initial(u=1, order=1), Initial(u=0, order=2)],
        lambda t: {"u": np.sin(t)},
    ),
    "jumps": (
        3,
        lambda w, t: diff(w, t) - torch.where((t >= 1) & (t < 2), 1.0, 0.0),
        [Initial(w=0)],
        lambda t: {"w": np.clip(t - 1, 0, 1)},
    ),
    "gate": (
        10,
        lambda n, t: diff(n, t) - torch.where((t > 5) & (t < 6), 1.0, 0.0) * (1 - n) + n,
        [Initial(n=0)],
        lambda t: {"n": gate(t)},
    ),
    "triangles": (
        2 * PI,
        lambda u, t: diff(u, t) - triangle(t),
        [Initial(u=1)],
        lambda t: {"u": 1 + (lambda s: 2 * s * np.abs(s) - s)(t - np.floor(t + 0.5))},
    ),
    "pulse": (
        100,
        lambda u, t: diff(u, t) + 0 * u - torch.exp(-(((t - 50) / 0.1) ** 2)),
        [Initial(u=0)],
        lambda t: {"u": 0.05 * math.sqrt(PI) * (1 + np.array([math.erf(own) for own in (t - 50) / 0.1]))},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_error_and_estimate(name):
    end, equation, initial, exact = CASES[name]
    solution = solve(Problem(Time(t=(0, end)), equation, initial), tol=1e-6)
    assert solution.report.converged and "evolution" in solution.report.method
    true = error(solution, exact)
    assert true < 1e-6 and true < 30 * solution.report.error_estimate


def test_lorenz_to_ten():
    problem = Problem(
        Time(t=(0, 10)),
        lambda p, q, r, t: (diff(p, t) - 10 * (q - p), diff(q, t) - p * (28 - r) + q, diff(r, t) - p * q + 8 / 3 * r),
        [Initial(p=1, q=1, r=1)],
    )

    def right(t, y):
        return [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]

    times = np.linspace(0.1, 10, 50)
    known = solve_ivp(right, (0, 10), [1.0, 1, 1], method="DOP853", rtol=3e-14, atol=1e-14, t_eval=times).y
    found = solve(problem, tol=1e-7)(t=torch.tensor(times))
    assert max(np.abs(found[n].numpy() - own).max() for n, own in zip("pqr", known, strict=True)) < 1e-6 * 30


def test_robertson_relative_to_each_field_at_all_times():
    problem = Problem(
        Time(t=(0, 1e11)),
        lambda a, b, c, t: (
            diff(a, t) + 0.04 * a - 1e4 * b * c,
            diff(b, t) - 0.04 * a + 1e4 * b * c + 3e7 * b**2,
            diff(c, t) - 3e7 * b**2,
        ),
        [Initial(a=1, b=0, c=0)],
    )
    solution = solve(problem, tol=1e-6)
    assert solution.report.converged
    end = solution(t=torch.tensor([0.4, 1e11]))
    # Mazzia and Magherini, Test Set for Initial Value Problem Solvers, 2008
    right = {"a": (None, 2.083340149701255e-8), "b": (None, 8.333360770334713e-14), "c": (None, 0.9999999791665050)}
    assert all(abs(end[name][1].item() / own - 1) < 1e-6 for name, (_, own) in right.items())
    assert end["a"][0].item() == pytest.approx(0.985172113861, abs=1e-9)


def test_kepler_over_ten_periods_keeps_its_energy():
    e = 0.3
    problem = Problem(
        Time(t=(0, 20 * PI)),
        lambda x, y, t: (diff(x, t, t) + x / (x**2 + y**2) ** 1.5, diff(y, t, t) + y / (x**2 + y**2) ** 1.5),
        [Initial(x=1 - e, y=0), Initial(x=0, order=1), Initial(y=((1 + e) / (1 - e)) ** 0.5, order=1)],
        invariants={"momentum": lambda x, y, t: x * diff(y, t) - y * diff(x, t)},
    )
    solution = solve(problem, tol=1e-8)
    assert abs(solution(t=20 * PI)["x"] - (1 - e)) < 1e-7
    assert solution.report.invariants["momentum"] < 1e-8


def test_blow_up_is_named_with_its_time():
    report = solve(Problem(Time(t=(0, 2)), lambda u, t: diff(u, t) - u**2, [Initial(u=1)]), tol=1e-6).report
    assert not report.converged and report.status == "not_converged"
    assert "t = 1:" in report.reason and "grows without bound" in report.reason


def test_a_root_that_ends_is_said():
    report = solve(Problem(Time(t=(0, 3)), lambda c, t: diff(c, t) + c**0.5, [Initial(c=1)]), tol=1e-6).report
    assert not report.converged and "steps end at t = 2" in report.reason


def test_an_ignition_converges():
    def tank(c, T, t):
        rate = 7.2e10 * torch.exp(-8750 / T) * c
        return diff(c, t) - (1 - c) + rate, diff(T, t) - (350 - T) - 209.2 * rate + 2.0919 * (T - 300)

    for begin in (300.0, 365.0):
        problem = Problem(Time(t=(0, 50)), tank, [Initial(c=0.5, T=begin)])
        assert solve(problem, tol=1e-6).report.converged


def test_the_kink_of_a_stop_in_the_state():
    spring = Problem(
        Time(t=(0, 2)),
        lambda q, t: diff(q, t, t) + 0.1 * diff(q, t) + 100 * q + 1000 * torch.relu(q),
        [Initial(q=-0.01), Initial(q=0, order=1)],
    )
    solution = solve(spring, tol=1e-6)

    def right(t, y):
        return [y[1], -0.1 * y[1] - 100 * y[0] - 1000 * max(y[0], 0.0)]

    times = np.linspace(0, 2, 60)
    known = solve_ivp(right, (0, 2), [-0.01, 0], rtol=1e-11, atol=1e-14, max_step=1e-3, t_eval=times).y[0]
    found = solution(t=torch.tensor(times)).numpy()
    assert solution.report.converged and np.linalg.norm(found - known) < 1e-6 * np.linalg.norm(known)


def test_twenty_fields_as_one_vector():
    matrix = -torch.diag(torch.tensor([100.0 if i % 2 else 1.0 for i in range(20)], dtype=torch.float64))
    matrix += torch.diag(-torch.diagonal(matrix)[:-1], -1)
    chain = Problem(
        Time(t=(0, 2)),
        lambda y, t: diff(y, t) - matrix @ y,
        [Initial(y=[1.0] + [0.0] * 19)],
        fields=("y", 20),
    )
    solution = solve(chain, tol=1e-6)
    known = torch.linalg.matrix_exp(2 * matrix)[:, 0]
    assert solution.report.converged
    assert (solution.vector("y", t=torch.tensor(2.0)) - known).abs().max() < 1e-6 * known.abs().max()


def test_lotka_volterra_of_the_registry():
    report = solve(registry.load("lotka_volterra"), tol=1e-10).report
    assert report.converged and max(report.relative_l2.values()) < 1e-10


def test_events_know_the_slopes_of_the_state_by_name():
    def bounced(change):
        ball = Problem(
            Time(t=(0, 1)),
            lambda h, t: diff(h, t, t) + 9.81,
            [Initial(h=1), Initial(h=0, order=1)],
            events=Event(lambda h: h, direction=-1, change={"h_t": change}),
        )
        return solve(ball, tol=1e-8)

    assert bounced(lambda h_t: -0.7 * h_t)(0.9) == bounced(lambda h: -0.7 * diff(h, "t"))(0.9)
    top = Event(lambda h_t: h_t, name="top", stop=True)
    thrown = [Initial(h=0), Initial(h=1, order=1)]
    report = solve(Problem(Time(t=(0, 1)), lambda h, t: diff(h, t, t) + 9.81, thrown, events=top), tol=1e-8).report
    assert report.events["top"] == [pytest.approx(1 / 9.81, abs=1e-9)]
