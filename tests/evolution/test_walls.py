"""Flows between walls, with a pressure: velocities are free of divergence from the beginning on."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.evolution.reading import read
from gmnm_pde.evolution.solvers.saddle import Saddle
from gmnm_pde.evolution.space.splitting import constant_slopes
from gmnm_pde.evolution.space.systems import system_of
from gmnm_pde.models.modes import Cells, Polynomials, Product, Waves

PI, NU = math.pi, 0.1


def in_a_square():
    """A flow in a square with walls, by a force: the curl of a stream function, with a pressure."""
    domain = g.Rectangle(x=(0, 1), y=(0, 1)) * g.Time(t=(0, 1))

    def flow(x, y, t):
        u = torch.sin(PI * x) ** 2 * torch.sin(2 * PI * y) * torch.cos(t)
        v = -torch.sin(2 * PI * x) * torch.sin(PI * y) ** 2 * torch.cos(t)
        return {"u": u, "v": v, "p": torch.cos(PI * x) * torch.sin(PI * y) * torch.cos(t)}

    def force(x, y, t):
        s, c, sx, sy = torch.sin, torch.cos, torch.sin(PI * x) ** 2, torch.sin(PI * y) ** 2
        own, turn = c(t), -s(t)
        u, v = sx * s(2 * PI * y) * own, -s(2 * PI * x) * sy * own
        u_x, u_y = PI * s(2 * PI * x) * s(2 * PI * y) * own, 2 * PI * sx * c(2 * PI * y) * own
        v_x, v_y = -2 * PI * c(2 * PI * x) * sy * own, -PI * s(2 * PI * x) * s(2 * PI * y) * own
        bend_u = (2 * PI**2 * c(2 * PI * x) * s(2 * PI * y) - 4 * PI**2 * sx * s(2 * PI * y)) * own
        bend_v = (4 * PI**2 * s(2 * PI * x) * sy - 2 * PI**2 * s(2 * PI * x) * c(2 * PI * y)) * own
        p_x, p_y = -PI * s(PI * x) * s(PI * y) * own, PI * c(PI * x) * c(PI * y) * own
        along = sx * s(2 * PI * y) * turn + u * u_x + v * u_y - NU * bend_u + p_x
        return along, -s(2 * PI * x) * sy * turn + u * v_x + v * v_y - NU * bend_v + p_y

    def equations(u, v, p, x, y, t):
        advected = (
            g.diff(u, t) + u * g.diff(u, x) + v * g.diff(u, y) + g.diff(p, x) - NU * g.laplacian(u),
            g.diff(v, t) + u * g.diff(v, x) + v * g.diff(v, y) + g.diff(p, y) - NU * g.laplacian(v),
        )
        along, across = force(x, y, t)
        return advected[0] - along, advected[1] - across, g.diff(u, x) + g.diff(v, y)

    first = g.Initial(u=lambda x, y: flow(x, y, 0 * x)["u"], v=lambda x, y: flow(x, y, 0 * x)["v"])
    given = g.Observations([[0.5, 0.5, 0.1]], p=[0.0])
    return g.Problem(domain, equations, [g.Dirichlet(u=0, v=0), first, given], exact=flow)


def test_a_square_with_walls():
    report = g.solve(in_a_square(), tol=1e-4).report
    assert report.converged and report.method.startswith("evolution")
    assert max(report.relative_l2.values()) < report.error_estimate < 1e-4


def stokes(basis):
    """Stokes' equations in some modes, with walls across lines that are not periodic."""
    periodic = [isinstance(line, Waves) for line in basis.lines]
    names = ["x", "y"]
    domain = g.Rectangle(x=(0, 1), y=(0, 1))
    sides = [domain.face(**{name: end}) for name, own in zip(names, periodic, strict=True) if not own for end in (0, 1)]
    walls = sides[0]
    for side in sides[1:]:
        walls = walls | side
    conditions = [g.Periodic(name) for name, own in zip(names, periodic, strict=True) if own]

    def equations(u, v, p, x, y, t):
        return (
            g.diff(u, t) + g.diff(p, x) - NU * g.laplacian(u),
            g.diff(v, t) + g.diff(p, y) - NU * g.laplacian(v),
            g.diff(u, x) + g.diff(v, y),
        )

    start = [g.Initial(u=0, v=0), g.Observations([[0.5, 0.5, 0.1]], p=[0.0])]
    problem = g.Problem(domain * g.Time(t=(0, 1)), equations, [*conditions, g.Dirichlet(u=0, v=0, on=walls), *start])
    return system_of(read(problem), basis)


@pytest.mark.parametrize("rate", [40.0, 30.0 + 20.0j])
@pytest.mark.parametrize(
    "lines",
    [
        (Polynomials((0.0, 1.0), 12), Polynomials((0.0, 1.0), 13)),
        (Cells((0.0, 0.3, 1.0), 8, 2), Cells((0.0, 0.5, 1.0), 9, 2)),
        (Waves((0.0, 1.0), 6), Polynomials((0.0, 1.0), 13)),
    ],
    ids=["even apart from odd", "cells", "channel"],
)
def test_velocities_and_pressure_solve_stokes_equations(lines, rate):
    system = stokes(Product(lines))
    solver = Saddle(system, constant_slopes(system.statements))
    generator = torch.Generator().manual_seed(0)
    parts = torch.randn(2, system.count, generator=generator, dtype=torch.float64)
    right = torch.complex(*parts) if isinstance(rate, complex) else parts[0]
    solution = solver.solved(rate, right)

    def multiplied(vector):
        return solver.multiplied(0, vector) + rate * solver.multiplied(1, vector)

    left = multiplied(solution.real) + (1j * multiplied(solution.imag) if solution.is_complex() else 0.0) - right
    assert left.norm() < 1e-9 * right.norm()


@pytest.mark.slow
def test_a_flow_in_three_dimensions():
    report = g.solve(g.registry.load("beltrami"), tol=1e-5).report
    assert report.converged and report.method.startswith("evolution")
    assert max(report.relative_l2.values()) < report.error_estimate < 1e-5
