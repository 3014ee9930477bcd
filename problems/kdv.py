"""The Korteweg-de Vries equation with two solitons, one overtaking the other."""

import math

import torch

from gmnm_pde import Dirichlet, Initial, Interval, Neumann, Problem, Time, diff

_SLOPES = (0.0, 1.0, 1.5, 2.5)
"""0, k1, k2 and k1 + k2: the slopes of the four exponents."""

_MEETING = 3.0
"""The time at which the solitons are at the same place."""


def kdv() -> Problem:
    """The Korteweg-de Vries equation with two solitons, the higher overtaking the lower, on [-15, 15], t to 6.

    u_t + 6 u u_x + u_xxx = 0, u at both ends and u_x at the right one given; u = 2 (log F)_xx, F = 1 + exp a + exp b +
    exp(a + b - 2 s), a and b = k (x - k^2 (t - 3)) + s for k = 1 and 1.5, s = log 5. Source: R. Hirota, Exact solution
    of the Korteweg-de Vries equation for multiple collisions of solitons, Physical Review Letters 27 (1971), with
    phases that make the solution even in x at t = 3.
    """
    _, slow, fast, _ = _SLOPES
    phase = math.log((fast + slow) / (fast - slow))

    def shares(x, t):
        """What each of the four exponentials is of F, [..., 4]."""
        time = t - _MEETING
        a = slow * x - slow**3 * time + phase
        b = fast * x - fast**3 * time + phase
        return torch.softmax(torch.stack([0 * x, a, b, a + b - 2 * phase], dim=-1), dim=-1)

    # The derivatives of log F are the cumulants of the slopes with these shares: nothing overflows.
    def exact(x, t):
        share = shares(x, t)
        pairs = ((i, j) for i in range(4) for j in range(i))
        return 2 * sum(share[..., i] * share[..., j] * (_SLOPES[i] - _SLOPES[j]) ** 2 for i, j in pairs)

    def slope(x, t):
        share = shares(x, t)
        slopes = share.new_tensor(_SLOPES)
        mean = (share * slopes).sum(dim=-1, keepdim=True)
        return 2 * (share * (slopes - mean) ** 3).sum(dim=-1)

    domain = Interval(x=(-15, 15)) * Time(t=(0, 6))
    return Problem(
        domain=domain,
        equations=lambda u, x, t: diff(u, t) + 6 * u * diff(u, x) + diff(u, x, x, x),
        conditions=[
            Dirichlet(u=exact),
            Neumann(u=slope, on=domain.face(x=15)),
            Initial(u=lambda x: exact(x, 0 * x)),
        ],
        exact=exact,
        name="kdv",
    )
