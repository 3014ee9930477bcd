"""Nothing is taken for hidden from differentiation where numbers are merely large."""

import pytest
import torch

from gmnm_pde import Condition, Dirichlet, Initial, Interval, Problem, Time, diff, normal_derivative

DOMAIN = Interval(x=(0, 1)) * Time(t=(0, 0.2))


@pytest.mark.parametrize("scale", [1.0, 30.0, 300.0])
def test_a_conductivity_in_a_flux(scale):
    flux = Condition(lambda u: u / scale * normal_derivative(u) - 1, on=DOMAIN.face(x=1), name="flux")
    Problem(
        DOMAIN,
        lambda u, x, t: diff(u, t) - diff(u / scale * diff(u, x), x),
        [Dirichlet(u=scale, on=DOMAIN.face(x=0)), flux, Initial(u=scale)],
    )


@pytest.mark.parametrize("scale", [1e3, 1e9, 1e12])
def test_a_square_of_a_large_field(scale):
    def equation(u, x, t):
        return diff(u, t) - 0.1 * diff(u, x, x) + u * u / scale - scale * torch.exp(-t) * torch.sin(3 * x)

    Problem(DOMAIN, equation, [Dirichlet(u=0), Initial(u=lambda x: scale * torch.sin(3 * x))])
