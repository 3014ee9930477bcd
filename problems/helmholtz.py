"""The Helmholtz equation with plane waves."""

import math

import torch

from gmnm_pde import Dirichlet, Problem, Rectangle, laplacian


def helmholtz(wavelengths: float = 4.0) -> Problem:
    """Helmholtz's equation on the unit square, solved by two plane waves across each other.

    laplacian(u) + k^2 u = 0 with k = 2 pi times the number of wavelengths across the square, u given on the boundary.
    Source: plane waves are the textbook solutions; the two directions keep the problem from any symmetry.

    Args:
        wavelengths: How many fit across the square. Their k must not be an eigenvalue of the square: k^2 / pi^2 other
            than a sum of two squares of positive whole numbers; 4, 8 and 16 are fine.
    """
    k = 2 * math.pi * wavelengths

    def wave(angle, x, y):
        return k * (math.cos(angle) * x + math.sin(angle) * y)

    def exact(x, y):
        return torch.sin(wave(0.6, x, y)) + torch.cos(wave(2.0, x, y))

    return Problem(
        domain=Rectangle(x=(0, 1), y=(0, 1)),
        equations=lambda u: laplacian(u) + k**2 * u,
        conditions=[Dirichlet(u=exact)],
        exact=exact,
        name="helmholtz",
    )
