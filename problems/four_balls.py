"""A cube with four balls taken out, and two layers of different stiffness."""

import math

import torch

from gmnm_pde import Ball, Box, Neumann, Problem, laplacian

_BALLS = (((0.4, 0.3, 0.6), 0.2), ((0.6, 0.7, 0.6), 0.2), ((0.2, 0.8, 0.7), 0.1), ((0.6, 0.2, 0.3), 0.1))
"""Centers and radii."""


def four_balls() -> Problem:
    """A screened Poisson equation in two layers on the unit cube without four balls, u_n = 0 on the whole boundary.

    -laplacian(u) + k^2 u = f, k = 8 for z < 1/2 and 10 above it, f = 20 exp(sin pi x + sin 10 pi y + sin 5 pi z) (r^2 -
    1) / (r^2 + 1) + 100 sin(pi x) sin(10 pi y) sin(5 pi z), r the distance from the origin. Source: PINNacle's "Poisson
    3d-CG" (arXiv 2306.08827), whose best published score of twelve methods is 1.0e-1. Where k jumps, u and
    its first derivatives do not. No exact solution is known.
    """

    def source(x, y, z):
        waves = torch.sin(math.pi * x), torch.sin(10 * math.pi * y), torch.sin(5 * math.pi * z)
        square = x**2 + y**2 + z**2
        bumps = torch.exp(waves[0] + waves[1] + waves[2]) * (square - 1) / (square + 1)
        return 20 * bumps + 100 * waves[0] * waves[1] * waves[2]

    def screened(u, x, y, z):
        stiffness = torch.where(z < 0.5, 8.0**2, 10.0**2)
        return -laplacian(u) + stiffness * u - source(x, y, z)

    domain = Box(x=(0, 1), y=(0, 1), z=(0, 1))
    for center, radius in _BALLS:
        domain = domain - Ball(center=center, radius=radius)
    return Problem(domain=domain, equations=screened, conditions=[Neumann(u=0)], name="four_balls")
