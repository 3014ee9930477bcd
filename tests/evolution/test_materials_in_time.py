"""Several materials are marched: modes break where parts meet, and what holds there is met at every time."""

import math

import pytest
import torch
from scipy.optimize import brentq

from gmnm_pde import (
    Dirichlet,
    Initial,
    Interface,
    Interval,
    Problem,
    Rectangle,
    Time,
    diff,
    div,
    grad,
    load_solution,
    solve,
)
from gmnm_pde.evolution.reading import read
from gmnm_pde.evolution.reading.initial import with_base
from gmnm_pde.evolution.space.banded import BandedGalerkin
from gmnm_pde.evolution.space.galerkin import Galerkin
from gmnm_pde.models.modes import Cells, LocalCells, product_of
from gmnm_pde.strategies.evolution import Evolution

SLOW, FAST = 1.0, 4.0
"""Conductivities of the two layers of the wall."""


def rate() -> float:
    """The slowest decay of a wall of both layers, of thickness 1 each, between walls at 0."""

    def mismatch(decay):
        a, b = math.sqrt(decay / SLOW), math.sqrt(decay / FAST)
        return SLOW * a * math.cos(a) * math.sin(b) + FAST * b * math.cos(b) * math.sin(a)

    return brentq(mismatch, 2.5, 6.0)


DECAY = rate()


def shape(x):
    a, b = math.sqrt(DECAY / SLOW), math.sqrt(DECAY / FAST)
    return torch.where(x < 1, torch.sin(a * x), math.sin(a) / math.sin(b) * torch.sin(b * (2 - x)))


def exact(x, t):
    return shape(x) * torch.exp(-DECAY * t)


WALL = Interval(x=(0, 2))
STATED = [Dirichlet(u=0), Initial(u=shape)]


def declared():
    domain = WALL.split(at=1.0, names=("slow", "fast")) * Time(t=(0, 0.5))
    return Problem(
        domain,
        lambda u, x, t, k: diff(u, t) - div(k * grad(u)),
        STATED,
        coefficients={"k": {"slow": SLOW, "fast": FAST}},
    )


def undeclared():
    def equation(u, x, t):
        return diff(u, t) - diff(torch.where(x < 1, SLOW, FAST) * diff(u, x), x)

    return Problem(WALL * Time(t=(0, 0.5)), equation, STATED)


def error(solution, time=0.4):
    x = torch.linspace(0, 2, 101, dtype=torch.float64)
    t = torch.full_like(x, time)
    return ((torch.as_tensor(solution(x=x, t=t)) - exact(x, t)).norm() / exact(x, t).norm()).item()


@pytest.mark.parametrize("make", [declared, undeclared])
def test_a_wall_of_two_layers(make):
    solution = solve(make(), tol=1e-8)
    assert solution.report.converged and "evolution" in solution.report.method
    assert error(solution) < min(1e-8, 10 * solution.report.error_estimate)


def test_the_answer_is_kept_in_files_and_differentiated_on_both_sides(tmp_path):
    solution = solve(declared(), tol=1e-6)
    solution.save(tmp_path / "wall.safetensors")
    again = load_solution(tmp_path / "wall.safetensors")
    assert error(again) == error(solution)
    x, t = torch.tensor([1 - 1e-9, 1 + 1e-9], dtype=torch.float64), torch.full((2,), 0.2, dtype=torch.float64)
    slopes = diff(solution.jet(x, t), "x").tensor
    assert abs(SLOW * slopes[0] - FAST * slopes[1]) < 1e-6
    assert abs(slopes[0] - slopes[1]) > 0.1


def test_by_hand_too():
    assert solve(declared(), method=Evolution(), tol=1e-6).report.converged


def test_a_law_of_contact():
    """Between layers whose contact resists, u jumps by the flux times the resistance; at rest all is linear."""
    domain = Interval(x=(0, 1)).split(at=0.5, names=("a", "b")) * Time(t=(0, 20))
    contact = Interface(lambda u, flux, normal: (flux.a - flux.b, flux.a - 5.0 * (u.b - u.a)), between=("a", "b"))
    ends = Dirichlet(u=lambda x: x)
    problem = Problem(
        domain,
        lambda u, x, t, k: diff(u, t) - div(k * grad(u)),
        [ends, Initial(u=lambda x: x), contact],
        coefficients={"k": {"a": 1.0, "b": 10.0}},
    )
    solution = solve(problem, tol=1e-6)
    flux = 1 / (0.5 / 1.0 + 0.5 / 10.0 + 1 / 5.0)
    assert solution.report.converged
    assert abs(solution(x=0.25, t=20.0) - 0.25 * flux) < 1e-6
    assert abs(solution(x=0.75, t=20.0) - (1 - 0.25 * flux / 10)) < 1e-6


def test_a_plate_in_si_units():
    """Plastic on copper, 10 mm thick, heated for 1e7 s: at rest the temperature is that of a steady plate."""
    plastic, copper, source = 0.2, 400.0, 1e4
    domain = Interval(x=(0, 0.01)).split(at=0.004, names=("plastic", "copper")) * Time(t=(0, 1e8))

    def equation(T, x, t, k, c):
        return c * diff(T, t) - div(k * grad(T)) - torch.where(t < 4e7, source, 0.0)

    problem = Problem(
        domain,
        equation,
        [Dirichlet(T=293.15), Initial(T=293.15)],
        coefficients={"k": {"plastic": plastic, "copper": copper}, "c": {"plastic": 1.5e6, "copper": 3.4e6}},
    )
    solution = solve(problem, tol=1e-5)
    # k T'' = -source in each layer: the slope at x = 0 follows from T and k T' at the interface, and T at both ends
    a, b = 0.004, 0.006
    slope = source * (a**2 / (2 * plastic) + a * b / copper + b**2 / (2 * copper)) / (a + b * plastic / copper)
    steady = 293.15 + slope * 0.002 - source * 0.002**2 / (2 * plastic)
    assert solution.report.converged
    assert abs(solution(x=0.002, t=3.9e7) - steady) < 1e-5 * 293.15
    assert abs(solution(x=0.002, t=9e7) - 293.15) < 1e-5 * 293.15


@pytest.mark.slow
def test_a_source_on_a_part_that_jumps_in_time_too():
    """u_t = u_xx + 1 on the right half until t = 0.3."""

    def equation(u, x, t):
        return diff(u, t) - diff(u, x, x) - torch.where(x > 0.5, 1.0, 0.0) * torch.where(t < 0.3, 1.0, 0.0)

    problem = Problem(Interval(x=(0, 1)) * Time(t=(0, 0.5)), equation, [Dirichlet(u=0), Initial(u=0)])
    solution = solve(problem, tol=1e-6)
    assert solution.report.converged
    n = torch.arange(1, 400, dtype=torch.float64)
    c = 2 * (torch.cos(n * math.pi / 2) - torch.cos(n * math.pi)) / (n * math.pi)  # the source in sines
    decay = (n * math.pi) ** 2
    amplitude = c / decay * (1 - torch.exp(-decay * 0.3)) * torch.exp(-decay * 0.1)
    x = torch.linspace(0, 1, 11, dtype=torch.float64)
    series = (amplitude * torch.sin(n * math.pi * x[:, None])).sum(dim=1)
    assert (torch.as_tensor(solution(x=x, t=torch.full_like(x, 0.4))) - series).abs().max() < 1e-6


def test_cells_are_solved_one_by_one_as_all_at_once():
    """Of two fields on three layers: blocks of cells and of joints solve what the matrix of the whole solves."""
    domain = Interval(x=(0, 1)).split(at=[0.3, 0.5], names=("a", "b", "c")) * Time(t=(0, 1))

    def equations(u, v, x, t, k):
        return {"u": diff(u, t) - div(k * grad(u)) - v, "v": diff(v, t) - div(k * grad(v)) + u - 1}

    ends = [Dirichlet(u=0, v=0), Initial(u=lambda x: torch.sin(math.pi * x), v=1)]
    problem = Problem(domain, equations, ends, coefficients={"k": {"a": 1.0, "b": 10.0, "c": 3.0}})
    statements = with_base(read(problem))
    assert statements.base == (0.0, 0.0) and statements.breaks == ((0.3, 0.5),)
    edges, time = [0.0, 0.15, 0.3, 0.5, 1.0], torch.tensor(0.3, dtype=torch.float64)
    x = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)[:, None]
    found = []
    for system, kind in ((BandedGalerkin, LocalCells), (Galerkin, Cells)):
        basis = product_of([kind(edges, 12, statements.smoothness[0], statements.breaks[0])])
        own = system(statements, basis)
        jets = own.shaped([torch.zeros(1, own.count, dtype=torch.float64)] * 2)
        slopes = own.slopes(time, jets)
        solved = -slopes.factorised(2.0).solve(own.residual(time[None], jets)[0])
        found.append(solved.unflatten(0, (2, -1)) @ basis.rows(x, (0,)).mT)
        vector = torch.cos(torch.arange(own.count, dtype=torch.float64))
        again = slopes.factorised(2.0).solve(slopes.apply(0, vector) + 2.0 * slopes.apply(1, vector))
        torch.testing.assert_close(again, vector, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(*found, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", [Cells, LocalCells])
def test_modes_break_where_they_are_told(kind):
    line = kind([0.0, 0.2, 0.4, 1.0], 8, 2, [0.4])
    assert line.count == 3 * 8 - 2
    coefficients = torch.linspace(-1, 1, line.count, dtype=torch.float64)
    jumps = {}
    for edge in (0.2, 0.4):
        beside = torch.tensor([edge - 1e-13, edge + 1e-13], dtype=torch.float64)
        jumps[edge] = [(line.rows(beside, order) @ coefficients).diff().abs().item() for order in range(2)]
    assert max(jumps[0.2]) < 1e-6 and min(jumps[0.4]) > 1e-2
    fewer = line.finer(torch.ones(3, dtype=torch.bool)).coarser(torch.ones(6, dtype=torch.bool))
    assert fewer is not None and fewer.breaks == (0.4,)


def test_a_temperature_is_followed_beside_its_constant():
    """All between 293 and 294: what counts is what differs."""
    problem = Problem(
        Interval(x=(0, 1)) * Time(t=(0, 0.2)),
        lambda T, x, t: diff(T, t) - diff(T, x, x),
        [Dirichlet(T=293.15), Initial(T=lambda x: 293.15 + torch.sin(math.pi * x))],
    )
    solution = solve(problem, tol=1e-6)
    x = torch.linspace(0, 1, 21, dtype=torch.float64)
    t = torch.full_like(x, 0.1)
    wanted = 293.15 + torch.sin(math.pi * x) * math.exp(-(math.pi**2) * 0.1)
    assert (torch.as_tensor(solution(x=x, t=t)) - wanted).abs().max() < 1e-5


@pytest.mark.slow
def test_two_materials_in_the_plane():
    """Steps in time of a plate of two halves end at what least squares give without time."""
    square = Rectangle(x=(0, 1), y=(0, 1)).split(at={"x": 0.5}, names=("a", "b"))
    factors = {"k": {"a": 1.0, "b": 10.0}}

    def source(x, y):
        return torch.sin(math.pi * x) * torch.sin(math.pi * y)

    steady = Problem(square, lambda u, x, y, k: div(k * grad(u)) + source(x, y), [Dirichlet(u=0)], coefficients=factors)
    moving = Problem(
        square * Time(t=(0, 3)),
        lambda u, x, y, t, k: diff(u, t) - div(k * grad(u)) - source(x, y),
        [Dirichlet(u=0), Initial(u=0)],
        coefficients=factors,
    )
    solution, wanted = solve(moving, method=Evolution(), tol=1e-5), solve(steady, tol=1e-8)
    assert solution.report.converged
    x, y = torch.rand(2, 50, dtype=torch.float64)
    left = torch.as_tensor(solution(x=x, y=y, t=torch.full_like(x, 3.0))) - torch.as_tensor(wanted(x=x, y=y))
    assert left.abs().max() < 1e-5 * torch.as_tensor(wanted(x=x, y=y)).abs().max() * 10
