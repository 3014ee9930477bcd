"""The wave equation on an interval, solved in space-time."""

import torch

from gmnm_pde import Dirichlet, Initial, Interval, Problem, Time, diff


def wave() -> Problem:
    """The wave equation u_tt = 4 u_xx on [0, 1] with two standing waves, t to 1.

    u(x, 0) = sin(pi x) + sin(4 pi x) / 2, u_t(x, 0) = 0, u = 0 at both ends. Source: PINNacle's "Wave 1d-C" (arXiv
    2306.08827), whose best published score of twelve methods is 9.8e-2.
    """
    pi = torch.pi

    def exact(x, t):
        first = torch.sin(pi * x) * torch.cos(2 * pi * t)
        return first + 0.5 * torch.sin(4 * pi * x) * torch.cos(8 * pi * t)

    return Problem(
        domain=Interval(x=(0, 1)) * Time(t=(0, 1)),
        equations=lambda u, x, t: diff(u, t, t) - 4 * diff(u, x, x),
        conditions=[
            Dirichlet(u=0),
            Initial(u=lambda x: torch.sin(pi * x) + 0.5 * torch.sin(4 * pi * x)),
            Initial(u=0, order=1),
        ],
        exact=exact,
        name="wave",
    )
