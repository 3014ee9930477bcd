"""A sine-Gordon equation in a ball of many dimensions, whose solution couples neighbouring coordinates."""

import torch

from gmnm_pde import Ball, Dirichlet, GmnmError, Problem, laplacian


def two_body_nd(dimension: int = 100, seed: int = 0) -> Problem:
    """A sine-Gordon equation in the unit ball, whose solution has interactions of two bodies, and is zero at the edge.

    laplacian(u) + sin(u) = f, u = (1 - |x|^2) sum_i c_i sin(x_i + cos(x_i+1) + x_i+1 cos(x_i)), the c_i normally
    distributed. Source: Z. Hu, K. Shukla, G. Karniadakis, K. Kawaguchi, Tackling the curse of dimensionality with
    physics-informed neural networks, arXiv 2307.12306.

    Args:
        dimension: The coordinates are x_1, x_2 and so on, 2 or more.
        seed: Of the c_i.
    """
    if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 2:
        raise GmnmError(f"two_body_nd(dimension={dimension!r}): expected a number from 2 on, got {dimension!r}.")
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(dimension - 1, generator=generator, dtype=torch.float64)

    def angles(x):
        return x[:-1] + torch.cos(x[1:]) + x[1:] * torch.cos(x[:-1])

    def exact(x):
        return (1 - x @ x) * (weights @ torch.sin(angles(x)))

    def source(x):
        first, second, angle = x[:-1], x[1:], angles(x)
        by_first, by_second = 1 - second * torch.sin(first), torch.cos(first) - torch.sin(second)
        curved = -second * torch.cos(first) - torch.cos(second)
        laplace = weights @ (torch.cos(angle) * curved - torch.sin(angle) * (by_first**2 + by_second**2))
        radial = weights @ (torch.cos(angle) * (first * by_first + second * by_second))
        u = exact(x)
        within = weights @ torch.sin(angle)
        return (1 - x @ x) * laplace - 4 * radial - 2 * dimension * within + torch.sin(u)

    return Problem(
        domain=Ball(0, 1, coordinates=("x", dimension)),
        equations=lambda u, x: laplacian(u) + torch.sin(u) - source(x),
        conditions=[Dirichlet(u=0)],
        exact=exact,
        name="two_body_nd",
    )
