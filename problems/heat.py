"""The heat equation on an interval."""

import torch

from gmnm_pde import Dirichlet, Initial, Interval, Problem, Time, diff


def heat(diffusivity: float = 0.1) -> Problem:
    """The heat equation on [0, 1] with two decaying modes, u = 0 at both ends, t to 1.

    u_t = kappa u_xx, u(x, 0) = sin(pi x) + sin(3 pi x) / 2. Source: separation of variables.

    Args:
        diffusivity: kappa.
    """
    pi, kappa = torch.pi, diffusivity

    def exact(x, t):
        slow = torch.exp(-kappa * pi**2 * t) * torch.sin(pi * x)
        return slow + 0.5 * torch.exp(-9 * kappa * pi**2 * t) * torch.sin(3 * pi * x)

    return Problem(
        domain=Interval(x=(0, 1)) * Time(t=(0, 1)),
        equations=lambda u, x, t: diff(u, t) - kappa * diff(u, x, x),
        conditions=[Dirichlet(u=0), Initial(u=lambda x: torch.sin(pi * x) + 0.5 * torch.sin(3 * pi * x))],
        exact=exact,
        name="heat",
    )
