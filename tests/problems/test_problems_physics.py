"""Classic problems of physics, biology and finance: their solutions by other means, what they conserve and refuse."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import quad, solve_ivp
from scipy.special import iv
from scipy.stats import norm

import gmnm_pde as g
from gmnm_pde.problems import lotka_volterra

PI = math.pi


def line(low, high, n):
    return torch.linspace(low, high, n, dtype=torch.float64)


def at(value):
    return torch.tensor(value, dtype=torch.float64)


def columns(problem, n=200, seed=3):
    return g.sampling.sample(problem.domain.interior, n, "sobol", seed=seed).points.unbind(-1)


def slopes(value, *by):
    return torch.autograd.grad(value.sum(), by, create_graph=True)


FAMILIES = {
    "klein_gordon": [{"frequency": 0.5}, {"frequency": 20}],
    "schrodinger": [{"end": 0.1}, {"end": 20.0}],
    "taylor_green": [{"viscosity": 1e-4}, {"viscosity": 3}],
    "black_scholes": [{"start": 0}, {"start": 1e-4, "volatility": 0.05}, {"rate": -0.02, "volatility": 1.5}],
    "fokker_planck": [{"width": 0.01}, {"width": 0.5}, {"width": 2}],
    "eikonal": [{"viscosity": 1e-3}, {"viscosity": 10}],
    "fisher": [{"rate": 0.1}, {"rate": 600}],
    "lotka_volterra": [{"end": 0.05}, {"end": 200}],
    "cantilever": [{"length": 0.5}, {"length": 50}],
    "cavity": [{"m": 0, "n": 3}, {"m": 7, "n": 4}],
    "beltrami": [{"viscosity": 0.01}],
}


@pytest.mark.parametrize(("name", "options"), [(name, o) for name, cases in FAMILIES.items() for o in cases])
def test_families_verify(name, options):
    table = g.registry.load(name, **options).verify()
    assert table.free_faces == ()


def test_klein_gordon_is_what_leapfrog_converges_to():
    exact = g.registry.load("klein_gordon", frequency=2).exact
    errors = []
    for n in (100, 200):
        x, h = line(0, 1, n + 1), 0.5 / n
        omega = 2 * PI

        def force(u, t, x=x, omega=omega):
            s = x * torch.cos(omega * t)
            return -(omega**2) * s + 6 * x * t * (x**2 - t**2) + (s + (x * t) ** 3) ** 3 - u**3

        before, u = exact(x, at(0.0)), exact(x, at(h))
        for k in range(1, 2 * n):
            after = 2 * u - before + h**2 * force(u, at(k * h))
            after[1:-1] += 0.25 * (u[2:] - 2 * u[1:-1] + u[:-2])
            after[0], after[-1] = 0, exact(at(1.0), at((k + 1) * h))
            before, u = u, after
        errors.append((u - exact(x, at(1.0))).abs().max().item())
    assert errors[0] < 1e-2 and 3.8 < errors[0] / errors[1] < 4.2


def test_schrodinger_is_what_split_steps_give():
    n, half, steps = 768, 24.0, 2000
    x = -half + 2 * half * np.arange(n) / n
    turn = np.exp(-0.5j * (PI / half * np.fft.fftfreq(n, 1 / n)) ** 2 * (0.6 / steps))

    def march(steps, turn):
        h, dt = 2 / np.cosh(x) + 0j, 0.6 / steps
        for _ in range(steps):
            h = h * np.exp(0.5j * dt * np.abs(h) ** 2)
            h = np.fft.ifft(turn * np.fft.fft(h))
            h = h * np.exp(0.5j * dt * np.abs(h) ** 2)
        return h

    other = (4 * march(2 * steps, np.sqrt(turn)) - march(steps, turn)) / 3
    fields = g.registry.load("schrodinger").exact(torch.as_tensor(x), at(0.6))
    assert np.abs(fields["u"].numpy() + 1j * fields["v"].numpy() - other).max() < 1e-8


def test_schrodinger_keeps_mass_and_energy_and_has_its_spike():
    exact = g.registry.load("schrodinger").exact
    x = line(-20, 20, 4001).requires_grad_()
    for t in (0.0, 0.4, PI / 4, 1.5):
        fields = exact(x, at(t))
        u, v = fields["u"], fields["v"]
        bend = slopes(u, x)[0] ** 2 + slopes(v, x)[0] ** 2
        assert torch.trapezoid(u**2 + v**2, x).item() == pytest.approx(8, rel=1e-12)
        assert torch.trapezoid(bend - (u**2 + v**2) ** 2, x).item() == pytest.approx(-56 / 3, rel=1e-10)
    middle = exact(at(0.0), at(PI / 4))
    assert math.hypot(middle["u"], middle["v"]) == pytest.approx(4, rel=1e-14)
    ends = exact(at([-5.0, 5.0]), at(0.3))
    assert torch.hypot(ends["u"], ends["v"]).tolist() == pytest.approx([0.03, 0.03], abs=0.01)


def test_stokes_is_the_flow_of_its_stream_function():
    x, y = (c.requires_grad_() for c in columns(g.registry.load("stokes")))
    fields = g.registry.load("stokes").exact(x, y)
    stream = 5 * x * y**4 - x**5
    p_x, p_y = slopes(stream, x, y)
    torch.testing.assert_close(fields["u"], p_y)
    torch.testing.assert_close(fields["v"], -p_x)
    vorticity = slopes(fields["v"], x)[0] - slopes(fields["u"], y)[0]
    # Pressure and vorticity are harmonic conjugates.
    w_x, w_y = slopes(vorticity, x, y)
    torch.testing.assert_close(slopes(fields["p"], x)[0], -w_y)
    torch.testing.assert_close(slopes(fields["p"], y)[0], w_x)


def test_taylor_green_is_what_a_spectral_method_gives():
    n, steps, nu = 16, 200, 0.05
    h = 1 / steps
    grid = 2 * PI * np.arange(n) / n
    x, y = np.meshgrid(grid, grid, indexing="ij")
    k = np.fft.fftfreq(n, 1 / n)
    kx, ky = k[:, None], k[None, :]
    square = kx**2 + ky**2
    inverse = np.divide(1.0, square, out=np.zeros_like(square), where=square > 0)

    def slope(w):
        parts = (1j * ky * inverse * w, -1j * kx * inverse * w, 1j * kx * w, 1j * ky * w)
        u, v, w_x, w_y = (np.fft.ifft2(part).real for part in parts)
        return -np.fft.fft2(u * w_x + v * w_y) - nu * square * w

    w = np.fft.fft2(2 * np.sin(x) * np.sin(y))
    for _ in range(steps):
        a = slope(w)
        b = slope(w + h / 2 * a)
        c = slope(w + h / 2 * b)
        w = w + h / 6 * (a + 2 * b + 2 * c + slope(w + h * c))
    fields = g.registry.load("taylor_green").exact(torch.as_tensor(x), torch.as_tensor(y), at(1.0))
    for name, part in (("u", 1j * ky * inverse * w), ("v", -1j * kx * inverse * w)):
        assert np.abs(fields[name].numpy() - np.fft.ifft2(part).real).max() < 1e-10


def test_backward_step_is_stated_as_in_its_source():
    problem = g.registry.load("backward_step")
    assert problem.fields == ("u", "v", "p") and not problem.linear and problem.exact is None
    names = ["inlet_u", "inlet_v", "outlet_p", "outlet_v", "walls_u", "walls_v"]
    assert [term.name for term in problem.terms[1:]] == names
    points = torch.tensor([[1.0, 0.5], [3.0, 1.5], [1.0, 1.5], [2.1, 1.1], [1.9, 1.1]], dtype=torch.float64)
    assert problem.domain.contains(points).tolist() == [True, True, False, True, False]
    sides = {}
    for term in problem.terms[1:]:
        sides[term.name] = g.sampling.sample(term.region, 60).points
    assert (sides["inlet_u"][:, 0] == 0).all() and (sides["outlet_p"][:, 0] == 4).all()
    x, y = sides["walls_u"].unbind(-1)
    assert ((y == 0) | (y == 2) | ((x == 2) & (y >= 1)) | ((y == 1) & (x <= 2))).all()
    assert problem.domain.area == 6


def test_clamped_plate_is_what_finite_differences_give():
    exact, errors = g.registry.load("clamped_plate").exact, []
    for n in (24, 48):
        # Second differences of functions that are even about the edges: w = w_n = 0 there.
        h, m = 1 / n, n - 1
        second = (np.eye(m, k=1) - 2 * np.eye(m) + np.eye(m, k=-1)) / h**2
        fourth = (np.eye(m, k=2) - 4 * np.eye(m, k=1) + 6 * np.eye(m) - 4 * np.eye(m, k=-1) + np.eye(m, k=-2)) / h**4
        fourth[0, 0] += 1 / h**4
        fourth[-1, -1] += 1 / h**4
        x = h * np.arange(1, n)
        a = np.cos(2 * PI * x)
        load = 4 * PI**4 * (4 * np.outer(a, a) - a[:, None] - a)
        identity = np.eye(m)
        operator = np.kron(fourth, identity) + 2 * np.kron(second, second) + np.kron(identity, fourth)
        w = np.linalg.solve(operator, load.ravel()).reshape(m, m)
        grid = torch.as_tensor(x)
        errors.append(np.abs(w - exact(grid[:, None], grid).numpy()).max())
    assert errors[0] < 0.05 and 3.5 < errors[0] / errors[1] < 4.5


@pytest.mark.parametrize(("volatility", "rate"), [(0.2, 0.05), (0.6, -0.01)])
def test_black_scholes_is_the_expected_payoff(volatility, rate):
    exact = g.registry.load("black_scholes", volatility=volatility, rate=rate).exact
    for x, t in ((-0.4, 0.05), (0.0, 0.5), (0.1, 1.0), (0.9, 0.3)):
        drift, width = x + (rate - volatility**2 / 2) * t, volatility * math.sqrt(t)

        def payoff(z, drift=drift, width=width):
            return math.expm1(drift + width * z) * norm.pdf(z)

        bend = max(-drift / width, -12.0)
        other = math.exp(-rate * t) * (quad(payoff, bend, bend + 4, epsabs=1e-14)[0] + quad(payoff, bend + 4, 30)[0])
        assert exact(at(x), at(t)).item() == pytest.approx(other, rel=1e-9, abs=1e-13)


def test_black_scholes_begins_as_the_payoff_and_is_worth_more_later():
    exact = g.registry.load("black_scholes", start=0).exact
    x = line(-1, 1, 201)
    payoff = torch.expm1(x).clamp_min(0)
    assert (exact(x, 0 * x) - payoff).abs().max() < 1e-15
    prices = [exact(x, 0 * x + t) for t in (0.0, 1e-3, 0.1, 1.0)]
    assert all((late >= early - 1e-15).all() for early, late in pairwise(prices))


def test_fokker_planck_is_the_mixture_of_its_kernels():
    exact = g.registry.load("fokker_planck", width=0.3).exact
    x, y = line(-3, 3, 61), line(-2, 4, 601)
    for t in (0.2, 1.0, 2.0):
        spread = math.sqrt((1 - math.exp(-2 * t)) / 4)
        kernel = norm.pdf(x[:, None].numpy(), y.numpy() * math.exp(-t), spread)
        other = torch.trapezoid(torch.as_tensor(kernel) * exact(y, 0 * y), y)
        assert (exact(x, 0 * x + t) - other).abs().max() < 1e-12
        wide = line(-8, 8, 2001)
        assert torch.trapezoid(exact(wide, 0 * wide + t), wide).item() == pytest.approx(1, rel=1e-13)


def test_eikonal_is_the_linear_equation_behind_it():
    exact = g.registry.load("eikonal", viscosity=0.1).exact
    r = line(0, 1, 101)
    other = -0.1 * np.log(iv(0, r.numpy() / 0.1) / iv(0, 10))
    assert np.abs(exact(r, 0 * r).numpy() - other).max() < 1e-14
    assert (exact(0.6 * r, 0.8 * r) - exact(r, 0 * r)).abs().max() < 1e-14


@pytest.mark.parametrize("viscosity", [1e-2, 1e-4, 1e-8])
def test_eikonal_tends_to_the_distance(viscosity):
    r = line(0, 1, 1001)
    gap = g.registry.load("eikonal", viscosity=viscosity).exact(r, 0 * r) - (1 - r)
    bound = viscosity * math.log(math.sqrt(2 * PI / viscosity))
    assert gap.abs().max().item() <= 1.01 * bound and (gap <= 1e-15).all()


def test_fisher_travels_unchanged_and_is_what_lines_give():
    exact = g.registry.load("fisher").exact
    x = line(-4, 6, 101)
    assert (exact(x + 5, 0 * x + 1) - exact(x, 0 * x)).abs().max() < 1e-15
    assert exact(at([-4.9, 9.9]), at([0.0, 0.0])).tolist() == pytest.approx([1, 0], abs=0.02)
    errors = []
    for n in (151, 301):
        grid = line(-5, 10, n).numpy()
        h = grid[1] - grid[0]
        ends = torch.as_tensor(grid[[0, -1]])

        def slope(t, inner, h=h, ends=ends):
            left, right = exact(ends, at([t, t])).numpy()
            u = np.concatenate([[left], inner, [right]])
            return (u[2:] - 2 * inner + u[:-2]) / h**2 + 6 * inner * (1 - inner)

        start = exact(torch.as_tensor(grid[1:-1]), at(0.0)).numpy()
        u = solve_ivp(slope, (0, 1), start, "LSODA", rtol=1e-8, atol=1e-10, lband=1, uband=1).y[:, -1]
        errors.append(np.abs(u - exact(torch.as_tensor(grid[1:-1]), at(1.0)).numpy()).max())
    assert errors[0] < 0.02 and 3.7 < errors[0] / errors[1] < 4.3


def test_lotka_volterra_is_what_another_integrator_gives():
    problem = g.registry.load("lotka_volterra")
    t = line(0, 20, 501)

    def slope(_, state):
        u, v = state
        return [2 / 3 * u - 4 / 3 * u * v, u * v - v]

    other = solve_ivp(slope, (0, 20), [1, 1], "DOP853", t_eval=t.numpy(), rtol=1e-13, atol=1e-14).y
    fields = problem.exact(t)
    assert np.abs(fields["u"].numpy() - other[0]).max() < 1e-10
    assert np.abs(fields["v"].numpy() - other[1]).max() < 1e-10


def test_lotka_volterra_keeps_its_invariant_and_stays_with_half_the_steps(monkeypatch):
    problem = g.registry.load("lotka_volterra", end=200)
    t = line(0, 200, 4001)
    fields = problem.exact(t)
    u, v = fields["u"], fields["v"]
    kept = u - torch.log(u) + 4 / 3 * v - 2 / 3 * torch.log(v)
    assert (kept - 7 / 3).abs().max() < 1e-12
    monkeypatch.setattr(lotka_volterra, "_STEP", 0.05)
    assert (problem.exact(t)["u"] - u).abs().max() < 1e-11


def test_cantilever_carries_its_load_through_every_section():
    length = 3.0
    exact = g.registry.load("cantilever", length=length).exact
    load = 1 / (4 * length**3)  # of the beam that bends by 1: 3 E I / L^3
    for section in (0.0, 1.2, 3.0):
        y = line(-0.5, 0.5, 2001).requires_grad_()
        x = torch.full_like(y, section).requires_grad_()
        fields = exact(x, y)
        (u_x, u_y), (v_x, v_y) = slopes(fields["u"], x, y), slopes(fields["v"], x, y)
        tension, shear = (u_x + 0.3 * v_y) / (1 - 0.09), (u_y + v_x) / 2.6
        assert torch.trapezoid(shear, y).item() == pytest.approx(-load, rel=1e-6)
        assert torch.trapezoid(tension * y, y).item() == pytest.approx(load * (length - section), rel=1e-6, abs=1e-12)
        assert torch.trapezoid(tension, y).abs().item() < 1e-14
    thin = g.registry.load("cantilever", length=1000).exact(at(1000.0), at(0.0))
    assert thin["v"].item() == pytest.approx(-1, rel=1e-5)


def test_cavity_keeps_its_energy_and_no_charge():
    problem = g.registry.load("cavity", m=3, n=2)
    grid = (line(0, 1, 65)[:-1] + line(0, 1, 65)[1:]) / 2
    x, y = torch.meshgrid(grid, grid, indexing="ij")
    for t in (0.0, 0.1, 0.77):
        fields = problem.exact(x, y, at(t))
        assert sum((part**2).mean().item() for part in fields.values()) == pytest.approx(0.25, rel=1e-13)
    x, y, t = (c.requires_grad_() for c in columns(problem))
    fields = problem.exact(x, y, t)
    charge = slopes(fields["Ex"], x)[0] + slopes(fields["Ey"], y)[0]
    assert charge.abs().max() < 1e-13


def test_beltrami_turns_along_itself_under_the_pressure_of_its_source():
    problem = g.registry.load("beltrami")
    x, y, z, t = (c.requires_grad_() for c in columns(problem))
    fields = problem.exact(x, y, z, t)
    a, d = PI / 4, PI / 2
    u, v, w = (slopes(fields[name], x, y, z) for name in ("u", "v", "w"))
    curl = torch.stack([w[1] - v[2], u[2] - w[0], v[0] - u[1]])
    flow = torch.stack([fields[name] for name in ("u", "v", "w")])
    # Curl and velocity are parallel everywhere, with the same factor.
    factor = (curl * flow).sum() / (flow * flow).sum()
    assert abs(factor.item()) == pytest.approx(d, rel=1e-12)
    assert (curl - factor * flow).abs().max() < 1e-12
    terms = [
        torch.exp(2 * a * r) + 2 * torch.sin(a * r + d * s) * torch.cos(a * q + d * r) * torch.exp(a * (s + q))
        for r, s, q in ((x, y, z), (y, z, x), (z, x, y))
    ]
    pressure = -(a**2) / 2 * (sum(terms) - 3) * torch.exp(-2 * d**2 * t)
    assert (pressure - fields["p"]).abs().max() < 1e-13


BAD = {
    "klein_gordon": [{"frequency": 0}, {"frequency": "high"}, {"frequency": math.inf}],
    "schrodinger": [{"end": 0}, {"end": "late"}],
    "taylor_green": [{"viscosity": 0}, {"viscosity": True}],
    "backward_step": [{"viscosity": -1}, {"viscosity": "thick"}],
    "black_scholes": [{"volatility": 0}, {"rate": math.nan}, {"start": 1}, {"start": -0.1}, {"start": "now"}],
    "fokker_planck": [{"width": 0}, {"width": math.nan}],
    "eikonal": [{"viscosity": 0}, {"viscosity": "none"}],
    "fisher": [{"rate": -6}, {"rate": False}],
    "lotka_volterra": [{"end": 0}, {"end": 1e9}],
    "cantilever": [{"length": 0}, {"length": "long"}],
    "cavity": [{"m": 0, "n": 0}, {"m": 1.5}, {"n": -1}],
    "beltrami": [{"viscosity": 0}, {"viscosity": None}],
}


@pytest.mark.parametrize(("name", "options"), [(name, o) for name, cases in BAD.items() for o in cases])
def test_impossible_parameters_are_refused(name, options):
    with pytest.raises(g.GmnmError, match=rf"^{name}\(.*expected"):
        g.registry.load(name, **options)
