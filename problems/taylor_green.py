"""Taylor-Green vortices: the Navier-Stokes equations on a torus."""

import math

import torch

from gmnm_pde import GmnmError, Initial, Observations, Periodic, Problem, Rectangle, Time, diff, laplacian

_TIMES = 33
"""The number of times at which the pressure is fixed: enough to hold a smooth function of time."""


def taylor_green(viscosity: float = 0.05) -> Problem:
    """Taylor-Green vortices that decay, Navier-Stokes for u, v and p, periodic with 2 pi in x and y, t to 1.

    u = sin x cos y F, v = -cos x sin y F, p = (cos 2x + cos 2y - 2) F^2 / 4, F = exp(-2 nu t). No boundary holds the
    flow, only its initial velocities; the pressure, free up to a function of time, is zero at the origin. Source: G. I.
    Taylor and A. E. Green, Mechanism of the production of small eddies from large ones, Proceedings of the Royal
    Society A 158 (1937).

    Args:
        viscosity: nu.
    """
    if isinstance(viscosity, bool) or not isinstance(viscosity, int | float) or not 0 < viscosity < math.inf:
        raise GmnmError(f"taylor_green(viscosity={viscosity!r}): expected a positive number, got {viscosity!r}.")

    def exact(x, y, t):
        decay = torch.exp(-2 * viscosity * t)
        return {
            "u": torch.sin(x) * torch.cos(y) * decay,
            "v": -torch.cos(x) * torch.sin(y) * decay,
            "p": (torch.cos(2 * x) + torch.cos(2 * y) - 2) / 4 * decay**2,
        }

    def navier_stokes(u, v, p, x, y, t):
        return {
            "momentum_x": diff(u, t) + u * diff(u, x) + v * diff(u, y) + diff(p, x) - viscosity * laplacian(u),
            "momentum_y": diff(v, t) + u * diff(v, x) + v * diff(v, y) + diff(p, y) - viscosity * laplacian(v),
            "mass": diff(u, x) + diff(v, y),
        }

    return Problem(
        domain=Rectangle(x=(0, 2 * math.pi), y=(0, 2 * math.pi)) * Time(t=(0, 1)),
        equations=navier_stokes,
        conditions=[
            Periodic("x", name="periodic_x"),
            Periodic("y", name="periodic_y"),
            Initial(u=lambda x, y: torch.sin(x) * torch.cos(y), v=lambda x, y: -torch.cos(x) * torch.sin(y)),
            Observations([[0.0, 0.0, k / (_TIMES - 1)] for k in range(_TIMES)], p=0.0),
        ],
        exact=exact,
        name="taylor_green",
    )
