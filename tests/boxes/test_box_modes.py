"""Modes on boxes."""

import math
import time

import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import gmnm_pde as g
from gmnm_pde.adaptivity.boxes.first_cells import first_cells, inside
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.reading import Unsuited
from gmnm_pde.boxes.spectra import spectral
from gmnm_pde.boxes.spectra.spectral import Search, Shifted, ShiftInverted
from gmnm_pde.linalg.arnoldi import largest

CORNERS = [(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]
L_SHAPE = g.Polygon(CORNERS)
SQUARE = g.Rectangle(x=(-1, 1), y=(-1, 1))
VALUES = (9.6397238440219, 15.1972519264545, 2 * math.pi**2, 29.5214811141506, 31.9126359571263, 41.4745098904487)
"""Of the L-shape: L. N. Trefethen, T. Betcke, Contemporary Mathematics 412 (2006)."""


def membrane(domain=L_SHAPE, equation=lambda u, k: g.laplacian(u) + k * u, guess=0.0):
    return g.Problem(domain, equation, [g.Dirichlet(u=0)], parameters={"k": guess})


def inverted(problem, shift, tol, degree):
    problems = Shifted.of(problem, shift)
    layout = inside(problem.domain, first_cells(problems.at.problem, tol, 0))[0]
    return ShiftInverted(problems, layout, Degrees.of(2, degree))


def errors(found, values):
    return [abs(value - exact) for value, exact in zip(found.values, values, strict=True)]


def test_blocks_find_the_largest_values_of_a_matrix():
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(60, 60, generator=generator, dtype=torch.float64)
    values = torch.cat([torch.tensor([5.0, 5.0, 5.0, -4.0, 3.0]), torch.linspace(-1, 1, 55)]).double()
    matrix, start = basis * values @ torch.linalg.inv(basis), basis[:, :4] @ torch.randn(4, 4).double()
    start = start + torch.randn(60, 4, generator=generator, dtype=torch.float64)
    found = largest(lambda x: matrix @ x, lambda x: x, start, 5, 1e-12)
    assert found.values.real.tolist() == pytest.approx([5, 5, 5, -4, 3], rel=1e-9)
    rest = matrix.to(found.vectors.dtype) @ found.vectors - found.vectors * found.values
    assert rest.abs().max() < 1e-10


def test_the_corrected_solution_is_that_of_the_whole_factorisation():
    system = inverted(membrane(), 3.0, 1e-4, 12)
    unknowns = torch.randn(system.system.columns, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    right = system.rights(unknowns)
    found = system.apply(unknowns)
    gradient = system.gradient(right, found)
    assert gradient.abs().max() < 1e-10 * system.gradient(right, 0 * found).abs().max()


@pytest.mark.parametrize("guess", [0.0, *(pytest.param(at, marks=pytest.mark.slow) for at in (9.6, VALUES[0]))])
def test_the_first_of_the_l_shape(guess):
    found = g.eigenmodes(membrane(guess=guess), 2, tol=1e-4)
    assert found.converged and "boxes" in found.modes[0].report.method
    off = errors(found, VALUES[:2])
    assert max(off) < 1e-3 and all(error <= estimate for error, estimate in zip(off, found.estimates, strict=True))


@pytest.mark.slow
def test_modes_are_solutions_of_their_own(tmp_path):
    found = g.eigenmodes(membrane(), 1, tol=1e-3)
    (mode,) = found.modes
    x, y = torch.rand(2, 400, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1
    jet = mode.jet(x, y)
    assert (g.laplacian(jet) + found.values[0] * jet).tensor.square().mean().sqrt() < 1e-3 * found.values[0]
    assert 0.9 < mode(x, y).max() <= 1.01 and mode.parameters == {"k": found.values[0]}
    mode.save(tmp_path / "mode.pt")
    assert torch.equal(g.load_solution(tmp_path / "mode.pt")(x, y), mode(x, y))
    assert found.plot() is not None


@pytest.mark.slow
def test_a_hole_that_one_mixture_misses():
    holed = membrane(g.Annulus(center=(0, 0), inner=0.5, outer=1))
    found = g.eigenmodes(holed, 3, g.Mixture(), tol=1e-5)
    exact = (39.013288499002876, 40.87245337866383, 40.87245337866383)  # zeros of J_n(k) Y_n(k/2) - J_n(k/2) Y_n(k)
    assert found.converged
    off = errors(found, exact)
    assert all(error <= estimate + 1e-12 for error, estimate in zip(off, found.estimates, strict=True))


@pytest.mark.slow
def test_a_density_counts():
    """With u = sin on the unit square and a density c, all values are those of the membrane divided by c."""
    plain, dense = (
        inverted(membrane(L_SHAPE, equation), 0.0, 1e-3, 12).nearest(Search(2))
        for equation in (lambda u, k: g.laplacian(u) + k * u, lambda u, x, k: g.laplacian(u) + k * (4 + 0 * x) * u)
    )
    assert (dense.values.real / plain.values.real).tolist() == pytest.approx([4.0, 4.0], rel=1e-10)


@pytest.mark.parametrize(
    "equation",
    [
        lambda u, k: g.laplacian(u) + k * u + 1,
        lambda u, k: g.laplacian(u) + k**2 * u,
    ],
)
def test_what_is_no_linear_eigenvalue_problem_is_refused(equation):
    with pytest.raises(Unsuited):
        inverted(membrane(L_SHAPE, equation), 1.0, 1e-1, 8)


@pytest.mark.slow
def test_six_of_the_l_shape_to_eight_digits():
    found = g.eigenmodes(membrane(), 6, tol=1e-8)
    assert found.converged
    off = errors(found, VALUES)
    assert max(error / value for error, value in zip(off, VALUES, strict=True)) < 5e-9
    assert all(error <= estimate + 1e-10 for error, estimate in zip(off, found.estimates, strict=True))


def test_modes_that_fade_before_the_walls():
    """An oscillator twice as stiff along y in a square that is far too large for the lowest modes."""
    plane = g.Rectangle(x=(-8, 8), y=(-8, 8))
    trap = membrane(plane, lambda u, x, y, k: g.laplacian(u) - (x * x + 2 * y * y) * u + k * u)
    found = g.eigenmodes(trap, 3, tol=1e-6)
    exact = [1 + math.sqrt(2), 3 + math.sqrt(2), 1 + 3 * math.sqrt(2)]
    assert found.converged and "boxes" in found.modes[0].report.method
    assert all(off <= own for off, own in zip(errors(found, exact), found.estimates, strict=True))


@pytest.mark.slow
def test_a_small_heavy_place_on_a_drum():
    """With as much mass within 1/100 as elsewhere; the radial equation is solved as one of first order."""
    width = 0.01

    def mass(r2):
        return 1 + torch.exp(-r2 / width**2) / width**2

    disk = g.Disk(center=(0, 0), radius=1)
    loaded = membrane(disk, lambda u, x, y, k: g.laplacian(u) + k * mass(x * x + y * y) * u)
    found = g.eigenmodes(loaded, 1, tol=1e-4)

    def end(k):  # u at r = 1, by s = log r from where u = 1
        def rates(s, u):
            r2 = math.exp(2 * s)
            return [u[1], -k * r2 * (1 + math.exp(-r2 / width**2) / width**2) * u[0]]

        return solve_ivp(rates, (-12.0, 0.0), [1.0, 0.0], rtol=1e-10, atol=1e-12, max_step=0.05).y[0, -1]

    assert found.converged
    assert found.values[0] == pytest.approx(brentq(end, 0.2, 1.0, xtol=1e-10), rel=1e-5)


@pytest.mark.slow
def test_a_limit_of_time_leaves_modes_of_fewer_digits():
    started = time.monotonic()
    found = g.eigenmodes(membrane(), 2, tol=1e-10, time_limit=6.0)
    assert time.monotonic() - started < 8.0
    assert found.values[0] == pytest.approx(VALUES[0], rel=0.3)


@pytest.mark.slow
def test_iterations_begin_with_the_modes_of_coarser_boxes(monkeypatch):
    widths = []

    def counted(apply, measured, start, *rest):
        widths.append(start.shape[1])
        return largest(apply, measured, start, *rest)

    monkeypatch.setattr(spectral, "largest", counted)
    found = g.eigenmodes(membrane(), 2, tol=1e-3)
    assert found.converged and widths[0] == 4 and set(widths[1:]) == {2 + 3 + 1}


@pytest.mark.slow
def test_coupled_oscillators_have_nothing_narrow_and_time_for_boxes():
    plane, coupling = g.Rectangle(x=(-7, 7), y=(-7, 7)), 0.3

    def oscillators(u, v, x, y, k):
        well = x * x + y * y - k
        return g.laplacian(u) - well * u - coupling * v, g.laplacian(v) - well * v - coupling * u

    problem = g.Problem(plane, oscillators, [g.Dirichlet(u=0, v=0)], parameters={"k": 0.0})
    spectrum = g.eigenmodes(problem, count=2, tol=1e-4, time_limit=30)
    assert spectrum.converged
    assert list(spectrum.values) == pytest.approx([2 - coupling, 2 + coupling], rel=1e-4)
