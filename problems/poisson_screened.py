"""A screened Poisson equation on a square with four round holes."""

import math
import operator
from functools import cache, reduce

import torch
from torch import Tensor

from gmnm_pde import Dirichlet, Disk, Problem, Rectangle, laplacian

_HOLES = ((0.5, 0.5, 0.2), (0.4, -0.4, 0.4), (-0.2, -0.7, 0.1), (-0.6, 0.5, 0.3))
"""Centers and radii."""

_K = 8.0
"""The square root of the coefficient of u."""

_OUTER = 0.2
"""The value of u on the square's boundary."""

_INNER = 1.0
"""The value of u on the discs' boundaries."""

_POLES = 48
"""Highest order of the Bessel functions around each hole."""


def poisson_screened() -> Problem:
    """A screened Poisson equation on [-1, 1]^2 without four discs of different sizes.

    -laplacian(u) + 64 u = 10 (17 + x^2 + y^2) sin(pi x) sin(4 pi y), u = 0.2 on the square's boundary and 1 on the
    discs'. Layers surround the discs, and those of neighbours meet in narrow gaps. The exact solution is a closed
    formula for the square without holes, plus a series of Bessel functions that vanishes on the square and meets the
    conditions on the discs to 1e-11. Source: PINNacle's "Poisson 2d-CG" (arXiv 2306.08827), whose best published score
    of twelve methods is 1.4e-2.
    """
    square = Rectangle(x=(-1, 1), y=(-1, 1))
    holes = [Disk(center=(x, y), radius=radius) for x, y, radius in _HOLES]

    def screened(u, x, y):
        source = 10 * (17 + x**2 + y**2) * torch.sin(math.pi * x) * torch.sin(4 * math.pi * y)
        return -laplacian(u) + _K**2 * u - source

    return Problem(
        domain=reduce(operator.sub, holes, square),
        equations=screened,
        conditions=[
            Dirichlet(u=_OUTER, on=square.boundary, name="outer"),
            Dirichlet(u=_INNER, on=reduce(operator.or_, [hole.boundary for hole in holes]), name="holes"),
        ],
        exact=lambda x, y: _without_holes(x, y) + _waves(x, y) @ _coefficients().to(x),
        name="poisson_screened",
    )


def _without_holes(x: Tensor, y: Tensor) -> Tensor:
    """The solution on the whole square: what the source makes, and what the boundary value does.

    The latter has its singular corners right, as the probability that something that walks at random and lives for a
    while meets the boundary: an integral over times, by the trapezoidal rule for their logarithms.
    """
    m, n = math.pi, 4 * math.pi
    rate, waves_x, waves_y = m**2 + n**2 + _K**2, torch.sin(m * x), torch.sin(n * y)
    steep_x, steep_y = math.hypot(n, _K), math.hypot(m, _K)
    along_x = m * (x * torch.cos(m * x) + torch.sinh(steep_x * x) / math.sinh(steep_x)) * waves_y
    along_y = n * (y * torch.cos(n * y) - torch.sinh(steep_y * y) / math.sinh(steep_y)) * waves_x
    level = 17 + x**2 + y**2 + 4 * (_K**2 - m**2 - n**2) / rate**2
    times = torch.exp(torch.arange(-38, 0, 0.25, dtype=x.dtype, device=x.device))
    weights = torch.softmax(torch.log(times) - _K**2 * times, dim=0)
    left_x, left_y = (_left(column[..., None], times) for column in (x, y))
    met = (left_x + left_y - left_x * left_y) @ weights
    return 10 / rate * (level * waves_x * waves_y + 4 / rate * (along_x + along_y)) + _OUTER * met


def _left(x: Tensor, times: Tensor) -> Tensor:
    """How likely a walk from x has left [-1, 1] by each time."""
    spread = 2 * torch.sqrt(times)
    ends = ((-1) ** j * torch.erfc((2 * j + 1 + side * x) / spread) for j in range(2) for side in (-1, 1))
    return torch.stack(list(ends)).sum(dim=0)


def _waves(x: Tensor, y: Tensor) -> Tensor:
    """Bessel functions around each hole, [..., terms], with mirror images in the square's sides, where they vanish."""
    mirror = torch.arange(-2, 3, dtype=x.dtype, device=x.device)
    sign = 1 - 2 * (mirror.abs() % 2)
    center_x, center_y, radius = x.new_tensor(_HOLES).unbind(-1)
    dx = (sign * (x[..., None] - 2 * mirror))[..., None, :, None] - center_x[:, None, None]
    dy = (sign * (y[..., None] - 2 * mirror))[..., None, None, :] - center_y[:, None, None]
    direction = torch.complex(dx, dy)
    distance = direction.abs()
    direction, z, at_edge = direction / distance, _K * distance, _K * radius
    # K_(m+1) = K_(m-1) + 2 m / z K_m, and likewise on the edge, by which all are divided.
    (low, high), (low_there, high_there) = _bessel(z), _bessel(at_edge)
    inverse, turned, terms = 2 / z, torch.ones_like(direction) * sign[:, None] * sign, []
    for order in range(_POLES + 1):
        part = (low * turned).sum(dim=(-2, -1)) / low_there
        terms += [part.real, part.imag]
        low, high = high, low + (order + 1) * inverse * high
        low_there, high_there = high_there, low_there + 2 * (order + 1) / at_edge * high_there
        turned = turned * direction
    return torch.cat(terms, dim=-1)


def _bessel(z: Tensor) -> tuple[Tensor, Tensor]:
    """The Bessel functions K0 and K1: integrals of exp(-z cosh s) cosh(m s), by the trapezoidal rule."""
    step = 0.125
    s = step * torch.arange(36, dtype=z.dtype, device=z.device)
    weights = torch.full_like(s, step)
    weights[0] /= 2
    decay = torch.exp(-z[..., None] * torch.cosh(s))
    return decay @ weights, decay @ (weights * torch.cosh(s))


@cache
def _coefficients() -> Tensor:
    """The series that fits the conditions on the discs best."""
    angle = 2 * math.pi * torch.arange(200, dtype=torch.float64) / 200
    x, y = (
        torch.cat([hole[axis] + hole[2] * turn for hole in _HOLES])
        for axis, turn in enumerate((torch.cos(angle), torch.sin(angle)))
    )
    with torch.no_grad():
        missing = _INNER - _without_holes(x, y)
        return torch.linalg.lstsq(_waves(x, y), missing[:, None], driver="gelsd").solution[:, 0]
