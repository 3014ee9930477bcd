"""The Black-Scholes equation for many underlyings."""

import math

import torch

from gmnm_pde import DiffusionCone, Dirichlet, GmnmError, Problem, diff


def black_scholes_nd(dimension: int = 100, volatility: float = 0.4, rate: float = 0.05) -> Problem:
    """The Black-Scholes equation for many underlyings, backward from the last time 1, seen from their prices at 0.

    u_t + s^2 / 2 sum_i x_i^2 u_ii = r (u - x . grad u), u = |x|^2 at last, so that u = exp((r + s^2) (1 - t)) |x|^2.
    The value that is asked for is that at prices 1, 1/2, 1, 1/2 and so on, at first; in 100 dimensions 77.105. Source:
    M. Raissi, Forward-backward stochastic neural networks, arXiv 1804.07010, section 3.1.

    Args:
        dimension: The coordinates are x_1, x_2 and so on, 2 or more.
        volatility: s.
        rate: r.
    """
    if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 2:
        raise GmnmError(f"black_scholes_nd(dimension={dimension!r}): expected a number from 2 on, got {dimension!r}.")
    numbers = all(isinstance(value, int | float) and math.isfinite(value) for value in (volatility, rate))
    if not numbers or not volatility > 0:
        raise GmnmError(
            f"black_scholes_nd(volatility={volatility!r}, rate={rate!r}): expected a positive volatility and a finite "
            "rate."
        )
    start = [1.0 if k % 2 == 0 else 0.5 for k in range(dimension)]
    domain = DiffusionCone(0, start, volatility**2 / 2, t=(0, 1), coordinates=("x", dimension))

    def equation(u, x):
        second = sum(price**2 * diff(u, price, price) for price in x)
        return diff(u, "t") + volatility**2 / 2 * second - rate * (u - x @ diff(u, x))

    return Problem(
        domain=domain,
        equations=equation,
        conditions=[Dirichlet(u=lambda x: x @ x, on=domain.face(t=1))],
        exact=lambda x, t: torch.exp((rate + volatility**2) * (1 - t)) * (x @ x),
        name="black_scholes_nd",
    )
