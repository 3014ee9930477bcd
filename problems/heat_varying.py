"""The heat equation with a diffusivity that varies strongly from place to place."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from gmnm_pde import Dirichlet, Initial, Problem, Rectangle, Time, diff, laplacian

_MODES = 32
"""Sines in each direction."""


def heat_varying() -> Problem:
    """The heat equation on the unit square, driven by a source that swings in time, t to 5.

    u_t - a laplacian(u) = 200 sin(pi x) sin(5 pi y) sin(pi t), u = 0 on the boundary and at first. The diffusivity a =
    exp(cos(2 pi x) cos(pi y) + cos(pi x) cos(3 pi y)) goes from 1/7 to 7, so that each place follows the source in its
    own way. The exact solution is computed to 1e-10, when it is first asked for, by a Fourier method in space: as a is
    even about every side, u is a series of sines that converges fast. In time the method is exact. Source: PINNacle's
    "Heat 2d-VC" (arXiv 2306.08827), where a is a rough random field given as data, with logarithms of standard
    deviation 1, and the best published score of twelve methods is 2.1e-1.
    """
    pi = torch.pi

    def heat(u, x, y, t):
        source = 200 * torch.sin(pi * x) * torch.sin(5 * pi * y) * torch.sin(pi * t)
        return diff(u, t) - _diffusivity(x, y) * laplacian(u) - source

    return Problem(
        domain=Rectangle(x=(0, 1), y=(0, 1)) * Time(t=(0, 5)),
        equations=heat,
        conditions=[Dirichlet(u=0), Initial(u=0)],
        exact=_series,
        name="heat_varying",
    )


def _diffusivity(x: Tensor, y: Tensor) -> Tensor:
    pi = torch.pi
    return torch.exp(torch.cos(2 * pi * x) * torch.cos(pi * y) + torch.cos(pi * x) * torch.cos(3 * pi * y))


def _series(x: Tensor, y: Tensor, t: Tensor) -> Tensor:
    """The solution anywhere: eigenfunctions of a laplacian, each driven by its part of the source."""
    rates, sines = (table.to(x) for table in _eigenfunctions())
    pi, t = math.pi, t[..., None]
    # q' + rate q = sin(pi t), q(0) = 0
    q = (rates * torch.sin(pi * t) - pi * torch.cos(pi * t) + pi * torch.exp(-rates * t)) / (rates**2 + pi**2)
    k = pi * torch.arange(1, _MODES + 1, dtype=x.dtype, device=x.device)
    along_y = (q @ sines).unflatten(-1, (_MODES, _MODES)) @ torch.sin(k * y[..., None])[..., None]
    return (torch.sin(k * x[..., None]) * along_y[..., 0]).sum(dim=-1)


@lru_cache(maxsize=1)
def _eigenfunctions() -> tuple[Tensor, Tensor]:
    """Rates of decay, [n], and each eigenfunction's sine coefficients, [n, modes^2], times its part of the source.

    On the grid where sines are orthogonal, with w = u / sqrt(a), the operator is a symmetric matrix.
    """
    n = _MODES
    grid = torch.arange(1, n + 1, dtype=torch.float64)
    sine = math.sqrt(2 / (n + 1)) * torch.sin(math.pi / (n + 1) * grid[:, None] * grid)  # its own inverse
    x, y = (column / (n + 1) for column in torch.cartesian_prod(grid, grid).unbind(-1))
    root = _diffusivity(x, y).sqrt()
    both = torch.kron(sine, sine)
    squares = (math.pi * grid) ** 2
    stiffness = (both * (squares[:, None] + squares).flatten()) @ both
    rates, modes = torch.linalg.eigh(root[:, None] * stiffness * root)
    parts = (200 * torch.sin(math.pi * x) * torch.sin(5 * math.pi * y) / root) @ modes
    sines = both @ (root[:, None] * modes * parts)
    return rates, (2 / (n + 1)) * sines.T.contiguous()
