"""Fitting a function of one variable, smooth at first and harder by level."""

import math

import torch

from gmnm_pde import Interval, Problem

from ._regression import coefficients, regression


def regression_1d(level: int = 1, noise: float = 0.0, samples: int | None = None, seed: int = 0) -> Problem:
    """Fitting the paper's target in one variable on [-4, 4]: a sine, then sinh, a jump and a Gaussian added to it.

    T(x) = sin(pi x) - a sinh(x) + b U(x) + c N(x), U = 1/1.5 on [-3.5, -2] and 0 elsewhere, N the normal density of
    mean 0 and variance 0.6; (a, b, c) = (0, 0, 0), (5, 0, 0), (5, 0.1, 0), (5, 0.1, 40) by level. Source: arXiv
    2510.06660, section 4.1, read in one variable.

    Args:
        level: From 1 to 4.
        noise: Standard deviation of the noise on the samples, relative to the target's root mean square.
        samples: How many values of T at random points are given; without it T is given everywhere.
        seed: The seed of the points and the noise.
    """
    a, b, c = coefficients("regression_1d", level)
    height = c / math.sqrt(2 * math.pi * 0.6)

    def target(x):
        box = ((x >= -3.5) & (x <= -2)).to(x.dtype) / 1.5
        return torch.sin(torch.pi * x) - a * torch.sinh(x) + b * box + height * torch.exp(-(x**2) / 1.2)

    return regression(
        "regression_1d",
        Interval(x=(-4, 4)),
        target,
        lambda u, x: u - target(x),
        noise=noise,
        samples=samples,
        seed=seed,
    )
