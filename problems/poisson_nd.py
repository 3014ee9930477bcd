"""Poisson's equation in many dimensions."""

import torch

from gmnm_pde import Box, Dirichlet, GmnmError, Problem, laplacian

from ._coordinates import Named, names_of


def poisson_nd(dimension: int = 5) -> Problem:
    """Poisson's equation on the unit cube of d dimensions, u given on the boundary.

    laplacian(u) = -(pi / 2)^2 times the sum of sin(pi x_i / 2), and u is that sum. The solution is as simple as in one
    dimension, but nothing that fills the cube with a grid can show it. Source: PINNacle's "PNd" (arXiv 2306.08827),
    where d = 5 and the best published score of twelve methods is 4.6e-4.

    Args:
        dimension: d, from 1 to 20; the coordinates are x1, x2 and so on.
    """
    if isinstance(dimension, bool) or not isinstance(dimension, int) or not 1 <= dimension <= 20:
        raise GmnmError(
            f"poisson_nd(dimension={dimension!r}): expected a whole number from 1 to 20, got {dimension!r}."
        )
    names, slope = names_of(dimension), torch.pi / 2

    def total(*x):
        return torch.sin(slope * torch.stack(x)).sum(dim=0)

    return Problem(
        domain=Box(**dict.fromkeys(names, (0.0, 1.0))),
        equations=Named(("u", *names), lambda u, *x: laplacian(u) + slope**2 * total(*x)),
        conditions=[Dirichlet(u=Named(names, total))],
        exact=Named(names, total),
        name="poisson_nd",
    )
