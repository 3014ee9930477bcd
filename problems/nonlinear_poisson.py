"""A semilinear Poisson equation with a manufactured solution."""

import torch

from gmnm_pde import Dirichlet, Problem, Rectangle, laplacian


def nonlinear_poisson() -> Problem:
    """A semilinear elliptic equation, laplacian(u) = u^3 + f on the unit square, u given on the boundary.

    f is made so that u = exp(x) sin(2 pi y). Source: the method of manufactured solutions.
    """
    pi = torch.pi

    def exact(x, y):
        return torch.exp(x) * torch.sin(2 * pi * y)

    def source(x, y):
        return (1 - 4 * pi**2) * torch.exp(x) * torch.sin(2 * pi * y) - exact(x, y) ** 3

    return Problem(
        domain=Rectangle(x=(0, 1), y=(0, 1)),
        equations=lambda u, x, y: laplacian(u) - u**3 - source(x, y),
        conditions=[Dirichlet(u=exact)],
        exact=exact,
        name="nonlinear_poisson",
    )
