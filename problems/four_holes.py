"""Laplace's equation on a square with four round holes."""

import itertools
import math
from functools import cache

import torch
from torch import Tensor

from gmnm_pde import Dirichlet, Disk, Problem, Rectangle, laplacian

_CENTER = 0.3
"""How far the holes' centers are from the axes."""

_RADIUS = 0.1
"""The holes' radius."""

_POLYNOMIALS = 11
"""How many harmonic polynomials there are, of degrees 0, 4, 8 and so on."""

_POLES = 22
"""How many negative powers there are around each hole."""


def four_holes() -> Problem:
    """Laplace's equation on [-0.5, 0.5]^2 without four discs, u = 1 on the square's boundary and 0 on the discs'.

    The discs have radius 0.1 and centers (+-0.3, +-0.3). The exact solution is a series of harmonic functions with the
    square's symmetry, which meets the conditions to 1e-13. Source: PINNacle's "Poisson 2d-C" (arXiv 2306.08827), whose
    best published score of twelve methods is 1.2e-2.
    """
    square = Rectangle(x=(-0.5, 0.5), y=(-0.5, 0.5))
    holes = [
        Disk(center=(sx * _CENTER, sy * _CENTER), radius=_RADIUS) for sx, sy in ((1, 1), (-1, 1), (1, -1), (-1, -1))
    ]
    domain = square
    for hole in holes:
        domain = domain - hole
    edges = holes[0].boundary | holes[1].boundary | holes[2].boundary | holes[3].boundary
    return Problem(
        domain=domain,
        equations=lambda u: laplacian(u),
        conditions=[Dirichlet(u=1, on=square.boundary, name="outer"), Dirichlet(u=0, on=edges, name="holes")],
        exact=lambda x, y: _basis(x, y) @ _coefficients().to(x),
        name="four_holes",
    )


def _basis(x: Tensor, y: Tensor) -> Tensor:
    """Harmonic functions with the square's symmetry, [..., terms]: polynomials, and a logarithm and poles at each hole.

    The poles come with their mirror images in the square's sides, of alternating sign, as the condition there asks: the
    polynomials only make up for the images farther away than 1.5, and converge fast.
    """
    second = _times((x, y), (x, y))
    fourth = _times(second, second)
    terms, power = [torch.ones_like(x)], (torch.ones_like(x), torch.zeros_like(x))
    for _ in range(_POLYNOMIALS - 1):
        power = _times(power, (4 * fourth[0], 4 * fourth[1]))  # the corners are at r^4 = 1/4
        terms.append(power[0])
    i, j, sx, sy = x.new_tensor(list(itertools.product((-1, 0, 1), (-1, 0, 1), (-1, 1), (-1, 1)))).unbind(-1)
    sign = 1 - 2 * ((i + j) % 2)
    # Seen from each hole's center, with the direction away from the middle of its cell as the real axis.
    dx, dy = sx * (x[..., None] - i) - _CENTER, sy * (y[..., None] - j) - _CENTER
    along, across = (dx + dy) / math.sqrt(2), (dy - dx) / math.sqrt(2)
    square = along**2 + across**2
    terms.append(torch.log(square / _RADIUS**2) @ sign)
    inverse = power = (_RADIUS * along / square, -_RADIUS * across / square)
    for _ in range(_POLES):
        terms.append(power[0] @ sign)
        power = _times(power, inverse)
    return torch.stack(terms, dim=-1)


def _times(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The product of two complex numbers as pairs."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


@cache
def _coefficients() -> Tensor:
    """The series that fits the conditions best, on one side of the square and one hole: symmetry does the rest."""
    side = 0.25 * (1 - torch.cos(math.pi * torch.linspace(0, 1, 120, dtype=torch.float64)))
    angle = math.pi * (torch.linspace(0, 1, 100, dtype=torch.float64) + 0.25)
    x = torch.cat([0 * side + 0.5, _CENTER + _RADIUS * torch.cos(angle)])
    y = torch.cat([side, _CENTER + _RADIUS * torch.sin(angle)])
    values = torch.cat([torch.ones_like(side), torch.zeros_like(angle)])
    with torch.no_grad():
        return torch.linalg.lstsq(_basis(x, y), values[:, None], driver="gelsd").solution[:, 0]
