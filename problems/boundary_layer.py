"""Convection with little diffusion, and thin layers where it meets the boundary."""

import math

import torch

from gmnm_pde import Box, Dirichlet, GmnmError, Problem, diff, laplacian


def boundary_layer(eps: float = 1e-4, dimension: int = 1) -> Problem:
    """Convection and diffusion on the unit interval or square, with layers of thickness eps where x or y is 1.

    -eps laplacian(u) + u_x + u_y = f, u = 0 on the boundary. In one dimension f = 1 and u = s(x), s(x) = x - (exp(x /
    eps) - 1) / (exp(1 / eps) - 1); in two f = s(x) + s(y) and u = s(x) s(y). Source: the model problem of H.-G. Roos,
    M. Stynes and L. Tobiska, Robust Numerical Methods for Singularly Perturbed Differential Equations (2008).

    Args:
        eps: The diffusivity.
        dimension: 1 or 2.
    """
    fine = not isinstance(eps, bool) and isinstance(eps, int | float) and 1e-12 <= eps < math.inf
    if not fine or dimension not in (1, 2):
        raise GmnmError(
            f"boundary_layer(eps={eps!r}, dimension={dimension!r}): expected a number from 1e-12 on, for double "
            "precision cannot tell thinner layers from a jump, and 1 or 2 dimensions."
        )

    def profile(x):
        return x - torch.exp((x - 1) / eps) * torch.expm1(-x / eps) / math.expm1(-1 / eps)

    if dimension == 1:
        return Problem(
            domain=Box(x=(0, 1)),
            equations=lambda u, x: -eps * diff(u, x, x) + diff(u, x) - 1,
            conditions=[Dirichlet(u=0)],
            exact=lambda x: profile(x),
            name="boundary_layer",
        )
    return Problem(
        domain=Box(x=(0, 1), y=(0, 1)),
        equations=lambda u, x, y: -eps * laplacian(u) + diff(u, x) + diff(u, y) - profile(x) - profile(y),
        conditions=[Dirichlet(u=0)],
        exact=lambda x, y: profile(x) * profile(y),
        name="boundary_layer",
    )
