"""Eigenvalue problems."""

import json
import math

import pytest
import torch
from conftest import make_poisson
from scipy.linalg import eigvals

import gmnm_pde as g
from gmnm_pde.cli import main
from gmnm_pde.linalg.multifrontal_factors import FrontFactors
from gmnm_pde.linalg.pencil import Pencil, Pieces

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
LINE = g.Interval(x=(0, 1))


def modes_of(name, count=6, **options):
    return g.eigenmodes(
        g.registry.load(name.split("/")[0], **dict(part.split("=") for part in name.split("/")[1:])), count, **options
    )


@pytest.mark.parametrize(
    ("name", "most"),
    [
        pytest.param("membrane", 1e-9, marks=pytest.mark.slow),
        pytest.param("membrane/shape=disk", 1e-7, marks=pytest.mark.slow),
        ("waveguide", 1e-9),
    ],
)
def test_values_to_many_digits_and_their_estimates(name, most):
    found = modes_of(name, tol=most)
    assert found.converged and max(found.errors) < most
    exact = [value / (1 + error) for value, error in zip(found.values, found.errors, strict=True)]
    for error, estimate, value in zip(found.errors, found.estimates, exact, strict=True):
        assert error * (abs(value) or 1.0) < 10 * estimate
    assert list(found.values) == sorted(found.values)


def test_modes_satisfy_their_equation():
    found = modes_of("membrane", 4, tol=1e-8)
    x, y = torch.rand(2, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for value, mode in zip(found.values, found.modes, strict=True):
        u = mode.jet(x, y)
        assert (g.laplacian(u) + value * u).tensor.abs().max() < 1e-5
        assert abs(mode(0.0, 0.3)) < 1e-7
        assert 0.9 < mode(x, y).abs().max() < 1.1
        assert mode.report.error_estimate < 1e-6 and mode.parameters == {"k": value}
    first = torch.sin(math.pi * x) * torch.sin(math.pi * y)
    assert (found.modes[0](x, y).abs() - first).abs().max() < 1e-3


@pytest.mark.slow
def test_two_modes_of_one_value_span_its_space():
    found = modes_of("membrane", 3, tol=1e-9)
    x, y = torch.rand(2, 300, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    basis = torch.stack([mode(x, y) for mode in found.modes[1:]], dim=1)
    for m, n in (1, 2), (2, 1):
        target = torch.sin(m * math.pi * x) * torch.sin(n * math.pi * y)
        rest = target - basis @ torch.linalg.lstsq(basis, target[:, None]).solution[:, 0]
        assert rest.norm() < 1e-6 * target.norm()


def oscillator():
    return g.Problem(
        g.Interval(x=(-8, 8)),
        lambda u, x, E: -g.diff(u, x, x) + x**2 * u - E * u,
        [g.Dirichlet(u=0)],
        parameters={"E": 0.0},
        spectrum=lambda count: [2 * k + 1.0 for k in range(count)],
        name="oscillator",
    )


def test_one_dimension_and_a_potential():
    assert max(g.eigenmodes(oscillator(), 5).errors) < 1e-10


def test_values_near_a_guess():
    problem = oscillator()
    problem.parameters["E"] = 12.2
    assert g.eigenmodes(problem, 3, tol=1e-8).values == pytest.approx((11, 13, 15), rel=1e-6)


def test_modes_of_a_torus():
    side = (0, 2 * math.pi)
    torus = g.Problem(
        g.Rectangle(x=side, y=side),
        lambda u, k: g.laplacian(u) + k * u,
        [g.Periodic("x"), g.Periodic("y")],
        parameters={"k": 0.7},
    )
    spectrum = g.eigenmodes(torus, 4, tol=1e-6)
    assert spectrum.converged and list(spectrum.values) == pytest.approx([1.0] * 4, rel=1e-6)


def test_conditions_met_exactly():
    found = modes_of("membrane", 3, tol=1e-10, hard=True)
    assert max(found.errors) < 1e-10
    assert found.modes[0](0.0, 0.3) == 0
    ring = g.Problem(LINE, lambda u, k: g.diff(u, "x", "x") + k * u, [g.Periodic("x")], parameters={"k": -1.0})
    exact = [0, *[(2 * math.pi * m) ** 2 for m in (1, 1, 2, 2)]]
    assert g.eigenmodes(ring, 5, hard=True).values == pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_a_system_of_first_order():
    problem = g.Problem(
        LINE,
        lambda u, p, x, k: {"slope": g.diff(u, x) - p, "balance": g.diff(p, x) + k * u},
        [g.Dirichlet(u=0)],
        parameters={"k": 0.0},
    )
    found = g.eigenmodes(problem, 4, tol=1e-9)
    assert found.values == pytest.approx([(m * math.pi) ** 2 for m in range(1, 5)], rel=1e-8)
    assert found.plot(["u", "p"]) is not None


def test_patches():
    found = modes_of("membrane", 2, model=g.Mixture(components=60, patches=2, widths=1.5))
    assert max(found.errors) < 1e-4
    assert found.modes[0].plot() is not None


@pytest.mark.slow
def test_a_reentrant_corner_gets_patches_by_itself():
    found = modes_of("membrane/shape=l_shape", 6, model=g.Mixture(components=60), tol=1e-3)
    assert max(found.errors) < 3e-3
    assert sorted(found.errors)[3] < 1e-4


def test_the_pencil_against_dense_eigenvalues():
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(40, 12, dtype=torch.float64, generator=generator)
    B = A @ torch.randn(12, 12, dtype=torch.float64, generator=generator)
    found = Pencil(Pieces([((0,), A)], [12]), Pieces([((0,), B)], [12]), torch.zeros(1, 2)).modes(12)
    exact = eigvals(-torch.linalg.lstsq(A, B).solution.numpy())
    assert sorted(abs(1 / exact)) == pytest.approx(sorted(found.values.abs().tolist()), rel=1e-8)


def test_a_kept_factorisation_solves_again_and_again():
    generator = torch.Generator().manual_seed(0)
    sizes, centers = [4] * 9, torch.cartesian_prod(torch.arange(3.0), torch.arange(3.0))
    pieces, dense = [], []
    for a in range(9):
        for b in range(a, 9):
            if (centers[a] - centers[b]).abs().max() <= 1:
                groups = (a, b) if a != b else (a,)
                matrix = torch.randn(7, 4 * len(groups), dtype=torch.float64, generator=generator)
                row = matrix.new_zeros(7, 36)
                for place, group in enumerate(groups):
                    row[:, 4 * group : 4 * group + 4] = matrix[:, 4 * place : 4 * place + 4]
                pieces.append((groups, matrix))
                dense.append(row)
    whole, factors = torch.cat(dense), FrontFactors(pieces, sizes, centers)
    kept = [4 * group + k for group in range(9) for k in range(3)]
    for _ in range(2):
        right = torch.randn(len(whole), 3, dtype=torch.float64, generator=generator)
        rights = right.split([len(matrix) for _, matrix in pieces])
        assert torch.allclose(factors.solve(rights), torch.linalg.lstsq(whole, right).solution, atol=1e-12)
        head = factors.leading([3] * 9).solve(rights)
        assert torch.allclose(head[kept], torch.linalg.lstsq(whole[:, kept], right).solution, atol=1e-12)
        assert head.norm() == pytest.approx(head[kept].norm().item())


def eigenproblem(equation, conditions=None, **options):
    return g.Problem(SQUARE, equation, conditions or [g.Dirichlet(u=0)], **{"parameters": {"k": 1.0}, **options})


REFUSED = {
    "a source": (lambda: eigenproblem(lambda u, k: g.laplacian(u) + k * u + 1), {}, "zero fields"),
    "data": (lambda: eigenproblem(lambda u, k: g.laplacian(u) + k * u, [g.Dirichlet(u=1)]), {}, "zero fields"),
    "a square of the value": (lambda: eigenproblem(lambda u, k: g.laplacian(u) + k**2 * u), {}, "linear in 'k'"),
    "no parameter": (make_poisson, {}, "one unknown parameter"),
    "two parameters": (
        lambda: eigenproblem(lambda u, k, m: g.laplacian(u) + k * u + m * u, parameters={"k": 1.0, "m": 0.0}),
        {},
        "one unknown parameter",
    ),
    "no mode": (lambda: eigenproblem(lambda u, k: g.laplacian(u) + k * u), {"count": 0}, "positive number of modes"),
    "a network": (lambda: eigenproblem(lambda u, k: g.laplacian(u) + k * u), {"model": "mlp"}, "Mixture"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_eigenvalue_problem_is_refused(case):
    make, options, words = REFUSED[case]
    with pytest.raises(g.GmnmError, match=words):
        g.eigenmodes(make(), **options)


def test_solve_tells_of_eigenmodes():
    with pytest.raises(g.GmnmError, match="eigenmodes"):
        g.solve(g.registry.load("membrane"))


def test_the_problems_refuse_nonsense():
    with pytest.raises(g.GmnmError, match="l_shape"):
        g.registry.load("membrane", shape="circle")
    with pytest.raises(g.GmnmError, match="positive length"):
        g.registry.load("waveguide", width=-1)


def test_the_command(tmp_path, capsys):
    assert main(["modes", "membrane", "--count", "3", "--components", "150", "--json", "--out", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["values"][0] == pytest.approx(2 * math.pi**2, rel=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == {"modes.json", "modes.png", "history.csv", "report.html"}
    assert main(["modes", "membrane", "--count", "2", "--components", "60"]) == 0
    assert "k " in capsys.readouterr().out
    assert main(["modes", "poisson"]) == 2


BEAM = [4.730040744862704, 7.853204624095838, 10.995607838001671, 14.137165491257464]
"""Roots of cos b cosh b = 1."""


@pytest.mark.parametrize("seed", range(3))
def test_estimates_hold_in_badly_conditioned_problems(seed):
    """A clamped beam, of fourth order: by sub-models alone errors were up to nine times the estimates."""
    beam = g.Problem(
        LINE,
        lambda w, x, k: g.diff(w, x, x, x, x) - k * w,
        [g.Dirichlet(w=0), g.Neumann(w=0)],
        parameters={"k": 0.0},
    )
    found = g.eigenmodes(beam, 4, tol=1e-9, seed=seed)
    assert found.converged
    for value, estimate, root in zip(found.values, found.estimates, BEAM, strict=True):
        assert abs(value - root**4) < estimate < 1e-8 * value


def test_estimates_hold_where_many_values_are_close_and_residuals_fall_slowly():
    def atom(u, r, k):
        return g.diff(u, r, r) / 2 + u / r + k * u

    problem = g.Problem(g.Interval(r=(0, 80)), atom, [g.Dirichlet(u=0)], parameters={"k": -0.6})
    spectrum = g.eigenmodes(problem, count=3, tol=1e-4, seed=1)
    errors = [abs(value + 0.5 / n**2) for n, value in enumerate(spectrum.values, start=1)]
    assert spectrum.converged and errors[2] < 1e-4 / 18
    assert all(error < estimate for error, estimate in zip(errors, spectrum.estimates, strict=True))


def test_a_centrifugal_barrier_is_no_feature_that_has_to_be_resolved():
    def atom(u, r, k):
        return g.diff(u, r, r) / 2 + u / r - u / r**2 + k * u

    problem = g.Problem(g.Interval(r=(0, 60)), atom, [g.Dirichlet(u=0)], parameters={"k": -0.2})
    spectrum = g.eigenmodes(problem, count=2, tol=1e-5)
    assert spectrum.converged
    assert list(spectrum.values) == pytest.approx([-1 / 8, -1 / 18], rel=1e-5)
