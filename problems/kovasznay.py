"""Kovasznay flow: the steady Navier-Stokes equations behind a grid."""

import math

import torch

from gmnm_pde import Dirichlet, Observations, Problem, Rectangle, diff, laplacian


def kovasznay(reynolds: float = 40.0) -> Problem:
    """Kovasznay flow, the steady Navier-Stokes equations for u, v and p on [-0.5, 1] x [-0.5, 1.5].

    Velocities are given on the boundary, the pressure at one corner (it is free up to a constant). Source: L. I. G.
    Kovasznay, Laminar flow behind a two-dimensional grid, Proc. Camb. Phil. Soc. 44 (1948).

    Args:
        reynolds: The Reynolds number.
    """
    pi = math.pi
    decay = reynolds / 2 - math.sqrt(reynolds**2 / 4 + 4 * pi**2)

    def speed_x(x, y):
        return 1 - torch.exp(decay * x) * torch.cos(2 * pi * y)

    def speed_y(x, y):
        return decay / (2 * pi) * torch.exp(decay * x) * torch.sin(2 * pi * y)

    def pressure(x):
        return (1 - torch.exp(2 * decay * x)) / 2

    def navier_stokes(u, v, p, x, y):
        return {
            "momentum_x": u * diff(u, x) + v * diff(u, y) + diff(p, x) - laplacian(u) / reynolds,
            "momentum_y": u * diff(v, x) + v * diff(v, y) + diff(p, y) - laplacian(v) / reynolds,
            "mass": diff(u, x) + diff(v, y),
        }

    corner = [[-0.5, -0.5]]
    return Problem(
        domain=Rectangle(x=(-0.5, 1), y=(-0.5, 1.5)),
        equations=navier_stokes,
        conditions=[
            Dirichlet(u=speed_x, v=speed_y),
            Observations(corner, p=[(1 - math.exp(-decay)) / 2]),
        ],
        exact=lambda x, y: {"u": speed_x(x, y), "v": speed_y(x, y), "p": pressure(x)},
        name="kovasznay",
    )
