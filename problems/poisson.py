"""The Poisson equation with a product of sines: the paper's equation (4)."""

import torch

from gmnm_pde import Box, Dirichlet, GmnmError, Problem, laplacian


def poisson(wave_number: int = 1, dimension: int = 2) -> Problem:
    """Poisson's equation on [-1, 1]^d with a product of sines as its solution; the paper's benchmark.

    laplacian(u) = -d (k pi)^2 sin(k pi x) sin(k pi y) ..., u = 0 on the boundary. Source: arXiv 2510.06660,
    equation (4), where k = 1 and d = 2.

    Args:
        wave_number: k, a whole number.
        dimension: d, from 1 to 3.
    """
    if dimension not in (1, 2, 3) or wave_number != int(wave_number) or wave_number < 1:
        raise GmnmError(
            f"poisson(wave_number={wave_number}, dimension={dimension}): expected a positive whole wave number, for "
            "which u is 0 on the boundary, and 1 to 3 dimensions."
        )
    k = wave_number * torch.pi

    def bumps(*columns):
        product = torch.sin(k * columns[0])
        for column in columns[1:]:
            product = product * torch.sin(k * column)
        return product

    exact = (lambda x: bumps(x), lambda x, y: bumps(x, y), lambda x, y, z: bumps(x, y, z))[dimension - 1]
    equation = (
        lambda u, x: laplacian(u) + k**2 * bumps(x),
        lambda u, x, y: laplacian(u) + 2 * k**2 * bumps(x, y),
        lambda u, x, y, z: laplacian(u) + 3 * k**2 * bumps(x, y, z),
    )[dimension - 1]
    return Problem(
        domain=Box(**{name: (-1.0, 1.0) for name in ("x", "y", "z")[:dimension]}),
        equations=equation,
        conditions=[Dirichlet(u=0)],
        exact=exact,
        name="poisson",
    )
