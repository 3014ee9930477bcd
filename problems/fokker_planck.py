"""The Fokker-Planck equation of a particle on a spring."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Interval, Problem, Time, diff


def fokker_planck(width: float = 0.1) -> Problem:
    """The Fokker-Planck equation of the Ornstein-Uhlenbeck process, for the density p on [-3, 3], t to 2.

    p_t = (x p)_x + p_xx / 4, p given at both ends; p is normal with mean exp(-t) and variance 1/4 + (s^2 - 1/4) exp(-2
    t). It begins narrow and high and spreads, and its integral, about 1, is in no equation. Source: G. E. Uhlenbeck and
    L. S. Ornstein, On the theory of the Brownian motion, Physical Review 36 (1930).

    Args:
        width: s, the standard deviation at t = 0.
    """
    if isinstance(width, bool) or not isinstance(width, int | float) or not 0 < width < math.inf:
        raise GmnmError(f"fokker_planck(width={width!r}): expected a positive number, got {width!r}.")

    def exact(x, t):
        variance = 0.25 + (width**2 - 0.25) * torch.exp(-2 * t)
        return torch.exp(-((x - torch.exp(-t)) ** 2) / (2 * variance)) / torch.sqrt(2 * math.pi * variance)

    return Problem(
        domain=Interval(x=(-3, 3)) * Time(t=(0, 2)),
        equations=lambda p, x, t: diff(p, t) - diff(x * p, x) - diff(p, x, x) / 4,
        conditions=[Dirichlet(p=exact), Initial(p=lambda x: exact(x, 0 * x))],
        exact=exact,
        name="fokker_planck",
    )
