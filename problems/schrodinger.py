"""The focusing nonlinear Schrödinger equation with two solitons that beat."""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Initial, Interval, Problem, Time, diff


def schrodinger(end: float = math.pi / 2) -> Problem:
    """The focusing Schrödinger equation for h = u + i v with two solitons in one place, on [-5, 5], t to pi / 2.

    i h_t + h_xx / 2 + |h|^2 h = 0, h(x, 0) = 2 / cosh x, h given at both ends; it rises to a narrow spike at t = pi / 4
    and falls back. Source: J. Satsuma and N. Yajima, Initial value problems of one-dimensional self-modulation of
    nonlinear waves in dispersive media, Progress of Theoretical Physics Supplement 55 (1974); the example of M. Raissi,
    P. Perdikaris and G. E. Karniadakis, Physics-informed neural networks, Journal of Computational Physics 378 (2019),
    who make it periodic instead, though |h| is not zero at the ends but 0.03.

    Args:
        end: The last time.
    """
    if isinstance(end, bool) or not isinstance(end, int | float) or not 0 < end < math.inf:
        raise GmnmError(f"schrodinger(end={end!r}): expected a positive number, got {end!r}.")

    def exact(x, t):
        below = torch.cosh(4 * x) + 4 * torch.cosh(2 * x) + 3 * torch.cos(4 * t)
        high, low = 4 * torch.cosh(3 * x) / below, 12 * torch.cosh(x) / below
        return {
            "u": high * torch.cos(t / 2) + low * torch.cos(4.5 * t),
            "v": high * torch.sin(t / 2) + low * torch.sin(4.5 * t),
        }

    def equations(u, v, x, t):
        density = u**2 + v**2
        return {
            "real": -diff(v, t) + diff(u, x, x) / 2 + density * u,
            "imaginary": diff(u, t) + diff(v, x, x) / 2 + density * v,
        }

    return Problem(
        domain=Interval(x=(-5, 5)) * Time(t=(0, end)),
        equations=equations,
        conditions=[
            Dirichlet(u=lambda x, t: exact(x, t)["u"], v=lambda x, t: exact(x, t)["v"]),
            Initial(u=lambda x: 2 / torch.cosh(x), v=0),
        ],
        exact=exact,
        name="schrodinger",
    )
