"""An inverse problem: a coefficient that varies, from noisy values of the solution."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Observations, Problem, Rectangle, diff, div

_SIDE = 50
"""Sensors along each side of the square."""


def poisson_inverse(noise: float = 0.0, seed: int = 0) -> Problem:
    """Poisson's equation on the unit square with an unknown coefficient a(x, y), found from values of u at sensors.

    div(a grad u) + f = 0 with u seen on a grid of 50 x 50 points and a known on the boundary; u = sin(pi x) sin(pi y),
    a = 1 / (1 + x^2 + y^2 + (x - 1)^2 + (y - 1)^2). Nothing is said of u itself on the boundary, and where u is
    highest the equation does not hold on to grad a. Source: PINNacle's "PInv" (arXiv 2306.08827), where the noise is
    0.1, the best published score of twelve methods 2.0e-2, and the factors 2 x - 1 and 2 y - 1 of f are misprinted as
    2 x + 1 and 2 y + 1.

    Args:
        noise: Standard deviation of the errors at the sensors. With any, the exact solution contradicts its data.
        seed: The seed of the errors of measurement.
    """
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise < math.inf:
        raise GmnmError(f"poisson_inverse(noise={noise!r}): expected a standard deviation from 0, got {noise!r}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise GmnmError(f"poisson_inverse(seed={seed!r}): expected a whole number from 0, got {seed!r}.")
    pi = torch.pi

    def state(x, y):
        return torch.sin(pi * x) * torch.sin(pi * y)

    def coefficient(x, y):
        return 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)

    def source(x, y):
        along_x = (2 * x - 1) * torch.cos(pi * x) * torch.sin(pi * y)
        along_y = (2 * y - 1) * torch.sin(pi * x) * torch.cos(pi * y)
        a = coefficient(x, y)
        return 2 * pi * a * (pi * state(x, y) + a * (along_x + along_y))

    side = torch.linspace(0, 1, _SIDE, dtype=torch.float64)
    points = torch.cartesian_prod(side, side)
    errors = torch.randn(len(points), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return Problem(
        domain=Rectangle(x=(0, 1), y=(0, 1)),
        equations=lambda u, a, x, y: div(a * diff(u, x), a * diff(u, y)) + source(x, y),
        conditions=[
            Observations(points, noise=noise or None, u=state(*points.unbind(-1)) + noise * errors),
            Dirichlet(a=coefficient),
        ],
        exact=lambda x, y: {"u": state(x, y), "a": coefficient(x, y)},
        name="poisson_inverse",
    )
