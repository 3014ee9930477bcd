"""The heat equation in a ball of many dimensions."""

import torch

from gmnm_pde import Ball, GmnmError, Initial, Neumann, Problem, Time, diff, laplacian

from ._coordinates import Named, names_of


def heat_nd(dimension: int = 5) -> Problem:
    """The heat equation in the unit ball of d dimensions, t to 1, with the flux through the sphere given.

    u_t = laplacian(u) / d - r^2 / d exp(r^2 / 2 + t), r the distance from the origin, u_n = exp(1/2 + t) and u =
    exp(r^2 / 2 + t). With Neumann conditions alone, a mistake in the mean goes on for all times. Source: PINNacle's
    "HNd" (arXiv 2306.08827), where d = 5 and the best published score of twelve methods is 1.2e-4.

    Args:
        dimension: d, from 2 to 10; the coordinates are x1, x2 and so on.
    """
    if isinstance(dimension, bool) or not isinstance(dimension, int) or not 2 <= dimension <= 10:
        raise GmnmError(f"heat_nd(dimension={dimension!r}): expected a number from 2 to 10, got {dimension!r}.")
    space = names_of(dimension)
    names = (*space, "t")

    def square(*x):
        return torch.stack(x).square().sum(dim=0)

    def exact(*columns):
        *x, t = columns
        return torch.exp(square(*x) / 2 + t)

    def heat(u, *columns):
        *x, _ = columns
        return diff(u, "t") - (laplacian(u) - square(*x) * exact(*columns)) / dimension

    return Problem(
        domain=Ball(center=(0.0,) * dimension, radius=1, coordinates=space) * Time(t=(0, 1)),
        equations=Named(("u", *names), heat),
        conditions=[
            Neumann(u=lambda t: torch.exp(0.5 + t)),
            Initial(u=Named(space, lambda *x: torch.exp(square(*x) / 2))),
        ],
        exact=Named(names, exact),
        name="heat_nd",
    )
