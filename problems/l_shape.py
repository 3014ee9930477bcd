"""Laplace's equation round a re-entrant corner."""

import math

import torch

from gmnm_pde import Dirichlet, Polygon, Problem, laplacian


def l_shape() -> Problem:
    """Laplace's equation on an L, the square [-1, 1]^2 without its lower right quarter, u given on the boundary.

    u = r^(2/3) sin(2 theta / 3), theta from the edge y = 0: the gradient of u is infinite at the re-entrant corner, the
    origin. Source: the leading singular function of that corner; a benchmark of adaptive methods, see W. F. Mitchell, A
    collection of 2D elliptic problems for testing adaptive grid refinement algorithms, Applied Mathematics and
    Computation 220 (2013).
    """

    def exact(x, y):
        # The angle is measured from the middle of the L, 3 pi / 4, so that its jump lies in the quarter cut out.
        along, across = (y - x) / math.sqrt(2), -(x + y) / math.sqrt(2)
        angle = torch.atan2(across, along) + 3 * math.pi / 4
        return (x**2 + y**2) ** (1 / 3) * torch.sin(2 / 3 * angle)

    return Problem(
        domain=Polygon([(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)]),
        equations=lambda u: laplacian(u),
        conditions=[Dirichlet(u=exact)],
        exact=exact,
        name="l_shape",
    )
