"""The nonlinear Klein-Gordon equation with a wave that a cubic force drives."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Interval, Problem, Time, diff


def klein_gordon(frequency: float = 5.0) -> Problem:
    """The Klein-Gordon equation with a cubic term, u_tt - u_xx + u^3 = f on [0, 1], t to 1.

    f is made so that u = x cos(w pi t) + (x t)^3, given at both ends, with u = x and u_t = 0 at t = 0. The residual is
    larger than u by the square of w pi, so that networks fit it well before they fit u. Source: S. Wang, Y. Teng and P.
    Perdikaris, Understanding and mitigating gradient flow pathologies in physics-informed neural networks, SIAM Journal
    on Scientific Computing 43 (2021).

    Args:
        frequency: w.
    """
    if isinstance(frequency, bool) or not isinstance(frequency, int | float) or not 0 < frequency < math.inf:
        raise GmnmError(f"klein_gordon(frequency={frequency!r}): expected a positive number, got {frequency!r}.")
    omega = math.pi * frequency

    def exact(x, t):
        return x * torch.cos(omega * t) + (x * t) ** 3

    def source(x, t):
        return -(omega**2) * x * torch.cos(omega * t) + 6 * x * t * (x**2 - t**2) + exact(x, t) ** 3

    return Problem(
        domain=Interval(x=(0, 1)) * Time(t=(0, 1)),
        equations=lambda u, x, t: diff(u, t, t) - diff(u, x, x) + u**3 - source(x, t),
        conditions=[Dirichlet(u=exact), Initial(u=lambda x: x), Initial(u=0, order=1)],
        exact=exact,
        name="klein_gordon",
    )
