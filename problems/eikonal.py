"""The eikonal equation: the distance to the rim of a disk, with the viscosity that singles it out."""

import math

import torch

from gmnm_pde import Dirichlet, Disk, GmnmError, Problem, grad, laplacian


def eikonal(viscosity: float = 0.1) -> Problem:
    """The eikonal equation with a little viscosity on the unit disk, u = 0 on its rim.

    |grad u|^2 - eps laplacian(u) = 1. Without viscosity infinitely many continuous functions, u and -u among them, have
    no residual but on curves, and least squares cannot tell them apart; with it the solution is unique, and tends to
    the distance from the rim, 1 - r, a cone whose tip is rounded over eps. exp(-u / eps) solves a linear equation: u =
    -eps log(I0(r / eps) / I0(1 / eps)), I0 a modified Bessel function. Source: M. G. Crandall and P.-L. Lions,
    Viscosity solutions of Hamilton-Jacobi equations, Transactions of the AMS 277 (1983).

    Args:
        viscosity: eps.
    """
    if isinstance(viscosity, bool) or not isinstance(viscosity, int | float) or not 0 < viscosity < math.inf:
        raise GmnmError(f"eikonal(viscosity={viscosity!r}): expected a positive number, got {viscosity!r}.")

    def exact(x, y):
        r = torch.sqrt(x**2 + y**2)
        rim = torch.special.i0e(torch.ones_like(r) / viscosity)
        return 1 - r - viscosity * torch.log(torch.special.i0e(r / viscosity) / rim)

    def equation(u, x, y):
        u_x, u_y = grad(u)
        return u_x**2 + u_y**2 - viscosity * laplacian(u) - 1

    return Problem(
        domain=Disk(center=(0, 0), radius=1),
        equations=equation,
        conditions=[Dirichlet(u=0)],
        exact=exact,
        name="eikonal",
    )
