"""Poisson's equation with the coefficients of a benchmark, which jump from cell to cell of a square."""

import math

import torch
from torch import Tensor

from gmnm_pde import Problem, Rectangle, Robin, laplacian

from ._pinnacle import BUMP, FACTOR, LEVEL

_HALF, _SIDE, _CELLS = 10.0, 4.0, 5
"""Half the side of the square, the side of a cell, and how many cells there are along each side."""


def poisson_materials() -> Problem:
    """Poisson's equation on [-10, 10]^2 with coefficient and source that differ from cell to cell, u_n + u = 0 outside.

    a laplacian(u) + f = 0 with a constant in each of 5 x 5 cells, from 0.1 to 100, and f = c + d sin(pi s) sin(pi t),
    c and d constant in each cell and s, t from 0 to 1 across it. It is divided by a: u and its gradient are continuous.
    There is no exact solution. Source: PINNacle's "Poisson 2d-MS" (arXiv 2306.08827) with its own numbers; the best
    published score of twelve methods is 5.9e-1.
    """
    names = {(i, j): f"cell_{i}{j}" for i in range(_CELLS) for j in range(_CELLS)}
    edges = [-_HALF + _SIDE * k for k in range(1, _CELLS)]
    square = Rectangle(x=(-_HALF, _HALF), y=(-_HALF, _HALF))
    return Problem(
        domain=square.split(at={"x": edges, "y": edges}, names=tuple(names.values())),
        equations=lambda u, x, y, a, c, d: laplacian(u) + (c + d * _bump(x) * _bump(y)) / a,
        conditions=[Robin(1.0, 1.0, u=0)],
        coefficients={
            key: {name: table[i][j] for (i, j), name in names.items()}
            for key, table in (("a", FACTOR), ("c", LEVEL), ("d", BUMP))
        },
        name="poisson_materials",
    )


def _bump(x: Tensor) -> Tensor:
    """A half wave across each cell; beyond its ends it goes on with the other sign."""
    return torch.sin(math.pi * (x + _HALF) / _SIDE) * _sign(x)


def _sign(x: Tensor) -> Tensor:
    """1 in every other cell, -1 between."""
    return 1.0 - 2.0 * torch.remainder(torch.floor((x + _HALF) / _SIDE), 2.0)
