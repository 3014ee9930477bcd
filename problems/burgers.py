"""Burgers' equation: a sine that steepens to a shock."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Interval, Problem, Time, diff

_STEP = 0.1
"""Between quadrature nodes, where the heat kernel is exp(-z^2): the trapezoidal rule is exact to rounding there."""

_REACH = 8.0
"""How far beyond the farthest peak the nodes go: exp(-64) is nothing."""


def burgers(viscosity: float = 0.01 / math.pi) -> Problem:
    """Burgers' equation on [-1, 1], whose sine steepens to a shock at x = 0 after t = 1/pi, t to 1.

    u_t + u u_x = nu u_xx, u(x, 0) = -sin(pi x), u = 0 at both ends; exact by the transformation of Cole and Hopf, with
    heat kernel integrals by the trapezoidal rule. Source: C. Basdevant et al., Spectral and finite difference solutions
    of the Burgers equation, Computers and Fluids 14 (1986); PINNacle's "Burgers 1d-C" (arXiv 2306.08827), whose best
    published score of twelve methods is 1.3e-2.

    Args:
        viscosity: nu. The shock is about 4 nu wide.
    """
    if isinstance(viscosity, bool) or not isinstance(viscosity, int | float) or not 0 < viscosity < math.inf:
        raise GmnmError(f"burgers(viscosity={viscosity!r}): expected a positive number, got {viscosity!r}.")
    count = math.ceil((_REACH + 0.5 / math.sqrt(viscosity)) / _STEP)
    z = _STEP * torch.arange(-count, count + 1, dtype=torch.float64)

    def exact(x, t):
        start = torch.pi * (x[..., None] - 2 * torch.sqrt(viscosity * t)[..., None] * z.to(x))
        weights = torch.softmax(-torch.cos(start) / (2 * torch.pi * viscosity) - z.to(x) ** 2, dim=-1)
        return -(weights * torch.sin(start)).sum(dim=-1)

    return Problem(
        domain=Interval(x=(-1, 1)) * Time(t=(0, 1)),
        equations=lambda u, x, t: diff(u, t) + u * diff(u, x) - viscosity * diff(u, x, x),
        conditions=[Dirichlet(u=0), Initial(u=lambda x: -torch.sin(torch.pi * x))],
        exact=exact,
        name="burgers",
    )
