"""What the regression problems share: the levels of the paper's targets, and samples of them."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gmnm_pde import Box, GmnmError, Observations, Problem
from gmnm_pde.sampling import sample

LEVELS = {1: (0.0, 0.0, 0.0), 2: (5.0, 0.0, 0.0), 3: (5.0, 0.1, 0.0), 4: (5.0, 0.1, 40.0)}
"""(a, b, c) of arXiv 2510.06660, section 4.1, by level."""

_NOISE_SEED = 7919
"""What is added to the seed of the samples' places for that of their errors."""


def coefficients(name: str, level: int) -> tuple[float, float, float]:
    """(a, b, c) of a level."""
    if isinstance(level, bool) or not isinstance(level, int) or level not in LEVELS:
        raise GmnmError(f"{name}(level={level!r}): expected a level from 1 to 4, got {level!r}.")
    return LEVELS[level]


def regression(
    name: str,
    domain: Box,
    target: Callable[..., Tensor],
    equation: Callable[..., Any],
    *,
    noise: float,
    samples: int | None,
    seed: int,
) -> Problem:
    """The problem of fitting ``target``: everywhere by ``equation``, or from ``samples`` of it alone."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise GmnmError(f"{name}(seed={seed!r}): expected a whole number from 0, got {seed!r}.")
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not (math.isfinite(noise) and noise >= 0):
        raise GmnmError(f"{name}(noise={noise!r}): expected a standard deviation from 0, got {noise!r}.")
    if samples is None:
        if noise:
            raise GmnmError(
                f"{name}(noise={noise!r}): expected a number of samples with it, got none. Give samples=..."
            )
        return Problem(domain, equation, exact=target, name=name)
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise GmnmError(f"{name}(samples={samples!r}): expected a positive number of samples, got {samples!r}.")
    points = sample(domain.interior, samples, "random", seed=seed).points
    values = target(*points.unbind(-1))
    if noise:
        everywhere = target(*sample(domain.interior, 4096, "sobol", seed=1).points.unbind(-1))
        generator = torch.Generator().manual_seed(seed + _NOISE_SEED)
        drawn = torch.randn(samples, generator=generator, dtype=values.dtype)
        values = values + noise * everywhere.square().mean().sqrt() * drawn
    return Problem(domain, (), [Observations(points, u=values)], exact=target, name=name)
