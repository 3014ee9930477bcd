"""Convection at high speed, which networks trained on residuals fail at."""

import math

import torch

from gmnm_pde import GmnmError, Initial, Interval, Periodic, Problem, Time, diff


def convection(speed: float = 50.0) -> Problem:
    """Convection u_t + beta u_x = 0 on a ring of length 2 pi, many times around it, t to 1.

    u(x, 0) = sin x, which is carried round unchanged. Source: A. S. Krishnapriyan et al., Characterizing possible
    failure modes in physics-informed neural networks, NeurIPS 34 (2021), where plain training fails at beta = 30.

    Args:
        speed: beta.
    """
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not math.isfinite(speed):
        raise GmnmError(f"convection(speed={speed!r}): expected a finite number, got {speed!r}.")
    return Problem(
        domain=Interval(x=(0, 2 * torch.pi)) * Time(t=(0, 1)),
        equations=lambda u, x, t: diff(u, t) + speed * diff(u, x),
        conditions=[Periodic("x"), Initial(u=lambda x: torch.sin(x))],
        exact=lambda x, t: torch.sin(x - speed * t),
        name="convection",
    )
