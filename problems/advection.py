"""Advection around a ring."""

import torch

from gmnm_pde import Initial, Interval, Periodic, Problem, Time, diff


def advection(speed: float = 3.0) -> Problem:
    """The advection equation u_t + c u_x = 0 on a ring of length 2 pi, t to 1.

    u(x, 0) = exp(sin x), which is carried round unchanged. Source: the method of characteristics.

    Args:
        speed: c.
    """
    return Problem(
        domain=Interval(x=(0, 2 * torch.pi)) * Time(t=(0, 1)),
        equations=lambda u, x, t: diff(u, t) + speed * diff(u, x),
        conditions=[Periodic("x"), Initial(u=lambda x: torch.exp(torch.sin(x)))],
        exact=lambda x, t: torch.exp(torch.sin(x - speed * t)),
        name="advection",
    )
