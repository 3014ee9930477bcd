"""Maxwell's equations: a standing wave in a cavity."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Problem, Rectangle, Time, diff


def cavity(m: int = 2, n: int = 1) -> Problem:
    """A transverse electric mode of a square cavity, Maxwell's equations for Ex, Ey and Hz on the unit square, t to 1.

    Ex_t = Hz_y, Ey_t = -Hz_x, Hz_t = Ex_y - Ey_x, with no electric field along the walls; Hz = cos(m pi x) cos(n pi y)
    cos(w t), w = pi sqrt(m^2 + n^2), without electric field at t = 0. Nothing decays, in a system of first order, so
    what errors there are stay. Source: J. D. Jackson, Classical Electrodynamics (1998), chapter 8.

    Args:
        m: Half waves across the cavity in x, 0 or more.
        n: Likewise in y; not both are 0.
    """
    fine = all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in (m, n))
    if not fine or m == n == 0:
        raise GmnmError(f"cavity(m={m!r}, n={n!r}): expected two whole numbers from 0 on, not both of them 0.")
    a, b, omega = m * math.pi, n * math.pi, math.pi * math.hypot(m, n)

    def exact(x, y, t):
        electric = torch.sin(omega * t) / omega
        return {
            "Ex": -b * torch.cos(a * x) * torch.sin(b * y) * electric,
            "Ey": a * torch.sin(a * x) * torch.cos(b * y) * electric,
            "Hz": torch.cos(a * x) * torch.cos(b * y) * torch.cos(omega * t),
        }

    def maxwell(Ex, Ey, Hz, x, y, t):
        return {
            "ampere_x": diff(Ex, t) - diff(Hz, y),
            "ampere_y": diff(Ey, t) + diff(Hz, x),
            "faraday": diff(Hz, t) - diff(Ex, y) + diff(Ey, x),
        }

    domain = Rectangle(x=(0, 1), y=(0, 1)) * Time(t=(0, 1))
    return Problem(
        domain=domain,
        equations=maxwell,
        conditions=[
            Dirichlet(Ex=0, on=domain.face(y=0) | domain.face(y=1)),
            Dirichlet(Ey=0, on=domain.face(x=0) | domain.face(x=1)),
            Initial(Ex=0, Ey=0, Hz=lambda x, y: torch.cos(a * x) * torch.cos(b * y)),
        ],
        exact=exact,
        name="cavity",
    )
