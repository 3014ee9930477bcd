"""Flows between walls, with a pressure: velocities are free of divergence from the beginning on."""

import math

import torch

import gmnm_pde as g

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
