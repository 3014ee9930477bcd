"""The Poisson equation with a product of sines: the paper's equation (4)."""

import torch

from gmnm_pde import Box, Dirichlet, Problem, laplacian


def poisson(wave_number: float = 1.0, dimension: int = 2) -> Problem:
    """Poisson's equation, laplacian(u) = -d (k pi)^2 sin(k pi x) sin(k pi y) ... on [-1, 1]^d, u given on the boundary.

    Args:
        wave_number: k; the paper has 1.
        dimension: d, 1 to 3; the paper has 2.

    Source: arXiv 2510.06660, section 4.2.
    """
    names = ("x", "y", "z")[:dimension]
    k = wave_number * torch.pi
    signatures = {
        1: (lambda x: torch.sin(k * x)),
        2: (lambda x, y: torch.sin(k * x) * torch.sin(k * y)),
        3: (lambda x, y, z: torch.sin(k * x) * torch.sin(k * y) * torch.sin(k * z)),
    }
    exact = signatures[dimension]
    equations = {
        1: (lambda u, x: laplacian(u) + k**2 * exact(x)),
        2: (lambda u, x, y: laplacian(u) + 2 * k**2 * exact(x, y)),
        3: (lambda u, x, y, z: laplacian(u) + 3 * k**2 * exact(x, y, z)),
    }
    return Problem(
        domain=Box(**{name: (-1.0, 1.0) for name in names}),
        equations=equations[dimension],
        conditions=[Dirichlet(u=exact)],
        exact=exact,
        name="poisson",
    )
