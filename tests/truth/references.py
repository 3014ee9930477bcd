"""Right solutions by closed forms and by the integrators of scipy."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_bvp, solve_ivp
from torch import Tensor


def initial_value(rhs: Callable, start: Sequence[float], end: float, names: Sequence[str], method: str = "DOP853"):
    """The solution of an initial value problem on (0, end), a function of t, computed when it is first asked for."""

    @lru_cache(maxsize=1)
    def dense() -> Any:
        return solve_ivp(rhs, (0, end), start, method=method, rtol=1e-12, atol=1e-14, dense_output=True).sol

    def exact(t):
        values = torch.as_tensor(dense()(np.asarray(t.detach())), dtype=torch.float64)
        return dict(zip(names, values, strict=True))

    return exact


def two_point(rhs: Callable, ends: Callable, low: float, high: float, guess: Callable):
    """The first component of the solution of a two-point boundary value problem, a function of r."""

    @lru_cache(maxsize=1)
    def dense() -> Any:
        x = low + (high - low) * np.linspace(0, 1, 2001) ** 2
        found = solve_bvp(rhs, ends, x, guess(x), tol=1e-11, max_nodes=200_000)
        assert found.success, found.message
        return found.sol

    def exact(r):
        return torch.as_tensor(dense()(np.asarray(r.detach()))[0], dtype=torch.float64)

    return exact


def gaussian(x: Tensor, middle: float, width: float) -> Tensor:
    """exp(-(x - middle)^2 / (2 width^2))."""
    return torch.exp(-((x - middle) ** 2) / (2 * width**2))


def gaussian_twice(x: Tensor, middle: float, width: float) -> Tensor:
    """A function whose second derivative is ``gaussian``."""
    z = (x - middle) / width
    return width**2 * (z * _below(z) + torch.exp(-(z**2) / 2))


def gaussian_four_times(x: Tensor, middle: float, width: float) -> Tensor:
    """A function whose fourth derivative is ``gaussian``."""
    z = (x - middle) / width
    return width**4 / 6 * ((z**3 + 3 * z) * _below(z) + (z**2 + 2) * torch.exp(-(z**2) / 2))


def _below(z: Tensor) -> Tensor:
    """The integral of exp(-s^2 / 2) from minus infinity to z."""
    return math.sqrt(math.pi / 2) * torch.erfc(-z / math.sqrt(2))


def between(values: Callable[[Tensor], Tensor], x: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """``values`` less the straight line that meets it at both ends."""
    ends = values(torch.tensor([low, high], dtype=torch.float64))
    return values(x) - ends[0] - (ends[1] - ends[0]) * (x - low) / (high - low)


def smoothed_jump(y: Tensor, low: float, high: float, width: float, middle: float = 0.5) -> Tensor:
    """The integral from 0 to y of 1 / k, with k = low + (high - low) sigmoid((y - middle) / width)."""

    def primitive(y: Tensor) -> Tensor:
        z = (y - middle) / width
        log = torch.logaddexp(z + math.log(high), torch.full_like(z, math.log(low)))
        return width * (z / low + (1 / high - 1 / low) * log)

    return primitive(y) - primitive(torch.zeros_like(y))


def clamped(values: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """``values`` on (0, 1) less the cubic that has its values and slopes at both ends (a slope by autograd)."""
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    at = values(ends)
    (slopes,) = torch.autograd.grad(at.sum(), ends)
    (a, b), (p, q) = at.detach(), slopes
    cubic = (2 * a - 2 * b + p + q) * x**3 + (-3 * a + 3 * b - 2 * p - q) * x**2 + p * x + a
    return values(x) - cubic
