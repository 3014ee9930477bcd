"""The equations of Lotka and Volterra: prey and predators in turn."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from gmnm_pde import GmnmError, Initial, Problem, Time, diff

_GROWTH = 2 / 3
"""The rate at which the prey multiplies."""

_HUNGER = 4 / 3
"""The rate at which a predator eats the prey."""

_STEP = 0.1
"""The time that each Taylor series serves for."""

_ORDER = 20
"""The order of the Taylor series: their last terms are below 1e-17."""


def lotka_volterra(end: float = 20.0) -> Problem:
    """The equations of Lotka and Volterra for prey u and predators v, over several of their cycles.

    u' = 2/3 u - 4/3 u v, v' = u v - v, u = v = 1 at t = 0. Zero solves them as well, and errors of phase stay and
    grow. The exact solution is computed, when it is first asked for, by Taylor series in steps, to 1e-12. Source: A. J.
    Lotka, Elements of Physical Biology (1925); V. Volterra, Fluctuations in the abundance of a species considered
    mathematically, Nature 118 (1926).

    Args:
        end: The last time, at most 1000.
    """
    if isinstance(end, bool) or not isinstance(end, int | float) or not 0 < end <= 1000:
        raise GmnmError(f"lotka_volterra(end={end!r}): expected a time above 0 and at most 1000, got {end!r}.")

    def exact(t):
        table = _series(math.ceil(end / _STEP)).to(t)
        step = (t.detach() / _STEP).floor().clamp(0, len(table) - 1)
        since = t - _STEP * step
        terms = table[step.long()] * since[..., None, None] ** torch.arange(_ORDER + 1, device=t.device)[:, None]
        u, v = terms.sum(dim=-2).unbind(-1)
        return {"u": u, "v": v}

    return Problem(
        domain=Time(t=(0, end)),
        equations=lambda u, v, t: {
            "prey": diff(u, t) - _GROWTH * u + _HUNGER * u * v,
            "predators": diff(v, t) - u * v + v,
        },
        conditions=[Initial(u=1, v=1)],
        exact=exact,
        name="lotka_volterra",
    )


@lru_cache(maxsize=4)
def _series(steps: int) -> Tensor:
    """Taylor coefficients of u and v at the beginning of each step, [steps, order + 1, 2]."""
    table, start = [], (1.0, 1.0)
    for _ in range(steps):
        u, v = [start[0]], [start[1]]
        for k in range(_ORDER):
            product = sum(u[j] * v[k - j] for j in range(k + 1))
            u.append((_GROWTH * u[k] - _HUNGER * product) / (k + 1))
            v.append((product - v[k]) / (k + 1))
        table.append([u, v])
        start = [sum(c * _STEP**k for k, c in reversed(list(enumerate(series)))) for series in (u, v)]
    return torch.tensor(table, dtype=torch.float64).transpose(1, 2)
