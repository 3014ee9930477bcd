"""What is narrow in the data of marches through space: initial values, flux through the sides, sources beside means."""

import math

import numpy as np
import pytest
import torch
from scipy.special import erf

import gmnm_pde as g

LINE = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))


def steady(u):
    return 1


def pulse(t, width):
    return torch.exp(-((t / width) ** 2)) / (width * math.sqrt(math.pi))


def test_a_uniform_field_beside_its_mean_has_no_narrow_places():
    equation = lambda u, t: g.diff(u, t) - g.laplacian(u) - 30 * (u - g.mean(u))  # noqa: E731
    solution = g.solve(g.Problem(LINE, equation, [g.Neumann(u=0), g.Initial(u=1)]), tol=1e-6)
    report = solution.report
    assert report.converged and report.unknowns < 40
    assert abs(solution(x=0.3, t=1.0).item() - 1) <= report.error_estimate


def test_a_spike_that_spreads_and_the_cells_under_it_merge():
    width, x, t = 1e-3, 0.5 + 0.3 * np.sqrt(np.logspace(-7, -2, 50)), np.logspace(-7, -2, 50)
    problem = g.Problem(
        g.Interval(x=(0, 1)) * g.Time(t=(0, 0.01)),
        lambda u, t: g.diff(u, t) - g.laplacian(u),
        [g.Dirichlet(u=0), g.Initial(u=lambda x: torch.exp(-(((x - 0.5) / width) ** 2)))],
    )
    solution = g.solve(problem, tol=1e-5)
    spread = width**2 + 4 * t
    right = width / np.sqrt(spread) * np.exp(-((x - 0.5) ** 2) / spread)
    error = np.linalg.norm(solution(x=torch.from_numpy(x), t=torch.from_numpy(t)).numpy() - right)
    assert solution.report.converged and error <= solution.report.error_estimate * np.linalg.norm(right)


@pytest.mark.slow
def test_flux_in_a_narrow_pulse_of_time():
    width, when, places = 1e-4, 0.437, np.array([0.1, 0.5, 0.9])
    sides = [
        g.Condition(lambda u, x, t: g.diff(u, x) - pulse(t - when, width), on=LINE.face(x=0), name="flux"),
        g.Neumann(u=0, on=LINE.face(x=1)),
    ]
    problem = g.Problem(LINE, lambda u, t: g.diff(u, t) - g.laplacian(u), [*sides, g.Initial(u=0)])
    solution = g.solve(problem, tol=1e-4)
    waves = math.pi * np.arange(1, 40)[:, None]
    right = -1 - 2 * (np.cos(waves * places) * np.exp(-(waves**2) * (0.6 - when))).sum(axis=0)
    found = solution(x=torch.from_numpy(places), t=torch.full((3,), 0.6, dtype=torch.float64)).numpy()
    assert solution.report.converged and np.abs(found - right).max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("law", [steady, lambda u: g.mean(u) / 10])
def test_none_of_many_pulses_of_time_is_stepped_over(law):
    width, number = 1e-4, 18
    times = torch.arange(number, dtype=torch.float64) / number + 0.011

    def comb(t):
        near = (torch.floor(t * number) / number + 0.011 - t).abs()
        return torch.exp(-((near / width) ** 2)) / (width * math.sqrt(math.pi))

    problem = g.Problem(
        LINE, lambda u, t: g.diff(u, t) - g.laplacian(u) - law(u) * comb(t), [g.Neumann(u=0), g.Initial(u=1)]
    )
    solution = g.solve(problem, tol=1e-2)
    passed = float((times < 0.99).sum())
    right = 1 + passed if law is steady else math.exp(passed / 10)
    assert solution.report.converged and abs(solution(x=0.3, t=0.99).item() / right - 1) < 1e-2


def test_a_pulse_in_materials_is_resolved():
    width, when, t = 1e-3, 0.4377, np.linspace(0, 1, 100)
    problem = g.Problem(
        g.Interval(x=(0, 1)).split(at=0.4, names=("a", "b")) * g.Time(t=(0, 1)),
        lambda u, k, x, t: g.diff(u, t) - g.diff(k * g.diff(u, x), x) - pulse(t - when, width),
        [g.Neumann(u=0), g.Initial(u=1)],
        coefficients={"k": {"a": 1.0, "b": 5.0}},
    )
    solution = g.solve(problem, tol=1e-4)
    right = 1 + 0.5 * (erf((t - when) / width) + 1)
    found = solution(x=torch.full((100,), 0.3, dtype=torch.float64), t=torch.from_numpy(t)).numpy()
    assert solution.report.converged and np.abs(found - right).max() < 1e-4
