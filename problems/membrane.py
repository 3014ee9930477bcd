"""The vibrations of a membrane: eigenvalues of the Laplacian."""

import math

from scipy.special import jn_zeros

from gmnm_pde import Dirichlet, Disk, GmnmError, Polygon, Problem, Rectangle, laplacian

_L_SHAPE = (9.6397238440219, 15.197251926455, 2 * math.pi**2, 29.5214811141506, 31.9126359571263, 41.4745098904487)
"""The least eigenvalues of the L-shape."""


def _square(count):
    """The least eigenvalues of the unit square."""
    return sorted(math.pi**2 * (m**2 + n**2) for m in range(1, count + 1) for n in range(1, count + 1))[:count]


def _disk(count):
    """The least eigenvalues of the unit disk."""
    zeros = ((n, zero) for n in range(count) for zero in jn_zeros(n, count))
    return sorted(zero**2 for n, zero in zeros for _ in range(1 if n == 0 else 2))[:count]


_SHAPES = {
    "square": (lambda: Rectangle(x=(0, 1), y=(0, 1)), _square),
    "disk": (lambda: Disk(center=(0, 0), radius=1), _disk),
    "l_shape": (
        lambda: Polygon([(0, 0), (1, 0), (1, -1), (-1, -1), (-1, 1), (0, 1)]),
        lambda count: _L_SHAPE[:count] if count <= len(_L_SHAPE) else None,
    ),
}
"""For each shape what makes the domain, and a function from a number to that many eigenvalues."""


def membrane(shape: str = "square") -> Problem:
    """The Laplacian's eigenvalues, -laplacian(u) = k u with u = 0 on the boundary, for ``eigenmodes``.

    On the unit square and the unit disk many values belong to two modes; on the L-shape, three unit squares, most modes
    are singular at the corner. Source: separation of variables; for the L-shape L. N. Trefethen and T. Betcke, Computed
    eigenmodes of planar regions, Contemporary Mathematics 412 (2006).

    Args:
        shape: square, disk or l_shape.
    """
    if shape not in _SHAPES:
        raise GmnmError(f"membrane(shape={shape!r}): expected one of {', '.join(_SHAPES)}, got {shape!r}.")
    domain, spectrum = _SHAPES[shape]
    return Problem(
        domain=domain(),
        equations=lambda u, k: laplacian(u) + k * u,
        conditions=[Dirichlet(u=0)],
        parameters={"k": 0.0},
        spectrum=spectrum,
        name="membrane",
    )
