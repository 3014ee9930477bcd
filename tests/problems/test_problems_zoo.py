"""The harder problems of the registry: their references against independent ones, and what they refuse."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.special import roots_hermite

import gmnm_pde as g
from gmnm_pde.problems import four_holes, kuramoto_sivashinsky

PI = math.pi


def columns(problem, n=200, seed=3):
    return g.sampling.sample(problem.domain.interior, n, "sobol", seed=seed).points.unbind(-1)


FAMILIES = {
    "burgers": [{"viscosity": 1e-3}, {"viscosity": 0.1}],
    "convection": [{"speed": 3}, {"speed": -200.0}],
    "allen_cahn": [{"width": 0.005}, {"width": 0.5}],
    "sine_gordon": [{"frequency": 0.05}, {"frequency": 0.95}],
    "plate_with_hole": [{"radius": 0.05}, {"radius": 0.8}],
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


def test_solitons_apart_are_what_each_is_alone():
    exact = g.registry.load("kdv").exact
    x, t = torch.linspace(-60, 60, 2401, dtype=torch.float64), torch.tensor(-15.0, dtype=torch.float64)

    def soliton(k, shift):
        return k**2 / 2 / torch.cosh(k / 2 * (x - k**2 * (t - 3) - shift)) ** 2

    # Before they meet the slow soliton is ahead of its line by log(5) / k, and the fast as far behind its own.
    alone = soliton(1.0, math.log(5)) + soliton(1.5, -math.log(5) / 1.5)
    assert (exact(x, t) - alone).abs().max() < 1e-5
    assert (exact(x, 6 - t) - alone.flip(0)).abs().max() < 1e-5


def test_solitons_keep_mass_and_momentum_and_fade_without_overflow():
    exact = g.registry.load("kdv").exact
    x = torch.linspace(-60, 60, 2401, dtype=torch.float64)
    for t in (0.0, 2.5, 6.0):
        u = exact(x, torch.tensor(t, dtype=torch.float64))
        assert torch.trapezoid(u, x).item() == pytest.approx(2 * (1 + 1.5), rel=1e-13)
        assert torch.trapezoid(u**2, x).item() == pytest.approx(2 / 3 * (1 + 1.5**3), rel=1e-13)
    far = exact(torch.tensor([-2000.0, 500.0, 3000.0], dtype=torch.float64), torch.zeros(3, dtype=torch.float64))
    assert torch.isfinite(far).all() and far.abs().max() < 1e-100


def test_stress_on_top_of_the_hole_is_three_times_that_far_away():
    problem = g.registry.load("plate_with_hole", radius=0.25)
    x, y = (torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in (0.0, 0.25))
    fields = problem.exact(x, y)
    (e_x,) = torch.autograd.grad(fields["u"], x, retain_graph=True)
    (e_y,) = torch.autograd.grad(fields["v"], y)
    assert ((e_x + 0.3 * e_y) / (1 - 0.3**2)).item() == pytest.approx(3, rel=1e-14)


def test_four_holes_meets_its_conditions_everywhere():
    exact = g.registry.load("four_holes").exact
    side = torch.linspace(-0.5, 0.5, 1001, dtype=torch.float64)
    angle = torch.linspace(0, 2 * PI, 1001, dtype=torch.float64)
    for end in (-0.5, 0.5):
        assert (exact(side, 0 * side + end) - 1).abs().max() < 1e-12
        assert (exact(0 * side + end, side) - 1).abs().max() < 1e-12
    for cx in (-0.3, 0.3):
        for cy in (-0.3, 0.3):
            assert exact(cx + 0.1 * torch.cos(angle), cy + 0.1 * torch.sin(angle)).abs().max() < 1e-12


def test_four_holes_is_what_longer_series_and_finite_differences_say(monkeypatch):
    problem = g.registry.load("four_holes")
    x, y = columns(problem, 400)
    u, h = problem.exact(x, y), 1e-3
    around = problem.exact(x + h, y) + problem.exact(x - h, y) + problem.exact(x, y + h) + problem.exact(x, y - h)
    assert ((around - 4 * u) / h**2).abs().max() < 0.5  # h^2 / 12 times fourth derivatives, about 1e5 at the holes
    assert u.min() > 0 and u.max() < 1
    for change in ({"_POLYNOMIALS": 9, "_POLES": 19}, {"_POLYNOMIALS": 14, "_POLES": 26}):
        for name, value in change.items():
            monkeypatch.setattr(four_holes, name, value)
        four_holes._coefficients.cache_clear()
        assert (problem.exact(x, y) - u).abs().max() < 1e-12
    four_holes._coefficients.cache_clear()


def test_kuramoto_sivashinsky_is_what_another_integrator_gives():
    n, end = 128, 0.03
    x, k = 2 * PI * np.arange(n) / n, np.arange(n // 2 + 1)

    def slope(_, u):
        v = np.fft.rfft(u)
        nonlinear = 100 / 16 * 0.5j * k * np.fft.rfft(u**2)
        return np.fft.irfft((100 / 16**2 * k**2 - 100 / 16**4 * k**4) * v - nonlinear, n)

    other = solve_ivp(slope, (0, end), np.cos(x) * (1 + np.sin(x)), "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    exact = g.registry.load("kuramoto_sivashinsky", end=end).exact
    assert np.abs(exact(torch.as_tensor(x), torch.full((n,), end, dtype=torch.float64)).numpy() - other).max() < 1e-11


def test_kuramoto_sivashinsky_stays_with_half_the_steps_and_keeps_its_mean(monkeypatch):
    problem = g.registry.load("kuramoto_sivashinsky", end=0.2)
    x, t = columns(problem)
    u = problem.exact(x, t)
    around = 2 * PI * torch.arange(400, dtype=torch.float64) / 400
    assert abs(problem.exact(around, torch.full_like(around, 0.1234)).mean().item()) < 1e-14
    monkeypatch.setattr(kuramoto_sivashinsky, "_STEP", 5e-5)
    monkeypatch.setattr(kuramoto_sivashinsky, "_NODES", 400)
    kuramoto_sivashinsky._coefficients.cache_clear()
    assert (problem.exact(x, t) - u).abs().max() < 2e-11
    kuramoto_sivashinsky._coefficients.cache_clear()


def test_four_balls_is_stated_as_in_its_source():
    problem = g.registry.load("four_balls")
    assert problem.linear and problem.exact is None
    assert [term.name for term in problem.terms] == ["equation", "neumann_u"]
    points = torch.tensor([[0.4, 0.3, 0.6], [0.6, 0.7, 0.79], [0.2, 0.8, 0.61], [0.6, 0.2, 0.21], [0.5, 0.5, 0.2]])
    assert problem.domain.contains(points.double()).tolist() == [False, False, False, False, True]


BAD = {
    "burgers": [{"viscosity": 0}, {"viscosity": "thick"}, {"viscosity": math.nan}],
    "convection": [{"speed": math.inf}, {"speed": "fast"}],
    "allen_cahn": [{"width": -0.1}, {"width": True}],
    "sine_gordon": [{"frequency": 1.0}, {"frequency": 0}],
    "kuramoto_sivashinsky": [{"end": 1.5}, {"end": 0}, {"end": "late"}],
    "plate_with_hole": [{"radius": 1}, {"radius": "small"}],
    "boundary_layer": [{"eps": 0}, {"eps": "thin"}, {"dimension": 3}],
}


@pytest.mark.parametrize(("name", "options"), [(name, options) for name, cases in BAD.items() for options in cases])
def test_impossible_parameters_are_refused(name, options):
    with pytest.raises(g.GmnmError, match=rf"^{name}\(.*expected"):
        g.registry.load(name, **options)
