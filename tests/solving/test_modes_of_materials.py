"""Modes where coefficients jump, declared or not, and in narrow wells."""

import math
from itertools import pairwise

import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import gmnm_pde as g


def of_two_stiffnesses(count):
    """The eigenvalues of a line that is nine times as stiff beyond x = 0.4, from where sines of both sides agree."""

    def meets(s):
        return math.cos(0.4 * s) * math.sin(0.2 * s) + 3 * math.cos(0.2 * s) * math.sin(0.4 * s)

    places = [0.5 + 0.25 * k for k in range(200)]
    roots = [brentq(meets, a, b, xtol=1e-14) for a, b in pairwise(places) if meets(a) * meets(b) < 0]
    return [s * s for s in roots[:count]]


@pytest.mark.parametrize("declared", [True, False])
def test_modes_of_several_materials(declared):
    line = g.Interval(x=(0, 1))
    if declared:
        stiffness = {"coefficients": {"k": {"a": 1.0, "b": 9.0}}}
        domain = line.split(at=0.4, names=("a", "b"))

        def equation(u, rate, k, x):
            return g.diff(k * g.diff(u, x), x) + rate * u
    else:
        stiffness, domain = {}, line

        def equation(u, rate, x):
            return g.diff(torch.where(x > 0.4, 9.0, 1.0) * g.diff(u, x), x) + rate * u

    problem = g.Problem(domain, equation, [g.Dirichlet(u=0)], parameters={"rate": 0.0}, **stiffness)
    spectrum = g.eigenmodes(problem, 3, tol=1e-8)
    assert spectrum.converged
    assert list(spectrum.values) == pytest.approx(of_two_stiffnesses(3), rel=1e-8)
    assert declared or "divided at x = 0.4" in spectrum.reason
    mode, s = spectrum.modes[0], of_two_stiffnesses(1)[0] ** 0.5
    at = torch.tensor([0.1, 0.4], dtype=torch.float64)
    assert (mode(at)[1] / mode(at)[0]).item() == pytest.approx(math.sin(0.4 * s) / math.sin(0.1 * s), rel=1e-6)


def test_modes_where_only_a_lower_term_jumps():
    problem = g.Problem(
        g.Interval(x=(0, 1)),
        lambda u, k, x: g.diff(u, x, x) - torch.where(x > 0.4, 100.0, 0.0) * u + k * u,
        [g.Dirichlet(u=0)],
        parameters={"k": 30.0},
    )

    def below(k):
        return math.sqrt(k) * math.cos(0.4 * math.sqrt(k)) * math.tanh(0.6 * math.sqrt(100 - k)) + math.sqrt(
            100 - k
        ) * math.sin(0.4 * math.sqrt(k))

    spectrum = g.eigenmodes(problem, 1, tol=1e-8)
    assert spectrum.converged
    assert spectrum.values[0] == pytest.approx(brentq(below, 20, 60, xtol=1e-13), rel=1e-8)


@pytest.mark.parametrize("width", [0.01, pytest.param(0.001, marks=pytest.mark.slow)])
def test_modes_in_a_narrow_well(width):
    def equation(u, k, x):
        return (
            g.diff(u, x, x) + 20 / (width * math.sqrt(math.pi)) * torch.exp(-(((x - 0.3712) / width) ** 2)) * u + k * u
        )

    problem = g.Problem(g.Interval(x=(0, 1)), equation, [g.Dirichlet(u=0)], parameters={"k": -80.0})

    def end(k):  # of the solution that begins at 0 with slope 1
        def well(x):
            return 20 / (width * math.sqrt(math.pi)) * math.exp(-(((x - 0.3712) / width) ** 2))

        def rates(x, u):
            return [u[1], -(well(x) + k) * u[0]]

        edges, start = [0.0, 0.3712 - 8 * width, 0.3712 + 8 * width, 1.0], [0.0, 1.0]
        for a, b in pairwise(edges):
            start = solve_ivp(rates, (a, b), start, rtol=1e-11, atol=1e-13, max_step=(b - a) / 20).y[:, -1]
        return start[0]

    spectrum = g.eigenmodes(problem, 1, tol=1e-6)
    assert spectrum.converged
    assert spectrum.values[0] == pytest.approx(brentq(end, -105, -80, rtol=1e-10), rel=1e-6)


def test_a_well_of_a_twentieth_of_the_plane():
    """One mixture shows modes that keep out of it, and leaves a fifth of the terms of their equations."""

    def well(s):
        return 20 / (0.05 * math.sqrt(math.pi)) * torch.exp(-(((s - 0.3712) / 0.05) ** 2))

    plane, line = g.Rectangle(x=(0, 1), y=(0, 1)), g.Interval(x=(0, 1))
    walls = [g.Dirichlet(u=0)]
    crossed = g.Problem(
        plane, lambda u, k, x, y: g.laplacian(u) + (well(x) + well(y) + k) * u, walls, parameters={"k": -115.4}
    )
    alone = g.Problem(line, lambda u, k, x: g.laplacian(u) + (well(x) + k) * u, walls, parameters={"k": -60.0})
    first, second = g.eigenmodes(alone, 2, tol=1e-8).values
    spectrum = g.eigenmodes(crossed, 3, tol=1e-4)
    assert spectrum.converged
    assert list(spectrum.values) == pytest.approx([2 * first, first + second, first + second], rel=1e-4)


def test_what_a_value_multiplies_is_looked_at_too():
    def of(mass):
        return g.Problem(
            g.Interval(x=(0, 1)),
            lambda u, k, x: g.diff(u, x, x) + k * mass(x) * u,
            [g.Dirichlet(u=0)],
            parameters={"k": 0.0},
        )

    jumping = g.eigenmodes(of(lambda x: torch.where(x > 0.5, 100.0, 1.0)), 1, tol=1e-6)
    s = brentq(lambda s: 10 * math.tan(s / 2) + math.tan(5 * s), 0.32, 0.45, xtol=1e-14)
    assert jumping.converged and jumping.values[0] == pytest.approx(s * s, rel=1e-6)
    mass, at, width = 1.0, 0.3, 1e-4
    loaded = g.eigenmodes(
        of(lambda x: 1 + mass / (width * math.sqrt(math.pi)) * torch.exp(-(((x - at) / width) ** 2))), 1, tol=1e-4
    )
    s = brentq(lambda s: 1 / math.tan(s * at) + 1 / math.tan(s * (1 - at)) - s * mass, 1.0, 2.5, xtol=1e-14)
    assert loaded.converged and loaded.values[0] == pytest.approx(s * s, rel=2e-4)


@pytest.mark.parametrize("length", [1.0, 1e-3])
def test_a_steel_bar_in_metres(length):
    bar = g.Problem(
        g.Interval(x=(0, length)),
        lambda u, k, x: 2e11 * g.diff(u, x, x) + 7800 * k * u,
        [g.Dirichlet(u=0)],
        parameters={"k": 0.0},
    )
    spectrum = g.eigenmodes(bar, 1, tol=1e-6)
    assert spectrum.converged and spectrum.values[0] == pytest.approx(2e11 / 7800 * (math.pi / length) ** 2, rel=1e-6)
