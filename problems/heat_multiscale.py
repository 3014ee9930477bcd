"""The heat equation with diffusion that is 250,000 times slower in one direction than in the other."""

import torch

from gmnm_pde import Dirichlet, Initial, Problem, Rectangle, Time, diff


def heat_multiscale() -> Problem:
    """The heat equation on the unit square with little diffusion across many narrow waves, t to 5.

    u_t = u_xx / (500 pi)^2 + u_yy / pi^2, u(x, y, 0) = sin(20 pi x) sin(pi y), u = 0 on the boundary. Ten waves in x
    must be seen where the equation hardly speaks of x, while u falls to a hundred and fiftieth. Source: PINNacle's
    "Heat 2d-MS" (arXiv 2306.08827), whose best published score of twelve methods is 1.7e-2.
    """
    pi = torch.pi

    def start(x, y):
        return torch.sin(20 * pi * x) * torch.sin(pi * y)

    return Problem(
        domain=Rectangle(x=(0, 1), y=(0, 1)) * Time(t=(0, 5)),
        equations=lambda u, x, y, t: diff(u, t) - diff(u, x, x) / (500 * pi) ** 2 - diff(u, y, y) / pi**2,
        conditions=[Dirichlet(u=0), Initial(u=start)],
        exact=lambda x, y, t: torch.exp(-(1 + 0.04**2) * t) * start(x, y),
        name="heat_multiscale",
    )
