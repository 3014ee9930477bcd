"""The Black-Scholes equation: the price of a European call."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Interval, Problem, Time, diff


def black_scholes(volatility: float = 0.2, rate: float = 0.05, start: float = 0.05) -> Problem:
    """The Black-Scholes equation for a European call, on logarithms x of its underlying's price in [-1, 1].

    u_t = s^2 / 2 u_xx + (r - s^2 / 2) u_x - r u, t the time to maturity, up to 1; u and exp(x) are prices relative to
    the strike, and u is given at both ends. At maturity the payoff max(exp(x) - 1, 0) has a kink, which no smooth
    function meets: the equation starts a little before, where the kink is a bend of width s sqrt(start). Source: F.
    Black and M. Scholes, The pricing of options and corporate liabilities, Journal of Political Economy 81 (1973).

    Args:
        volatility: s.
        rate: r.
        start: The time to maturity at which prices are given, less than 1; 0 has them start from the payoff itself.
    """
    values = (volatility, rate, start)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not numbers or not (0 < volatility < math.inf and math.isfinite(rate) and 0 <= start < 1):
        raise GmnmError(
            f"black_scholes(volatility={volatility!r}, rate={rate!r}, start={start!r}): expected a positive "
            "volatility, a finite rate and a start from 0 to less than 1."
        )

    def exact(x, t):
        width = volatility * torch.sqrt(t).clamp_min(1e-100)  # at maturity x / width is infinite, or 0 at the strike
        middle = (x + rate * t) / width
        up, down = (torch.erfc(-(middle + side * width / 2) / math.sqrt(2)) / 2 for side in (1, -1))
        return torch.exp(x) * up - torch.exp(-rate * t) * down

    return Problem(
        domain=Interval(x=(-1, 1)) * Time(t=(start, 1)),
        equations=lambda u, x, t: (
            diff(u, t) - volatility**2 / 2 * (diff(u, x, x) - diff(u, x)) - rate * (diff(u, x) - u)
        ),
        conditions=[Dirichlet(u=exact), Initial(u=lambda x: exact(x, 0 * x + start))],
        exact=exact,
        name="black_scholes",
    )
