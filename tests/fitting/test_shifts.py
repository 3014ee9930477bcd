"""Estimates of unknown parameters beside their errors."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from gmnm_pde import Dirichlet, Initial, Interval, LeastSquares, Mixture, Observations, Problem, Time, diff, solve
from gmnm_pde.fitting.discretization import Setup, reference_scales
from gmnm_pde.fitting.fit import fit
from gmnm_pde.fitting.shifts import shifts_of
from gmnm_pde.models import Partition

PI = np.pi


def spring(points=(0.3, 0.7)):
    """u'' + k u = 0 with k = 4, from values of sin 2x."""
    at = torch.tensor(points, dtype=torch.float64)[:, None]
    seen = Observations(at, u=torch.sin(2 * at[:, 0]))
    line = Interval(x=(0, 1))
    ends = Dirichlet(u=lambda x: torch.sin(2 * x))
    return Problem(line, lambda u, x, k: diff(u, x, x) + k * u, [ends, seen], parameters={"k": 3.0})


def fitted(problem, components, partition=None):
    kind = {"dtype": torch.float64, "device": torch.device("cpu"), "engine": "auto", "partition": partition}
    setup = Setup(problem, Mixture(), LeastSquares(), None, reference_scales(problem, {}, 0), {}, 0, **kind)
    return fit(setup, components, (1.5,) * problem.domain.dimension)


@pytest.mark.parametrize("partition", [None, Partition.even([2], smoothness=4)], ids=["one mixture", "patches"])
def test_shifts_are_those_of_random_signs(partition):
    one = fitted(spring(), 8, partition)
    system = one.system
    images = list(system.images(one.theta, torch.eye(system.columns, dtype=torch.float64)))
    A, r = (torch.cat(parts) for parts in zip(*images, strict=True))
    held_out = 3 * (r.square().mean()).sqrt().item()
    row = torch.linalg.pinv(A, rtol=1e-13)[0]
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, (4000, len(r)), generator=generator, dtype=torch.float64) * 2 - 1
    expected = 3 * ((signs * r) @ row).square().mean().sqrt().item()
    assert shifts_of(one, held_out).item() == pytest.approx(expected, rel=0.1)


def epidemic(times):
    """Susceptible and infected people: the values of the latter are the data."""

    def slopes(_, y):
        return [-0.6 * y[0] * y[1], 0.6 * y[0] * y[1] - 0.2 * y[1]]

    kind = {"rtol": 1e-12, "atol": 1e-14, "method": "DOP853", "t_eval": times}
    values = solve_ivp(slopes, (0, 40), [0.99, 0.01], **kind).y[1]
    return Problem(
        Time(t=(0, 40)),
        lambda s, i, t, beta, gamma: (diff(s, t) + beta * s * i, diff(i, t) - beta * s * i + gamma * i),
        [Initial(s=0.99, i=0.01), Observations(torch.tensor(times)[:, None], i=torch.tensor(values))],
        parameters={"beta": 0.7, "gamma": 0.25},
    )


@pytest.mark.parametrize("seed", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_rates_of_an_epidemic(seed):
    """By sub-models alone the estimates were up to four times too small."""
    found = solve(epidemic(np.linspace(2, 40, 20)), tol=1e-5, seed=seed)
    assert found.report.converged
    for name, rate in ("beta", 0.6), ("gamma", 0.2):
        error = abs(found.parameters[name] - rate)
        assert error < found.report.estimates[name] < 1e4 * error


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_diffusivity(seed):
    places = torch.rand(25, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def exact(x, t):
        return torch.exp(-0.05 * PI**2 * t) * torch.sin(PI * x) + 0.5 * torch.exp(-0.45 * PI**2 * t) * torch.sin(
            3 * PI * x
        )

    found = solve(
        Problem(
            Interval(x=(0, 1)) * Time(t=(0, 1)),
            lambda u, x, t, D: diff(u, t) - D * diff(u, x, x),
            [Dirichlet(u=0), Initial(u=lambda x: exact(x, 0 * x)), Observations(places, u=exact(*places.unbind(1)))],
            parameters={"D": 0.02},
        ),
        tol=1e-4,
        seed=seed,
    )
    assert abs(found.parameters["D"] - 0.05) < found.report.estimates["D"]
