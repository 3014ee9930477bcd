"""The problems of the PINNacle benchmark: their references against independent ones, and what they refuse."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import scipy.special
import torch
from scipy.integrate import solve_ivp
from scipy.sparse.linalg import spsolve

import gmnm_pde as g
from gmnm_pde.problems import _pinnacle, gray_scott, heat_varying, poisson_layers, poisson_screened

PI = math.pi


def columns(problem, n=200, seed=3):
    return g.sampling.sample(problem.domain.interior, n, "sobol", seed=seed).points.unbind(-1)


def double(values):
    return torch.as_tensor(values, dtype=torch.float64)


FAMILIES = {
    "wave_2d": [{"end": 0.5}, {"end": 100}],
    "poisson_nd": [{"dimension": 1}, {"dimension": 2}, {"dimension": 20}],
    "heat_nd": [{"dimension": 2}, {"dimension": 3}, {"dimension": 10}],
    "poisson_inverse": [{"seed": 5}],
    "heat_inverse": [{"sensors": 100, "seed": 5}],
    "gray_scott": [{"end": 0.7}],
}
"""Without options each is verified with all others of the registry."""


@pytest.mark.parametrize(
    ("name", "options"), [(name, options) for name, cases in FAMILIES.items() for options in cases]
)
def test_families_verify(name, options):
    g.registry.load(name, **options).verify()


@pytest.mark.parametrize("name", ["poisson_inverse", "heat_inverse"])
def test_noise_contradicts_the_data_and_nothing_else(name):
    noisy, other = g.registry.load(name, noise=0.1), g.registry.load(name, noise=0.1, seed=1)
    with pytest.raises(g.GmnmError, match="does not satisfy observed_u:"):
        noisy.verify()

    def errors(problem):
        points = next(term.region.points for term in problem.terms if term.name == "observed_u")
        (condition,) = (c for c in problem.conditions if isinstance(c, g.Observations))
        exact, _ = problem.exact_columns(points.unbind(-1))
        return condition.values["u"] - exact["u"]

    assert len(errors(noisy)) == 2500
    assert errors(noisy).std().item() == pytest.approx(0.1, rel=0.05)
    assert abs(errors(noisy).mean().item()) < 0.01
    assert (errors(noisy) - errors(other)).std() > 0.1
    assert errors(g.registry.load(name)).abs().max() == 0


def test_the_noise_leaves_the_sensors_where_they_are():
    first, second = (g.registry.load("heat_inverse", noise=noise) for noise in (0.0, 0.3))
    points = [next(t.region.points for t in p.terms if t.name == "observed_u") for p in (first, second)]
    assert torch.equal(*points)
    assert first.domain.contains(points[0]).all()


def test_the_benchmarks_own_formula_is_no_wave():
    """What the docstring of wave_2d says of sin(pi x) sinh(pi y) cos(pi t)."""
    formula = lambda x, y, t: torch.sin(PI * x) * torch.sinh(PI * y) * torch.cos(PI * t)  # noqa: E731
    wrong = g.Problem(
        g.registry.load("wave_2d", end=1).domain,
        lambda u, x, y, t: g.diff(u, t, t) - g.diff(u, x, x) - 2 * g.diff(u, y, y),
        [g.Dirichlet(u=formula), g.Initial(u=0, order=1)],
        exact=formula,
    )
    with pytest.raises(g.GmnmError, match="does not satisfy equation"):
        wrong.verify()


def test_heat_varying_is_what_collocation_and_a_matrix_exponential_give():
    n, end = 30, 0.3
    nodes = np.cos(PI * np.arange(n + 1) / n)
    weights = np.where(np.isin(np.arange(n + 1), (0, n)), 2.0, 1.0) * (-1.0) ** np.arange(n + 1)
    d = np.outer(weights, 1 / weights) / (nodes[:, None] - nodes + np.eye(n + 1))
    d = 2 * (d - np.diag(d.sum(axis=1)))
    second, line = (d @ d)[1:-1, 1:-1], (0.5 + 0.5 * nodes)[1:-1]
    x, y = (values.ravel() for values in np.meshgrid(line, line, indexing="ij"))
    a = np.exp(np.cos(2 * PI * x) * np.cos(PI * y) + np.cos(PI * x) * np.cos(3 * PI * y))
    operator = a[:, None] * (np.kron(second, np.eye(n - 1)) + np.kron(np.eye(n - 1), second))
    # u' = A u + f sin(pi t), as one system with the sine and the cosine
    size = len(x)
    whole = np.zeros((size + 2, size + 2))
    whole[:size, :size] = operator
    whole[:size, size] = 200 * np.sin(PI * x) * np.sin(5 * PI * y)
    whole[size, size + 1], whole[size + 1, size] = PI, -PI
    other = scipy.linalg.expm(end * whole)[:size, -1]
    u = g.registry.load("heat_varying").exact(double(x), double(y), torch.full((size,), end, dtype=torch.float64))
    assert np.abs(u.numpy() - other).max() < 1e-6 * np.abs(other).max()


@pytest.mark.parametrize("modes", [24, pytest.param(48, marks=pytest.mark.slow)])
def test_heat_varying_stays_with_other_numbers_of_modes(modes, monkeypatch):
    problem = g.registry.load("heat_varying")
    points = columns(problem)
    u = problem.exact(*points)
    monkeypatch.setattr(heat_varying, "_MODES", modes)
    heat_varying._eigenfunctions.cache_clear()
    assert (problem.exact(*points) - u).abs().max() < (1e-6 if modes < 32 else 1e-9)
    heat_varying._eigenfunctions.cache_clear()


def five_point(coefficient, n):
    """Poisson's equation in layers by finite differences at the middles of n x n squares, with the middles."""
    h = 20 / n
    second = scipy.sparse.diags([np.ones(n - 1), -2 * np.ones(n), np.ones(n - 1)], [-1, 0, 1]).tolil()
    beyond = (1 - h / 2) / (1 + h / 2)  # u there, by what the average and the difference at the boundary say
    second[0, 0] = second[-1, -1] = -2 + beyond
    identity = scipy.sparse.identity(n)
    laplacian = (scipy.sparse.kron(second, identity) + scipy.sparse.kron(identity, second)) / h**2
    a = np.kron(coefficient, np.ones((n // 5, n // 5)))
    middles = h * (np.arange(n) + 0.5) - 10
    x, y = np.meshgrid(middles, middles, indexing="ij")
    return x, y, spsolve(laplacian.tocsc(), -1 / a.ravel()).reshape(n, n)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 0])
def test_poisson_layers_is_where_finite_differences_go(seed):
    problem, errors = g.registry.load("poisson_layers", seed=seed), []
    coefficient = poisson_layers._coefficient(seed).numpy()
    assert 0.1 <= coefficient.min() < 1 < 10 < coefficient.max() <= 100
    for n in (40, 80, 160):
        x, y, other = five_point(coefficient, n)
        u = problem.exact(double(x).flatten(), double(y).flatten()).numpy().reshape(n, n)
        errors.append(np.abs(other - u).max() / u.max())
    assert errors[-1] < 3e-4
    assert 3.5 < errors[0] / errors[1] < 4.5 and 3.5 < errors[1] / errors[2] < 4.5


@pytest.mark.slow
def test_poisson_materials_is_where_finite_volumes_go():
    """Cells of the scheme are cut at the edges of the materials, where its nodes lie; its error falls with h^2."""
    factor, level, bump = (np.array(table) for table in (_pinnacle.FACTOR, _pinnacle.LEVEL, _pinnacle.BUMP))

    def volumes(n):
        step, x = 20 / n, np.linspace(-10, 10, n + 1)
        total = np.zeros((n + 1, n + 1))
        for dx, dy in itertools.product((-step / 4, step / 4), repeat=2):  # the middles of the quarters of a cell
            places = np.meshgrid(x + dx, x + dy, indexing="ij")
            i, j = (np.clip(((own + 10) // 4).astype(int), 0, 4) for own in places)
            s, t = (np.sin(PI * ((own + 10) / 4 - k)) for own, k in zip(places, (i, j), strict=True))
            inside = (np.abs(places[0]) < 10) & (np.abs(places[1]) < 10)
            total += np.where(inside, (level[i, j] + bump[i, j] * s * t) / factor[i, j], 0.0) * step**2 / 4
        widths, ends = np.full(n + 1, step), np.zeros(n + 1)
        widths[[0, -1]], ends[[0, -1]] = step / 2, 1.0
        slope = scipy.sparse.diags([-np.ones(n), np.ones(n)], [0, 1], shape=(n, n + 1)) / step
        along, across = step * slope.T @ slope + scipy.sparse.diags(ends), scipy.sparse.diags(widths)
        matrix = scipy.sparse.kron(along, across) + scipy.sparse.kron(across, along)
        return x, spsolve(matrix.tocsc(), total.ravel()).reshape(n + 1, n + 1)

    (x, coarse), (_, fine) = volumes(100), volumes(200)
    reference = (4 * fine[::2, ::2] - coarse)[1:-1, 1:-1] / 3
    solution = g.solve(g.registry.load("poisson_materials"), tol=1e-2)
    places = np.meshgrid(x[1:-1], x[1:-1], indexing="ij")
    found = solution(x=places[0].ravel(), y=places[1].ravel()).reshape(reference.shape)
    error = np.linalg.norm(found - reference) / np.linalg.norm(reference)
    assert solution.report.converged and error < min(1e-2, 10 * solution.report.error_estimate)


def test_poisson_layers_has_a_continuous_gradient_and_values_everywhere():
    exact = g.registry.load("poisson_layers").exact
    s, h = torch.linspace(-10, 10, 301, dtype=torch.float64), 1e-5
    for edge in (-6.0, 2.0):
        for swap in (False, True):
            at = [exact(*((s, edge + k * h + 0 * s)[:: -1 if swap else 1])) for k in (-1, 0, 1)]
            assert (at[2] - 2 * at[1] + at[0]).abs().max() < 1e-8  # a jump of the slope would give 1e-5 times it
    lattice = torch.cartesian_prod(s[::15], s[::15])
    assert torch.isfinite(exact(*lattice.unbind(-1))).all()


@pytest.mark.parametrize("change", [{"_DEGREE": 60}, {"_DEGREE": 100, "_POWERS": (3, 4, 5, 6, 7)}])
def test_poisson_layers_stays_with_other_series(change, monkeypatch):
    problem = g.registry.load("poisson_layers", seed=1)
    points = columns(problem)
    u = problem.exact(*points)
    for name, value in change.items():
        monkeypatch.setattr(poisson_layers, name, value)
    poisson_layers._weights.cache_clear()
    assert (problem.exact(*points) - u).abs().max() < 1e-9 * u.abs().max()
    poisson_layers._weights.cache_clear()


def test_poisson_screened_meets_its_conditions_everywhere():
    exact = g.registry.load("poisson_screened").exact
    side, angle = torch.linspace(-1, 1, 801, dtype=torch.float64), torch.linspace(0, 2 * PI, 801, dtype=torch.float64)
    for end in (-1, 1):
        assert (exact(side, 0 * side + end) - 0.2).abs().max() < 1e-12
        assert (exact(0 * side + end, side) - 0.2).abs().max() < 1e-12
    for x, y, radius in poisson_screened._HOLES:
        assert (exact(x + radius * torch.cos(angle), y + radius * torch.sin(angle)) - 1).abs().max() < 1e-11


def test_poisson_screened_stays_with_fewer_waves(monkeypatch):
    problem = g.registry.load("poisson_screened")
    points = columns(problem)
    u = problem.exact(*points)
    monkeypatch.setattr(poisson_screened, "_POLES", 36)
    poisson_screened._coefficients.cache_clear()
    assert (problem.exact(*points) - u).abs().max() < 1e-9
    poisson_screened._coefficients.cache_clear()


def test_the_square_without_holes_is_what_series_of_sines_say():
    """-laplacian(u) + 64 u = f - 64 * 0.2 for what is left of u when 0.2 is taken off."""
    k = np.arange(1, 400)
    x, y = np.array([0.0, 0.3, -0.72]), np.array([0.0, -0.41, 0.55])
    sin_x, sin_y = (np.sin(PI / 2 * k * (z[:, None] + 1)) for z in (x, y))
    nodes, weights = np.polynomial.legendre.leggauss(900)
    along = np.sin(PI / 2 * k[:, None] * (nodes + 1)) * weights
    ones, a, b = (along @ values for values in (1 + 0 * nodes, np.sin(PI * nodes), np.sin(4 * PI * nodes)))
    aa, bb = (along @ (nodes**2 * values) for values in (np.sin(PI * nodes), np.sin(4 * PI * nodes)))
    source = 10 * (17 * np.outer(a, b) + np.outer(aa, b) + np.outer(a, bb)) - 64 * 0.2 * np.outer(ones, ones)
    series = source / ((PI / 2) ** 2 * (k[:, None] ** 2 + k**2) + 64)
    other = 0.2 + ((sin_x @ series) * sin_y).sum(axis=1)
    assert np.abs(poisson_screened._without_holes(double(x), double(y)).numpy() - other).max() < 1e-6


def test_bessel_functions():
    z = double([0.8, 1.6, 5.0, 25.0])
    for order, values in enumerate(poisson_screened._bessel(z)):
        assert values.numpy() == pytest.approx(scipy.special.kn(order, z.numpy()), rel=1e-12)


def test_gray_scott_is_what_another_integrator_gives_on_the_whole_square():
    n, end = 128, 0.6
    line, k = -1 + 2 * np.arange(n) / n, PI * np.fft.fftfreq(n, 1 / n)
    x, y = np.meshgrid(line, line, indexing="ij")
    square = k[:, None] ** 2 + PI**2 * np.arange(n // 2 + 1) ** 2

    def slope(_, w):
        u, v = w.reshape(2, n, n)
        spread = (np.fft.irfft2(-square * np.fft.rfft2(part), (n, n)) for part in (u, v))
        rate = u * v**2
        return np.stack([1e-5 * next(spread) + 0.04 * (1 - u) - rate, 5e-6 * next(spread) - 0.1 * v + rate]).ravel()

    start = [
        1 - np.exp(-80 * ((x + 0.05) ** 2 + (y + 0.02) ** 2)),
        np.exp(-80 * ((x - 0.05) ** 2 + (y - 0.02) ** 2)),
    ]
    other = solve_ivp(slope, (0, end), np.stack(start).ravel(), "DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
    fields = g.registry.load("gray_scott", end=end).exact(
        double(x).flatten(), double(y).flatten(), torch.full((n * n,), end, dtype=torch.float64)
    )
    assert np.abs(torch.cat(fields).numpy() - other).max() < 1e-8


@pytest.mark.slow
def test_gray_scott_stays_on_a_finer_grid_with_half_the_steps(monkeypatch):
    problem = g.registry.load("gray_scott")
    points = columns(problem, 4000)
    before = torch.cat(problem.exact(*points))
    for name, value in {"_NODES": 320, "_STEP": 0.025, "_NEAR": 14, "_HALF": 0.75}.items():
        monkeypatch.setattr(gray_scott, name, value)
    gray_scott._values.cache_clear()
    assert (torch.cat(problem.exact(*points)) - before).abs().max() < 1e-8
    gray_scott._values.cache_clear()


BAD = {
    "wave_2d": [{"end": 0}, {"end": math.inf}, {"end": "late"}],
    "poisson_nd": [{"dimension": 0}, {"dimension": 21}, {"dimension": 2.5}, {"dimension": True}],
    "heat_nd": [{"dimension": 1}, {"dimension": 11}, {"dimension": "five"}],
    "poisson_inverse": [{"noise": -0.1}, {"noise": math.nan}, {"seed": -1}, {"seed": 0.5}],
    "heat_inverse": [{"noise": -0.1}, {"noise": "much"}, {"sensors": 0}, {"seed": -1}],
    "poisson_layers": [{"seed": -1}, {"seed": 0.5}],
    "gray_scott": [{"end": 5.5}, {"end": 0}, {"end": True}],
}


@pytest.mark.parametrize(("name", "options"), [(name, options) for name, cases in BAD.items() for options in cases])
def test_impossible_parameters_are_refused(name, options):
    with pytest.raises(g.GmnmError, match=rf"^{name}\(.*expected"):
        g.registry.load(name, **options)
