"""Fisher's equation: a wave that invades."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Interval, Problem, Time, diff


def fisher(rate: float = 6.0) -> Problem:
    """The equation of Fisher, Kolmogorov, Petrovsky and Piskunov with a travelling wave, on [-5, 10], t to 1.

    u_t = u_xx + r u (1 - u), u = (1 + exp(sqrt(r / 6) x - 5 r t / 6))^-2, given at both ends. Ahead of the wave u = 0
    is unstable: what errors there are grow as exp(r t). Source: M. J. Ablowitz and A. Zeppetella, Explicit solutions of
    Fisher's equation for a special wave speed, Bulletin of Mathematical Biology 41 (1979).

    Args:
        rate: r, of growth.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf:
        raise GmnmError(f"fisher(rate={rate!r}): expected a positive number, got {rate!r}.")

    def exact(x, t):
        return torch.sigmoid(5 * rate / 6 * t - math.sqrt(rate / 6) * x) ** 2

    return Problem(
        domain=Interval(x=(-5, 10)) * Time(t=(0, 1)),
        equations=lambda u, x, t: diff(u, t) - diff(u, x, x) - rate * u * (1 - u),
        conditions=[Dirichlet(u=exact), Initial(u=lambda x: exact(x, 0 * x))],
        exact=exact,
        name="fisher",
    )
