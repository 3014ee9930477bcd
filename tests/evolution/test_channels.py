"""Flows in channels: periodic along the walls, with a pressure."""

import math

import pytest
import torch

import gmnm_pde as g

PI, NU = math.pi, 0.1
CHANNEL = g.Rectangle(x=(0, 1), y=(0, 1))
WALLS = CHANNEL.face(y=0) | CHANNEL.face(y=1)


def navier_stokes(push=lambda x, y, t: (0.0, 0.0)):
    """The equations, with a force."""

    def equations(u, v, p, x, y, t):
        along, across = push(x, y, t)
        return (
            g.diff(u, t) + u * g.diff(u, x) + v * g.diff(u, y) + g.diff(p, x) - NU * g.laplacian(u) - along,
            g.diff(v, t) + u * g.diff(v, x) + v * g.diff(v, y) + g.diff(p, y) - NU * g.laplacian(v) - across,
            g.diff(u, x) + g.diff(v, y),
        )

    return equations


def along(profile):
    """A flow along the walls that depends on y and t."""
    return lambda x, y, t: {"u": profile(y, t), "v": 0 * x, "p": 0 * x}


def dying(y, t):
    """A shear flow that dies out."""
    return torch.sin(PI * y) * torch.exp(-NU * PI**2 * t)


def poiseuille(y, t):
    """What a constant force makes of a fluid at rest."""
    odd = torch.arange(1, 200, 2, dtype=torch.float64)[:, None]
    waves = torch.sin(PI * odd * y) * torch.exp(-NU * (PI * odd) ** 2 * t) / odd**3
    return y * (1 - y) / (2 * NU) - 4 / (NU * PI**3) * waves.sum(dim=0)


def oscillating(y, t):
    """What a wall that goes to and fro makes of the fluid beside it: Stokes' second problem, with a lid."""
    rate = torch.tensor(2j * PI / NU).to(torch.complex128).sqrt()
    return (torch.sinh(rate * (1 - y)) / torch.sinh(rate) * torch.exp(2j * PI * t)).real


def flow(profile, begins, lower=0.0, push=0.0):
    """The problem of a flow along the walls."""
    walls = [g.Dirichlet(u=lower, v=0, on=CHANNEL.face(y=0)), g.Dirichlet(u=0, v=0, on=CHANNEL.face(y=1))]
    conditions = [g.Periodic("x"), *walls, g.Initial(u=begins, v=0), g.Observations([[0.0, 0.0, 0.0]], p=[0.0])]
    equations = navier_stokes(lambda x, y, t: (push, 0.0))
    return g.Problem(CHANNEL * g.Time(t=(0, 1)), equations, conditions, exact=along(profile))


def swinging_wall(t):
    """The speed of a wall."""
    return torch.cos(2 * PI * t)


FLOWS = {
    "dying": flow(dying, lambda y: torch.sin(PI * y)),
    "poiseuille": flow(poiseuille, 0.0, push=1.0),
    "oscillating": flow(oscillating, lambda y: oscillating(y, 0 * y), lower=swinging_wall),
}


@pytest.mark.parametrize("name", FLOWS)
def test_flows_along_walls(name):
    report = g.solve(FLOWS[name], tol=1e-4).report
    assert report.converged and report.method.startswith("evolution")
    assert report.relative_l2["u"] < report.error_estimate < 1e-4
    assert report.max_error["v"] < 1e-9 and report.max_error["p"] < 1e-6


K = 2 * PI


def whirling(x, y, t):
    """Whirls between walls at rest, the curl of sin(k x) Y(y) exp(-t) with Y = (4 y (1 - y))^2, and a pressure."""
    bump, slope = 16 * y**2 * (1 - y) ** 2, 32 * y * (1 - y) * (1 - 2 * y)
    fading, s, c = torch.exp(-t), torch.sin(K * x), torch.cos(K * x)
    return {"u": slope * s * fading, "v": -K * bump * c * fading, "p": y * c * fading}


def stirring(x, y, t):
    """The force that they take."""
    bump, slope = 16 * y**2 * (1 - y) ** 2, 32 * y * (1 - y) * (1 - 2 * y)
    bent, third = 32 * (1 - 6 * y + 6 * y**2), 192 * (2 * y - 1)
    fading, s, c = torch.exp(-t), torch.sin(K * x), torch.cos(K * x)
    u, v = slope * s * fading, -K * bump * c * fading
    along = -u + fading * (u * K * c * slope + v * s * bent - K * s * y - NU * s * (third - K**2 * slope))
    across = -v + fading * (u * K**2 * s * bump - v * K * c * slope + c - NU * K * c * (K**2 * bump - bent))
    return along, across


def test_whirls_between_walls():
    begins = {name: lambda x, y, name=name: whirling(x, y, 0 * x)[name] for name in ("u", "v")}
    conditions = [g.Periodic("x"), g.Dirichlet(u=0, v=0, on=WALLS), g.Initial(**begins)]
    gauge = g.Observations([[0.0, 0.0, 0.0]], p=[0.0])
    domain = CHANNEL * g.Time(t=(0, 0.5))
    problem = g.Problem(domain, navier_stokes(stirring), [*conditions, gauge], exact=whirling)
    problem.verify()
    report = g.solve(problem, tol=1e-5).report
    assert report.converged and report.method.startswith("evolution")
    assert max(report.relative_l2.values()) < report.error_estimate < 1e-5
