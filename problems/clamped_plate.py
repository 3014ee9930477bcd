"""A clamped plate: the biharmonic equation."""

import torch

from gmnm_pde import Dirichlet, Neumann, Problem, Rectangle, biharmonic


def clamped_plate() -> Problem:
    """A clamped plate, the biharmonic equation for its deflection w on the unit square, w = w_n = 0 at the edges.

    biharmonic(w) = f with f made so that w = sin^2(pi x) sin^2(pi y). Derivatives of fourth order are two thousand
    times larger than w, and with them the rounding errors of every method. Source: the method of manufactured
    solutions; the equation of S. Timoshenko and S. Woinowsky-Krieger, Theory of Plates and Shells (1959).
    """
    pi = torch.pi

    def exact(x, y):
        return torch.sin(pi * x) ** 2 * torch.sin(pi * y) ** 2

    def load(x, y):
        a, b = torch.cos(2 * pi * x), torch.cos(2 * pi * y)
        return 4 * pi**4 * (4 * a * b - a - b)

    return Problem(
        domain=Rectangle(x=(0, 1), y=(0, 1)),
        equations=lambda w, x, y: biharmonic(w) - load(x, y),
        conditions=[Dirichlet(w=0), Neumann(w=0)],
        exact=exact,
        name="clamped_plate",
    )
