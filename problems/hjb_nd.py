"""A Hamilton-Jacobi-Bellman equation in many dimensions: control of Brownian motion."""

import torch

from gmnm_pde import DiffusionCone, Dirichlet, GmnmError, Problem, diff, grad, laplacian


def hjb_nd(dimension: int = 100) -> Problem:
    """A Hamilton-Jacobi-Bellman equation in all of space, backward from its last time 1, seen from the origin at 0.

    u_t + laplacian(u) - |grad u|^2 = 0, u = log((1 + |x|^2) / 2) at last: the least cost of driving Brownian motion to
    the origin. exp(-u) solves the heat equation, so that u is a mean, here an integral over one variable. The value
    that is asked for is u(0) at first, in 100 dimensions 4.5901. Source: J. Han, A. Jentzen, W. E, Solving
    high-dimensional partial differential equations using deep learning, PNAS 115 (2018).

    Args:
        dimension: The coordinates are x_1, x_2 and so on, 2 or more.
    """
    if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 2:
        raise GmnmError(f"hjb_nd(dimension={dimension!r}): expected a number from 2 on, got {dimension!r}.")

    def exact(x, t):
        # 1 / (1 + r) is the integral of exp(-s (1 + r)), and means of exp(-s |x + noise|^2) are known; s = exp(y).
        y = torch.linspace(-40, 6, 461, dtype=torch.float64)
        s, square = torch.exp(y), x @ x
        wide = 1 + 4 * s[:, None] * (1 - t)
        parts = y[:, None] - s[:, None] - dimension / 2 * torch.log(wide) - s[:, None] * square / wide
        return -torch.logsumexp(parts, 0) - torch.log(2 * (y[1] - y[0]))

    return Problem(
        domain=DiffusionCone(apex=0, t=(0, 1), coordinates=("x", dimension)),
        equations=lambda u: diff(u, "t") + laplacian(u) - grad(u) @ grad(u),
        conditions=[Dirichlet(u=lambda x: torch.log((1 + x @ x) / 2), on=_last(dimension))],
        exact=exact,
        name="hjb_nd",
    )


def _last(dimension):
    """The last time."""
    return DiffusionCone(apex=0, t=(0, 1), coordinates=("x", dimension)).face(t=1)
