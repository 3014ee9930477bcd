"""Fitting a function of two variables, smooth at first and harder by level: the paper's Figure 2."""

import math

import torch

from gmnm_pde import Problem, Rectangle

from ._regression import coefficients, regression


def regression_2d(level: int = 1, noise: float = 0.0, samples: int | None = None, seed: int = 0) -> Problem:
    """Fitting the paper's target on [-4, 4]^2: a product of sines, then sinh, a jump and a Gaussian added to it.

    T(x, y) = sin(pi x) sin(pi y) - a (sinh x + sinh y) + b U(x, y) + c N(x, y), U = 1/1.5 on [-3.5, -2] x [2, 3] and 0
    elsewhere, N the normal density of mean 0 and covariance [[0.6, 1.1], [1.1, 3.9]]; (a, b, c) = (0, 0, 0), (5, 0, 0),
    (5, 0.1, 0), (5, 0.1, 40) by level. Source: arXiv 2510.06660, section 4.1; its covariance [[0.6, 2.0], [1.1, 3.9]]
    is not symmetric, and is read by its lower triangle.

    Args:
        level: From 1 to 4.
        noise: Standard deviation of the noise on the samples, relative to the target's root mean square.
        samples: How many values of T at random points are given; without it T is given everywhere.
        seed: The seed of the points and the noise.
    """
    a, b, c = coefficients("regression_2d", level)
    determinant = 0.6 * 3.9 - 1.1**2
    height = c / (2 * math.pi * math.sqrt(determinant))

    def target(x, y):
        box = ((x >= -3.5) & (x <= -2) & (y >= 2) & (y <= 3)).to(x.dtype) / 1.5
        distance = (3.9 * x**2 - 2.2 * x * y + 0.6 * y**2) / determinant
        waves = torch.sin(torch.pi * x) * torch.sin(torch.pi * y)
        return waves - a * (torch.sinh(x) + torch.sinh(y)) + b * box + height * torch.exp(-distance / 2)

    return regression(
        "regression_2d",
        Rectangle(x=(-4, 4), y=(-4, 4)),
        target,
        lambda u, x, y: u - target(x, y),
        noise=noise,
        samples=samples,
        seed=seed,
    )
