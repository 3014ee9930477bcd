"""The harder problems of the registry: their references against independent ones, and what they refuse."""

import math

import pytest
import torch
from scipy.special import roots_hermite

import gmnm_pde as g

PI = math.pi


def columns(problem, n=200, seed=3):
    return g.sampling.sample(problem.domain.interior, n, "sobol", seed=seed).points.unbind(-1)


FAMILIES = {
    "burgers": [{"viscosity": 1e-3}, {"viscosity": 0.1}],
    "convection": [{"speed": 3}, {"speed": -200.0}],
    "allen_cahn": [{"width": 0.005}, {"width": 0.5}],
    "sine_gordon": [{"frequency": 0.05}, {"frequency": 0.95}],
    "boundary_layer": [{"eps": 0.3}, {"eps": 1e-8}, {"dimension": 2}, {"eps": 0.01, "dimension": 2}],
    "helmholtz": [{"wavelengths": 2}, {"wavelengths": 8}, {"wavelengths": 16}],
}
CASES = [(name, options) for name, cases in FAMILIES.items() for options in cases]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_families_verify(name, options):
    g.registry.load(name, **options).verify()


@pytest.mark.parametrize("nodes", [100, 200, 400])
def test_burgers_is_what_gauss_hermite_quadrature_gives(nodes):
    problem, nu = g.registry.load("burgers"), 0.01 / PI
    x, t = columns(problem)
    z, w = map(torch.as_tensor, roots_hermite(nodes))
    start = x[:, None] - 2 * torch.sqrt(nu * t)[:, None] * z
    weights = torch.softmax(torch.log(w) - torch.cos(PI * start) / (2 * PI * nu), dim=1)
    other = -(weights * torch.sin(PI * start)).sum(dim=1)
    assert (problem.exact(x, t) - other).abs().max() < 1e-12


def test_burgers_begins_as_the_sine():
    problem = g.registry.load("burgers")
    x = torch.linspace(-1, 1, 101, dtype=torch.float64)
    sine = -torch.sin(PI * x)
    assert (problem.exact(x, 0 * x) - sine).abs().max() < 1e-15
    # To first order in t: u = u0 + t (nu u0'' - u0 u0').
    first = sine + 1e-8 * (-0.01 * PI * sine - sine * -PI * torch.cos(PI * x))
    assert (problem.exact(x, 0 * x + 1e-8) - first).abs().max() < 1e-13


def test_boundary_layer_without_overflow():
    x = torch.tensor([0.0, 0.5, 1 - 1e-8, 1.0], dtype=torch.float64)
    profile = g.registry.load("boundary_layer", eps=1e-8).exact(x)
    assert profile.tolist() == pytest.approx([0, 0.5, 1 - math.exp(-1), 0], abs=1e-7)


def test_the_front_has_the_width_it_says():
    exact = g.registry.load("allen_cahn", width=0.1).exact
    x = torch.tensor([0.0, math.sqrt(2) * 0.1], dtype=torch.float64)
    assert exact(x, 0 * x).tolist() == pytest.approx([0, math.tanh(1)])


BAD = {
    "burgers": [{"viscosity": 0}, {"viscosity": "thick"}, {"viscosity": math.nan}],
    "convection": [{"speed": math.inf}, {"speed": "fast"}],
    "allen_cahn": [{"width": -0.1}, {"width": True}],
    "sine_gordon": [{"frequency": 1.0}, {"frequency": 0}],
    "boundary_layer": [{"eps": 0}, {"eps": "thin"}, {"dimension": 3}],
}


@pytest.mark.parametrize(("name", "options"), [(name, options) for name, cases in BAD.items() for options in cases])
def test_impossible_parameters_are_refused(name, options):
    with pytest.raises(g.GmnmError, match=rf"^{name}\(.*expected"):
        g.registry.load(name, **options)
