"""The sine-Gordon equation with a breather."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Interval, Problem, Time, diff


def sine_gordon(frequency: float = 0.5) -> Problem:
    """The sine-Gordon equation u_tt = u_xx - sin u with a breather, on [-15, 15], t to 6.

    u = 4 atan(b / w cos(w t) / cosh(b x)), b = sqrt(1 - w^2), given at both ends, with u_t = 0 at t = 0. Source: M. J.
    Ablowitz et al., Method for solving the sine-Gordon equation, Physical Review Letters 30 (1973).

    Args:
        frequency: w, between 0 and 1. Slow breathers are high, fast ones low and wide.
    """
    if isinstance(frequency, bool) or not isinstance(frequency, int | float) or not 0 < frequency < 1:
        raise GmnmError(f"sine_gordon(frequency={frequency!r}): expected a number between 0 and 1, got {frequency!r}.")
    decay = math.sqrt(1 - frequency**2)

    def exact(x, t):
        return 4 * torch.atan(decay / frequency * torch.cos(frequency * t) / torch.cosh(decay * x))

    return Problem(
        domain=Interval(x=(-15, 15)) * Time(t=(0, 6)),
        equations=lambda u, x, t: diff(u, t, t) - diff(u, x, x) + torch.sin(u),
        conditions=[
            Dirichlet(u=exact),
            Initial(u=lambda x: 4 * torch.atan(decay / frequency / torch.cosh(decay * x))),
            Initial(u=0, order=1),
        ],
        exact=exact,
        name="sine_gordon",
    )
