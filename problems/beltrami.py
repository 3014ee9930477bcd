"""Beltrami flow: the Navier-Stokes equations in three dimensions and time."""

import math

import torch

from gmnm_pde import Box, Dirichlet, GmnmError, Initial, Observations, Problem, Time, diff, laplacian

_A = math.pi / 4
"""a, the wave number along the first coordinate of each wave, and the rate of its growth."""

_D = math.pi / 2
"""d, the wave number along the second."""

_TIMES = 33
"""The number of times at which the pressure is fixed: enough to hold a smooth function of time."""


def beltrami(viscosity: float = 1.0) -> Problem:
    """Beltrami flow, the unsteady Navier-Stokes equations for u, v, w and p on [-1, 1]^3, t to 1.

    u = -a (exp(a x) sin(a y + d z) + exp(a z) cos(a x + d y)) exp(-nu d^2 t), a = pi / 4, d = pi / 2, v and w likewise
    with x, y, z in turn, and p = c(t) - |u|^2 / 2, zero at the origin. Velocities are given at t = 0 and on the
    boundary. Source: C. R. Ethier and D. A. Steinman, Exact fully 3D Navier-Stokes solutions for benchmarking,
    International Journal for Numerical Methods in Fluids 19 (1994).

    Args:
        viscosity: nu.
    """
    if isinstance(viscosity, bool) or not isinstance(viscosity, int | float) or not 0 < viscosity < math.inf:
        raise GmnmError(f"beltrami(viscosity={viscosity!r}): expected a positive number, got {viscosity!r}.")

    def decay(t):
        return torch.exp(-viscosity * _D**2 * t)

    def speed(x, y, z, t):
        wave = torch.exp(_A * x) * torch.sin(_A * y + _D * z) + torch.exp(_A * z) * torch.cos(_A * x + _D * y)
        return -_A * wave * decay(t)

    def exact(x, y, z, t):
        u, v, w = speed(x, y, z, t), speed(y, z, x, t), speed(z, x, y, t)
        return {"u": u, "v": v, "w": w, "p": (3 * (_A * decay(t)) ** 2 - u**2 - v**2 - w**2) / 2}

    def navier_stokes(u, v, w, p, x, y, z, t):
        def inertia(c):
            return diff(c, t) + u * diff(c, x) + v * diff(c, y) + w * diff(c, z) - viscosity * laplacian(c)

        return {
            "momentum_x": inertia(u) + diff(p, x),
            "momentum_y": inertia(v) + diff(p, y),
            "momentum_z": inertia(w) + diff(p, z),
            "mass": diff(u, x) + diff(v, y) + diff(w, z),
        }

    def given(name):
        return lambda x, y, z, t: exact(x, y, z, t)[name]

    def initially(name):
        return lambda x, y, z: exact(x, y, z, 0 * x)[name]

    return Problem(
        domain=Box(x=(-1, 1), y=(-1, 1), z=(-1, 1)) * Time(t=(0, 1)),
        equations=navier_stokes,
        conditions=[
            Dirichlet(u=given("u"), v=given("v"), w=given("w")),
            Initial(u=initially("u"), v=initially("v"), w=initially("w")),
            Observations([[0.0, 0.0, 0.0, k / (_TIMES - 1)] for k in range(_TIMES)], p=0.0),
        ],
        exact=exact,
        name="beltrami",
    )
