"""The Allen-Cahn equation with a thin front that moves to and fro."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Interval, Problem, Time, diff


def allen_cahn(width: float = 0.02) -> Problem:
    """The Allen-Cahn equation with a thin front that a source moves, on [-1, 1], t to 1.

    u_t = eps^2 u_xx + u - u^3 + f, with f made so that u = tanh((x - s(t)) / (sqrt(2) eps)), s(t) = sin(2 t) / 2; u is
    given at both ends and at t = 0. Source: the method of manufactured solutions; without f the front at rest, s = 0,
    is the stationary one of S. M. Allen and J. W. Cahn, Acta Metallurgica 27 (1979).

    Args:
        width: eps.
    """
    if isinstance(width, bool) or not isinstance(width, int | float) or not 0 < width < math.inf:
        raise GmnmError(f"allen_cahn(width={width!r}): expected a positive number, got {width!r}.")
    thickness = math.sqrt(2) * width

    def exact(x, t):
        return torch.tanh((x - 0.5 * torch.sin(2 * t)) / thickness)

    def source(x, t):
        return -torch.cos(2 * t) / thickness * (1 - exact(x, t) ** 2)

    return Problem(
        domain=Interval(x=(-1, 1)) * Time(t=(0, 1)),
        equations=lambda u, x, t: diff(u, t) - width**2 * diff(u, x, x) - u + u**3 - source(x, t),
        conditions=[Dirichlet(u=exact), Initial(u=lambda x: torch.tanh(x / thickness))],
        exact=exact,
        name="allen_cahn",
    )
