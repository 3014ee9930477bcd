"""An inverse problem in time: how well does each place conduct, seen from noisy sensors?"""

import math

import torch

from gmnm_pde import Dirichlet, GmnmError, Observations, Problem, Rectangle, Time, diff, div
from gmnm_pde.sampling import unit_points


def heat_inverse(noise: float = 0.0, sensors: int = 2500, seed: int = 0) -> Problem:
    """The heat equation on [-1, 1]^2 with an unknown conductivity a(x, y), found from values of u, t to 1.

    u_t = div(a grad u) + f with u seen at random points of space and time and a known on the boundary; u = exp(-t)
    sin(pi x) sin(pi y), a = 2 + sin(pi x) sin(pi y). No initial or boundary values of u are given. That a does not
    depend on time is stated as a second equation, a_t = 0. Source: PINNacle's "HInv" (arXiv 2306.08827), where the
    noise is 0.1 and the best published score of twelve methods 1.2e-2, or by another of its tables 5.1e-2.

    Args:
        noise: Standard deviation of the errors at the sensors. With any, the exact solution contradicts its data.
        sensors: How many of them.
        seed: The seed of the sensors' places and errors.
    """
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise < math.inf:
        raise GmnmError(f"heat_inverse(noise={noise!r}): expected a standard deviation from 0, got {noise!r}.")
    for label, number, least in (("sensors", sensors, 1), ("seed", seed, 0)):
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise GmnmError(f"heat_inverse({label}={number!r}): expected a whole number from {least}, got {number!r}.")
    pi = torch.pi

    def waves(x, y):
        return torch.sin(pi * x) * torch.sin(pi * y)

    def temperature(x, y, t):
        return torch.exp(-t) * waves(x, y)

    def source(x, y, t):
        slopes = torch.sin(pi * x) ** 2 * torch.cos(pi * y) ** 2 + torch.cos(pi * x) ** 2 * torch.sin(pi * y) ** 2
        w = waves(x, y)
        return torch.exp(-t) * ((4 * pi**2 - 1) * w + pi**2 * (2 * w**2 - slopes))

    low, high = torch.tensor([[-1.0, -1.0, 0.0], [1.0, 1.0, 1.0]], dtype=torch.float64)
    points = low + (high - low) * unit_points(sensors, 3, "random", seed=seed)
    errors = torch.randn(sensors, generator=torch.Generator().manual_seed(seed + 7919), dtype=torch.float64)
    return Problem(
        domain=Rectangle(x=(-1, 1), y=(-1, 1)) * Time(t=(0, 1)),
        equations=lambda u, a, x, y, t: {
            "heat": diff(u, t) - div(a * diff(u, x), a * diff(u, y)) - source(x, y, t),
            "constant": diff(a, t),
        },
        conditions=[
            Observations(points, noise=noise or None, u=temperature(*points.unbind(-1)) + noise * errors),
            Dirichlet(a=lambda x, y: 2 + waves(x, y)),
        ],
        exact=lambda x, y, t: {"u": temperature(x, y, t), "a": 2 + waves(x, y)},
        name="heat_inverse",
    )
