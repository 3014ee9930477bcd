"""The error estimate against true errors, on problems that converge slowly and on ones that converge fast."""

import math

import pytest
import torch
from conftest import PI

import gmnm_pde as g

SQUARE = g.Rectangle(x=(-1, 1), y=(-1, 1))
STRIP = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))


def torsion():
    """-laplacian(u) = 1 on a square: the third derivatives are singular at the corners. Timoshenko's series."""

    def exact(x, y):
        u = (1 - x**2) / 2
        for k in range(1, 200, 2):
            a = k * PI / 2
            profile = (torch.exp(a * (y - 1)) + torch.exp(-a * (y + 1))) / (1 + math.exp(-2 * a))
            u = u - 16 / PI**3 * (-1) ** (k // 2) / k**3 * torch.cos(a * x) * profile
        return u

    return g.Problem(SQUARE, lambda u: g.laplacian(u) + 1, [g.Dirichlet(u=0)], exact=exact, name="torsion")


def hat():
    """Heat from a hat function: the initial slope jumps. Fourier's series."""

    def exact(x, t):
        u = 0 * x
        for k in range(1, 400, 2):
            decay = torch.exp(-0.1 * (k * PI) ** 2 * t)
            u = u + 8 / (PI * k) ** 2 * (-1) ** (k // 2) * torch.sin(k * PI * x) * decay
        return u

    return g.Problem(
        STRIP,
        lambda u, x, t: g.diff(u, t) - 0.1 * g.diff(u, x, x),
        [g.Dirichlet(u=0), g.Initial(u=lambda x: 1 - (2 * x - 1).abs())],
        exact=exact,
        name="hat",
    )


def layer():
    """A boundary layer of width 1/100."""
    eps = 1e-2

    def exact(x):
        return x - (torch.exp((x - 1) / eps) - math.exp(-1 / eps)) / (1 - math.exp(-1 / eps))

    line = g.Interval(x=(0, 1))
    return g.Problem(
        line, lambda u, x: -eps * g.diff(u, x, x) + g.diff(u, x) - 1, [g.Dirichlet(u=0)], exact=exact, name="layer"
    )


@pytest.mark.parametrize("components", [100, 400, pytest.param(None, marks=pytest.mark.slow)])
@pytest.mark.parametrize("make", [torsion, hat, layer], ids=lambda make: make.__name__)
def test_estimates_stay_honest_where_convergence_is_slow(make, components):
    report = g.solve(make(), g.Mixture(components=components, patches=1)).report
    assert report.relative_l2 <= 10 * report.error_estimate
    assert report.error_estimate <= 1e3 * report.relative_l2


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["poisson", "heat", "advection"])
def test_estimates_at_every_rung(name, seed):
    history = g.solve(g.registry.load(name), method="least-squares", tol=1e-8, seed=seed).history
    for error, estimate in zip(history["relative_l2"], history["error_estimate"], strict=True):
        assert error <= 10 * estimate and estimate <= 1e3 * error


def test_a_solve_that_did_not_arrive_has_a_large_estimate():
    """Burgers at small viscosity is beyond drawn components: the report must not pretend."""
    problem = g.Problem(
        g.Interval(x=(-1, 1)) * g.Time(t=(0, 1)),
        lambda u, x, t: g.diff(u, t) + u * g.diff(u, x) - 0.01 / PI * g.diff(u, x, x),
        [g.Dirichlet(u=0), g.Initial(u=lambda x: -torch.sin(PI * x))],
    )
    report = g.solve(problem, g.Mixture(components=150, widths=4.0)).report
    assert not report.converged and report.error_estimate > 1e-2
