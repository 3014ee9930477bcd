"""Poisson's equation with a coefficient that jumps from cell to cell of a square."""

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from gmnm_pde import GmnmError, Problem, Rectangle, Robin, laplacian

_HALF = 10.0
"""Half the side of the square."""

_CELLS = 5
"""Cells along each side."""

_EDGES = (-6.0, -2.0, 2.0, 6.0)
"""Where cells meet, along each side."""

_DEGREE = 80
"""The highest degree of the harmonic polynomials."""

_POWERS = (3, 4, 5, 6)
"""The powers that come with a logarithm wherever edges of cells or of the square meet the boundary."""


def poisson_layers(seed: int = 0) -> Problem:
    """Poisson's equation on [-10, 10]^2 with a coefficient that differs from cell to cell, u_n + u = 0 on the boundary.

    a laplacian(u) + 1 = 0, where a is constant in each of 5 x 5 cells, the parts of the domain, at random from 0.1 to
    100. It is divided by a: u and its gradient are continuous, its second derivatives jump at the cells' edges and are
    infinite, as a logarithm, at their corners. The exact solution is computed, when it is first asked for: a closed
    formula with these jumps and logarithms, plus harmonic functions that meet the boundary condition to 1e-9 of the
    size of u. Source: PINNacle's "Poisson 2d-MS" (arXiv 2306.08827), where a and a source that is not 1 are data of a
    similar range, and the best published score of twelve methods is 5.9e-1.

    Args:
        seed: The seed of the coefficient.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise GmnmError(f"poisson_layers(seed={seed!r}): expected a whole number from 0, got {seed!r}.")

    cells = [f"cell_{i}{j}" for i in range(_CELLS) for j in range(_CELLS)]
    square = Rectangle(x=(-_HALF, _HALF), y=(-_HALF, _HALF))
    return Problem(
        domain=square.split(at={"x": _EDGES, "y": _EDGES}, names=cells),
        equations=lambda u, a: laplacian(u) + 1 / a,
        conditions=[Robin(1.0, 1.0, u=0)],
        coefficients={"a": dict(zip(cells, _coefficient(seed).flatten().tolist(), strict=True))},
        exact=lambda x, y: _potential(x, y, seed) + _harmonics(x, y) @ _weights(seed).to(x),
        name="poisson_layers",
    )


@lru_cache(maxsize=4)
def _coefficient(seed: int) -> Tensor:
    """The coefficient a in every cell, [cells, cells]."""
    return torch.as_tensor(10 ** np.random.default_rng(seed).uniform(-1, 2, (_CELLS, _CELLS)))


def _potential(x: Tensor, y: Tensor, seed: int) -> Tensor:
    """A function with the right Laplacian, and with continuous gradient.

    -1 / a is a sum of steps in quarters of the plane, x > x_i and y > y_j, each the Laplacian of a known function.
    """
    steps = 1 / _coefficient(seed).to(x)
    for axis in (0, 1):
        steps = torch.diff(steps, dim=axis, prepend=torch.zeros_like(steps.narrow(axis, 0, 1)))
    corners = x.new_tensor([-3 * _HALF, *_EDGES])
    x, y = x[..., None, None] - corners[:, None], y[..., None, None] - corners
    logarithm = x * y * (torch.log((x**2 + y**2).clamp_min(1e-300)) - 3) / (4 * math.pi)
    along_x, along_y = (
        p * p.abs() / 8 + p**2 * torch.atan(q / (p + 1e-300)) / (4 * math.pi) for p, q in ((x, y), (y, x))
    )
    return -(steps * ((x**2 + y**2) / 16 + logarithm + along_x + along_y)).sum(dim=(-2, -1))


def _harmonics(x: Tensor, y: Tensor) -> Tensor:
    """Real and imaginary parts of powers of z, and of powers times log z around rough points, [..., terms]."""
    z = torch.complex(x, y)
    around, inward = (table.to(z) for table in _rough_points())
    powers, scaled = [torch.ones_like(z)], z / (math.sqrt(2) * _HALF)
    for _ in range(_DEGREE):
        powers.append(powers[-1] * scaled)
    offset = (z[..., None] - around) / (2 * _HALF * inward)  # to the right of 0 in the domain, log is cut to the left
    logarithm = torch.log(offset + 1e-300)
    terms = torch.cat([torch.stack(powers, dim=-1), *(offset**power * logarithm for power in _POWERS)], dim=-1)
    return torch.cat([terms.real, terms.imag], dim=-1)


def _rough_points() -> tuple[Tensor, Tensor]:
    """Points where edges of cells or of the square meet the boundary, and inward directions, as complex numbers."""
    points = np.array([*_EDGES, -_HALF]) - 1j * _HALF
    inward = np.array([1j] * len(_EDGES) + [(1 + 1j) / math.sqrt(2)])
    points, inward, turns = (torch.as_tensor(values) for values in (points, inward, 1j ** np.arange(4)[:, None]))
    return (turns * points).flatten(), (turns * inward).flatten()


@lru_cache(maxsize=4)
@torch.enable_grad()
def _weights(seed: int) -> Tensor:
    """The weights of the harmonic functions, by least squares on the boundary."""
    nodes = torch.cos(math.pi * (torch.arange(40, dtype=torch.float64) + 0.5) / 40)
    ends = torch.tensor([-_HALF, *_EDGES, _HALF], dtype=torch.float64)[:, None]
    along = (0.5 * ((ends[1:] + ends[:-1]) + (ends[1:] - ends[:-1]) * nodes)).flatten()
    far, zeros, ones = torch.full_like(along, _HALF), torch.zeros_like(along), torch.ones_like(along)
    x, y = torch.cat([along, far, along, -far]).requires_grad_(), torch.cat([-far, along, far, along]).requires_grad_()
    normal = torch.cat([zeros, ones, zeros, -ones]), torch.cat([-ones, zeros, ones, zeros])

    def robin(values):
        """u_n + u. A derivative along the normal is that of reverse mode, which is linear, by what it starts from."""
        start = torch.zeros_like(values, requires_grad=True)
        back = torch.autograd.grad(values, (x, y), start, create_graph=True)
        return (values + torch.autograd.grad(back, start, normal)[0]).detach()

    missing = -robin(_potential(x, y, seed))
    return torch.linalg.lstsq(robin(_harmonics(x, y)), missing[:, None], rcond=1e-15, driver="gelsd").solution[:, 0]
