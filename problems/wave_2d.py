"""The wave equation on a square, for a long time."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Problem, Rectangle, Time, diff

_MODES = ((1, 1), (3, 2))
"""Half waves in x and in y."""


def wave_2d(end: float = 10.0) -> Problem:
    """The wave equation on the unit square, faster in y than in x, with two standing waves for a long time.

    u_tt = u_xx + 2 u_yy, u = 0 on the boundary, u(x, y, 0) = sin(pi x) sin(pi y) + sin(3 pi x) sin(2 pi y) and u_t = 0;
    the waves swing with the frequencies sqrt(3) pi and sqrt(17) pi, which have no common period. Nothing fades: an
    error in the frequency grows with time. Source: PINNacle's "Wave 2d-MS" (arXiv 2306.08827), to t = 100 and with a
    best published score of twelve methods of 9.8e-1. Its formula, of products such as sin(pi x) sinh(pi y) cos(pi t),
    does not solve its equation; this one has the same half waves.

    Args:
        end: The last time.
    """
    if isinstance(end, bool) or not isinstance(end, int | float) or not 0 < end < math.inf:
        raise GmnmError(f"wave_2d(end={end!r}): expected a positive number, got {end!r}.")
    pi = torch.pi

    def exact(x, y, t):
        return sum(
            torch.sin(m * pi * x) * torch.sin(n * pi * y) * torch.cos(math.sqrt(m**2 + 2 * n**2) * pi * t)
            for m, n in _MODES
        )

    return Problem(
        domain=Rectangle(x=(0, 1), y=(0, 1)) * Time(t=(0, end)),
        equations=lambda u, x, y, t: diff(u, t, t) - diff(u, x, x) - 2 * diff(u, y, y),
        conditions=[Dirichlet(u=0), Initial(u=lambda x, y: exact(x, y, 0 * x)), Initial(u=0, order=1)],
        exact=exact,
        name="wave_2d",
    )
