"""An inverse problem: how well does it conduct, seen from sensors?"""

import torch

from gmnm_pde import Dirichlet, Initial, Interval, Observations, Problem, Time, diff
from gmnm_pde.sampling import unit_points


def inverse_heat(
    diffusivity: float = 0.2, sensors: int = 40, guess: float = 1.0, noise: float = 0.0, seed: int = 0
) -> Problem:
    """The heat equation with unknown conductivity kappa, found from sensor values of the temperature.

    u_t = kappa u_xx on [0, 1], u = 0 at both ends, u(x, 0) = sin(pi x), and values of u at random sensors, exact or
    noisy. Source: separation of variables.

    Args:
        diffusivity: The kappa that made the sensor values.
        sensors: How many of them.
        guess: Where the search for kappa begins.
        noise: Standard deviation of the errors at the sensors.
        seed: The seed of the errors of measurement.
    """
    pi = torch.pi

    def temperature(x, t):
        return torch.exp(-(pi**2) * diffusivity * t) * torch.sin(pi * x)

    points = unit_points(sensors, 2, "random", seed=7)
    errors = torch.randn(sensors, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return Problem(
        domain=Interval(x=(0, 1)) * Time(t=(0, 1)),
        equations=lambda u, x, t, kappa: diff(u, t) - kappa * diff(u, x, x),
        conditions=[
            Dirichlet(u=0),
            Initial(u=lambda x: torch.sin(pi * x)),
            Observations(points, noise=noise or None, u=temperature(*points.unbind(-1)) + noise * errors),
        ],
        parameters={"kappa": guess},
        exact=lambda x, t: {"u": temperature(x, t), "kappa": diffusivity},
        name="inverse_heat",
    )
