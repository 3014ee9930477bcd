"""Right solutions by closed forms and by integrators of high order."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_ivp
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


def screened(k: float, size: float, far: float = 21.0, nodes: int = 160):
    """phi'' + 2 phi' / r = k^2 sinh(phi), phi(1) = size, phi'(far) = 0, a function of r, by Chebyshev collocation.

    Nodes are drawn to the sphere by r = 1 + c (exp(5 s) - 1), and Newton's method begins with a decaying exponential.
    """

    @lru_cache(maxsize=1)
    def solved() -> tuple[np.ndarray, np.ndarray, float]:
        x, D = chebyshev(nodes)
        s, c = (x + 1) / 2, (far - 1) / (math.exp(5) - 1)
        r = 1 + c * (np.exp(5 * s) - 1)
        slope = 2 * D / (5 * c * np.exp(5 * s))[:, None]
        operator = slope @ slope + 2 / r[:, None] * slope
        phi = size * np.exp(-2 * k * (r - 1)) / r
        for _ in range(100):
            residual = operator @ phi - k**2 * np.sinh(phi)
            J = operator - np.diag(k**2 * np.cosh(phi))
            residual[0], residual[-1] = phi[0] - size, slope[-1] @ phi
            J[0], J[-1] = np.eye(nodes + 1)[0], slope[-1]
            step = np.linalg.solve(J, residual)
            phi = phi - step * min(1.0, 1.0 / np.abs(step).max())
            if np.abs(step).max() < 1e-11:
                return s, phi, c
        raise AssertionError("Newton's method did not converge")

    def exact(r):
        s, phi, c = solved()
        at = np.log1p((np.asarray(r.detach()) - 1) / c) / 5
        return torch.as_tensor((barycentric(s, np.clip(at, 0, 1)) * phi).sum(1))

    return exact


def chebyshev(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes from -1 to 1 and the matrix of the derivative."""
    x = -np.cos(np.pi * np.arange(n + 1) / n)
    c = np.ones(n + 1)
    c[[0, -1]] = 2
    c *= (-1.0) ** np.arange(n + 1)
    D = np.outer(c, 1 / c) / (x[:, None] - x + np.eye(n + 1))
    return x, D - np.diag(D.sum(1))


def barycentric(nodes: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Weights of interpolation from nodes to points, [points, nodes]."""
    w = (-1.0) ** np.arange(len(nodes))
    w[[0, -1]] /= 2
    gap = x[:, None] - nodes
    exactly = gap == 0
    ratio = w / np.where(exactly, 1.0, gap)
    ratio = np.where(exactly.any(1)[:, None], exactly, ratio)
    return ratio / ratio.sum(1, keepdims=True)


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
