"""Heat through a wall of two layers."""

import math

import torch

from gmnm_pde import Dirichlet, Initial, Interval, Problem, Time, diff


def composite_wall() -> Problem:
    """The heat equation c u_t = (k u_x)_x on 0 < x < 1, with k = 1 and c = 1 up to x = 1/2, k = 5 and c = 2 beyond.

    u = 0 at both ends. The slowest mode of the wall decays from t = 0 to 0.3. Source: M. N. Ozisik, Heat Conduction,
    chapter on composite media.
    """
    (k_1, c_1), (k_2, c_2) = (1.0, 1.0), (5.0, 2.0)

    def mismatch(rate):
        """Zero where both halves of a mode have the same value and flux at x = 1/2."""
        a, b = math.sqrt(rate * c_1 / k_1), math.sqrt(rate * c_2 / k_2)
        return k_1 * a * math.cos(a / 2) * math.sin(b / 2) + k_2 * b * math.cos(b / 2) * math.sin(a / 2)

    low, high = 10.0, 30.0  # the least rate lies between
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if mismatch(low) * mismatch(middle) > 0 else (low, middle)
    rate = (low + high) / 2
    a, b = math.sqrt(rate * c_1 / k_1), math.sqrt(rate * c_2 / k_2)
    amplitude = math.sin(a / 2) / math.sin(b / 2)
    wall = Interval(x=(0, 1)).split(at=0.5, names=("first", "second"))
    return Problem(
        domain=wall * Time(t=(0, 0.3)),
        equations=lambda u, k, c, x, t: c * diff(u, t) - diff(k * diff(u, x), x),
        conditions=[
            Dirichlet(u=0),
            Initial(u=lambda x: torch.where(x < 0.5, torch.sin(a * x), amplitude * torch.sin(b * (1 - x)))),
        ],
        coefficients={"k": {"first": k_1, "second": k_2}, "c": {"first": c_1, "second": c_2}},
        exact={
            "first": lambda x, t: torch.exp(-rate * t) * torch.sin(a * x),
            "second": lambda x, t: amplitude * torch.exp(-rate * t) * torch.sin(b * (1 - x)),
        },
        name="composite_wall",
    )
