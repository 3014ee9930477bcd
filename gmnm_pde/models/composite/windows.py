"""Smooth steps, the windows they make, and derivatives of products of a window and what stands in it."""

from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.models.mixtures.kernels import column
from gmnm_pde.multiindex import Alpha, Operator, leibniz

Window = Mapping[Alpha, Tensor | float]
"""Derivatives of a window at points, [n] each, or a number where it is the same at all of them."""


@cache
def _step_polynomial(smoothness: int, order: int) -> tuple[float, ...]:
    """Coefficients, highest power first, of the ``order``-th derivative of the step S on (-1, 1).

    S' = c (1 - t^2)^smoothness, so that S has ``smoothness`` continuous derivatives where it meets 0 and 1.
    """
    slope = np.polynomial.Polynomial([1.0, 0.0, -1.0]) ** smoothness
    area = slope.integ(lbnd=-1.0)(1.0)
    step = slope.integ(lbnd=-1.0) / area
    return tuple(map(float, step.deriv(order).coef[::-1]))


def step(t: Tensor, order: int, smoothness: int) -> Tensor:
    """The ``order``-th derivative of a step from 0 at t <= -1 to 1 at t >= 1."""
    inside = t.clamp(-1.0, 1.0)
    value = torch.zeros_like(t)
    for c in _step_polynomial(smoothness, order):
        value = value * inside + c
    return value if order == 0 else torch.where(t.abs() < 1, value, 0.0)


def axis_window(
    x: Tensor, low: float, high: float, rise: float, fall: float, order: int, smoothness: int
) -> Tensor | float:
    """The ``order``-th derivative at x [n] of a window that is 1 between ``low`` and ``high`` and 0 outside.

    It rises over ``rise`` on both sides of ``low`` and falls over ``fall`` on both sides of ``high``; where a margin is
    0 the window has no end on that side. The margins do not meet.
    """
    up: Tensor | float = 1.0 if order == 0 else 0.0
    if rise:
        up = step((x - low) / rise, order, smoothness) / rise**order
    if fall:
        down = step((x - high) / fall, order, smoothness) / fall**order
        return up * (1.0 - down) if order == 0 else up - down
    return up


def inner_operator(operator: Operator, window: Window, x: Tensor) -> dict[Alpha, Tensor]:
    """The operator on phi that equals ``operator`` on the product of the window and phi, by Leibniz' rule.

    Args:
        operator: Derivatives to coefficients, numbers or tensors [] or [n].
        window: Derivatives of the window at the points, numbers where they are the same everywhere.
        x: The points [n, d], for dtype and device.
    """
    inner: dict[Alpha, Tensor] = {}
    for alpha, c in operator.items():
        for beta, rest, times in leibniz(alpha):
            part = window[rest]
            if isinstance(part, float) and part == 0.0:
                continue
            term = times * column(c, x) * part
            inner[beta] = inner[beta] + term if beta in inner else term
    return inner


def quotient(
    numerator: Window, denominator: Mapping[Alpha, Tensor], alphas: Iterable[Alpha]
) -> dict[Alpha, Tensor | float]:
    """Derivatives of a quotient from those of numerator and denominator, by Leibniz' rule for their product.

    ``alphas`` are in order: every multi-index after those below it.
    """
    derivatives: dict[Alpha, Tensor | float] = {}
    zero = next(iter(alphas))
    for alpha in alphas:
        value: Tensor | float = numerator[alpha]
        for beta, rest, times in leibniz(alpha):
            if beta != alpha:
                value = value - times * derivatives[beta] * denominator[rest]
        derivatives[alpha] = value / denominator[zero]
    return derivatives
