"""Flow past a backward-facing step."""

import math

from gmnm_pde import Dirichlet, GmnmError, Polygon, Problem, diff, laplacian


def backward_step(viscosity: float = 0.01) -> Problem:
    """Flow past a backward-facing step, the steady Navier-Stokes equations for u, v and p.

    On [0, 4] x [0, 2] without [0, 2] x [1, 2]: u = 4 y (1 - y) at the inlet x = 0, v = 0 there and at the outlet x = 4,
    where p = 0; no flow at the walls. Pressure and shear are infinite at the step's corner. Source: PINNacle's "NS
    2d-CG" (arXiv 2306.08827), where v is not stated at the outlet, which leaves the flow free by a function. No exact
    solution is known.

    Args:
        viscosity: nu, the inverse of the Reynolds number.
    """
    if isinstance(viscosity, bool) or not isinstance(viscosity, int | float) or not 0 < viscosity < math.inf:
        raise GmnmError(f"backward_step(viscosity={viscosity!r}): expected a positive number, got {viscosity!r}.")

    def navier_stokes(u, v, p, x, y):
        return {
            "momentum_x": u * diff(u, x) + v * diff(u, y) + diff(p, x) - viscosity * laplacian(u),
            "momentum_y": u * diff(v, x) + v * diff(v, y) + diff(p, y) - viscosity * laplacian(v),
            "mass": diff(u, x) + diff(v, y),
        }

    channel = Polygon([(0, 0), (4, 0), (4, 2), (2, 2), (2, 1), (0, 1)])
    bottom, outlet, top, step, ledge, inlet = (channel.edge(k) for k in range(6))
    return Problem(
        domain=channel,
        equations=navier_stokes,
        conditions=[
            Dirichlet(u=lambda y: 4 * y * (1 - y), v=0, on=inlet, name="inlet"),
            Dirichlet(p=0, v=0, on=outlet, name="outlet"),
            Dirichlet(u=0, v=0, on=bottom | top | step | ledge, name="walls"),
        ],
        name="backward_step",
    )
