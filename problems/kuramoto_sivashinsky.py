"""The Kuramoto-Sivashinsky equation, whose solutions are chaotic."""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from gmnm_pde import GmnmError, Initial, Interval, Periodic, Problem, Time, diff

from ._exponential import etdrk4

_ALPHA = 100 / 16
"""The coefficient of u u_x."""

_BETA = 100 / 16**2
"""The coefficient of u_xx."""

_GAMMA = 100 / 16**4
"""The coefficient of u_xxxx."""

_NODES = 320
"""Nodes of the Fourier grid: the coefficients at its end are below 1e-13."""

_STEP = 1e-4
"""The step in time."""

_NEAR = 8
"""How many times next to each other the interpolation in time uses."""


def kuramoto_sivashinsky(end: float = 0.4) -> Problem:
    """The Kuramoto-Sivashinsky equation on a ring of length 2 pi, smooth at first and chaotic later on.

    u_t + 100/16 u u_x + 100/16^2 u_xx + 100/16^4 u_xxxx = 0, u(x, 0) = cos x (1 + sin x). The exact solution is
    computed, when it is first asked for, by a Fourier method with exponential Runge-Kutta steps: errors are below 1e-10
    up to t = 0.4 and grow to 1e-8 at t = 1, for the equation multiplies those of rounding. Source: PINNacle's "KS"
    (arXiv 2306.08827), where t goes to 1, no periodicity is stated, and the best published score of twelve methods is
    9.6e-1; A.-K. Kassam and L. N. Trefethen, Fourth-order time-stepping for stiff PDEs, SIAM Journal on Scientific
    Computing 26 (2005).

    Args:
        end: The last time, at most 1.
    """
    if isinstance(end, bool) or not isinstance(end, int | float) or not 0 < end <= 1:
        raise GmnmError(f"kuramoto_sivashinsky(end={end!r}): expected a time above 0 and at most 1, got {end!r}.")
    return Problem(
        domain=Interval(x=(0, 2 * torch.pi)) * Time(t=(0, end)),
        equations=lambda u, x, t: (
            diff(u, t) + _ALPHA * u * diff(u, x) + _BETA * diff(u, x, x) + _GAMMA * diff(u, x, x, x, x)
        ),
        conditions=[Periodic("x"), Initial(u=lambda x: torch.cos(x) * (1 + torch.sin(x)))],
        exact=lambda x, t: _interpolated(x, t, end),
        name="kuramoto_sivashinsky",
    )


def _interpolated(x: Tensor, t: Tensor, end: float) -> Tensor:
    """The solution anywhere: its trigonometric polynomial, with coefficients by Lagrange interpolation in time."""
    table = _coefficients(end).to(x)
    position = t * ((len(table) - 1) / end)
    first = (position.detach().floor().long() - _NEAR // 2 + 1).clamp(0, len(table) - _NEAR)
    offset = position - first
    at_t: Tensor | float = 0.0
    for j in range(_NEAR):
        factors = [(offset - m) / (j - m) for m in range(_NEAR) if m != j]
        weight = torch.stack(factors).prod(dim=0)
        at_t = at_t + weight[..., None] * table[first + j]
    phase = x[..., None] * torch.arange(_NODES // 2, dtype=x.dtype, device=x.device)
    return (at_t * torch.cat([torch.cos(phase), torch.sin(phase)], dim=-1)).sum(dim=-1)


@lru_cache(maxsize=4)
def _coefficients(end: float) -> Tensor:
    """Coefficients of cosines and sines by time, [times, 2 modes], extrapolated from steps of two lengths."""
    count = max(math.ceil(end / _STEP), _NEAR)
    coarse, fine = _march(end, count), _march(end, 2 * count)
    rows = [next(fine)]
    next(coarse)
    for v in coarse:
        next(fine)
        rows.append((16 * next(fine) - v) / 15)
    spectrum = np.stack(rows)[:, : _NODES // 2] * (2 / _NODES)
    spectrum[:, 0] /= 2
    return torch.as_tensor(np.concatenate([spectrum.real, -spectrum.imag], axis=1))


def _march(end: float, steps: int) -> Iterator[np.ndarray]:
    """Fourier coefficients after each step of ETDRK4, the initial ones first."""
    x = 2 * np.pi * np.arange(_NODES) / _NODES
    k = np.arange(_NODES // 2 + 1)
    linear = _BETA * k**2 - _GAMMA * k**4
    advection = -0.5j * _ALPHA * k
    advection[-1] = 0

    def nonlinear(v: np.ndarray) -> np.ndarray:
        return advection * np.fft.rfft(np.fft.irfft(v, _NODES) ** 2)

    start = np.fft.rfft(np.cos(x) * (1 + np.sin(x)))
    return etdrk4(start, linear, nonlinear, end / steps, steps)
