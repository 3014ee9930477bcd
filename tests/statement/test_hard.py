"""Conditions that are met by construction."""

import math

import pytest
import torch
from conftest import PI, make_poisson

import gmnm_pde as g
from gmnm_pde.plots.patches import plot_patches
from gmnm_pde.sampling import sample

SMALL = {"poisson": 300, "wave": 600, "heat": 400, "advection": 600, "kovasznay": 300, "nonlinear_poisson": 200}
BOUND = {"poisson": 1e-9, "wave": 1e-6, "heat": 1e-9, "advection": 1e-7, "kovasznay": 1e-3, "nonlinear_poisson": 1e-5}


def points_of(problem, name):
    (term,) = [term for term in problem.terms if term.name == name]
    return sample(term.region, 200, "random", seed=7).points


def largest_gap(problem, solution, name):
    """How far a solution is from what a Dirichlet or Initial condition says."""
    (term,) = [term for term in problem.terms if term.name == name]
    points = points_of(problem, name)
    columns = points.unbind(1)
    wanted = torch.as_tensor(term.data.value(dict(zip(problem.domain.coordinates, columns, strict=True))))
    values = solution(*columns)
    if isinstance(values, dict):
        values = values[term.data.field]
    return (values - wanted).abs().max().item()


DEAR = {"kovasznay", "wave"}
"""Problems that take seconds each."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in DEAR else []) for n in SMALL])
def test_the_data_are_met_to_rounding_and_the_solution_is_as_good(name):
    problem = g.registry.load(name)
    widths = 2.0 if name in ("kovasznay", "nonlinear_poisson") else None
    solution = g.solve(problem, g.Mixture(components=SMALL[name], widths=widths), hard=True)
    errors = solution.report.relative_l2
    assert max(errors.values() if isinstance(errors, dict) else [errors]) < BOUND[name]
    assert solution.report.met
    for term in problem.terms:
        if term.name in solution.report.met and term.data is not None and term.data.order == 0:
            assert largest_gap(problem, solution, term.name) < 1e-13
    assert "met exactly" in str(solution.report)


def test_initial_velocities_are_met_too():
    problem = g.registry.load("wave")
    solution = g.solve(problem, g.Mixture(components=100), hard=True)
    assert solution.report.met == ["dirichlet_u", "initial_u", "initial_dt_u"]
    x = torch.linspace(0.05, 0.95, 20, dtype=torch.float64)
    velocity = g.diff(solution.jet(x, torch.zeros_like(x)), "t").tensor
    expected = g.diff(
        g.jet(
            lambda p: problem.exact(*p.unbind(1)), torch.stack([x, 0 * x], 1), coordinates=("x", "t"), engine="reverse"
        ),
        "t",
    )
    assert torch.allclose(velocity, expected.tensor, atol=1e-12)


def test_a_periodic_solution_is_periodic_with_all_derivatives():
    problem = g.registry.load("advection")
    solution = g.solve(problem, g.Mixture(components=150), hard="periodic")
    (low, high), _ = problem.domain.bounds
    t = torch.linspace(0, 1, 11, dtype=torch.float64)
    for order in range(4):
        ends = [solution.jet(torch.full_like(t, end), t) for end in (low, high)]
        left, right = (g.diff(u, *["x"] * order).tensor if order else u.tensor for u in ends)
        assert torch.allclose(left, right, rtol=1e-9, atol=1e-9 * left.abs().max().item())


SHAPES = {
    "a disk": (g.Disk(center=(0.2, -0.1), radius=0.7), 1.0),
    "an ellipse": (g.Ellipse(center=(0, 0), radii=(1.0, 0.5)), 1.0),
    "a triangle": (g.Triangle((0, 0), (1, 0), (0.3, 0.8)), 1.0),
    "a ball": (g.Ball(center=(0, 0, 0), radius=1.0), 1.0),
    "a signed distance": (
        g.SignedDistance(lambda x, y: (x**2 + y**2) ** 2 - 0.5, x=(-1, 1), y=(-1, 1)),
        1.0,
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape):
    domain, value = SHAPES[shape]
    problem = g.Problem(domain, lambda u: g.laplacian(u) - u + value + 1, [g.Dirichlet(u=value)], name=shape)
    solution = g.solve(problem, g.Mixture(components=120, widths=1.5), hard=True)
    plain = g.solve(problem, g.Mixture(components=300, widths=1.5))
    points = sample(domain.boundary, 100, "random", seed=3).points
    assert (solution(*points.unbind(1)) - value).abs().max() < 1e-12
    inside = sample(domain.interior, 100, "random", seed=4).points.unbind(1)
    assert (solution(*inside) - plain(*inside)).abs().max() < 1e-3


def test_two_boundaries_with_values_of_their_own():
    ring = g.Annulus(center=(0, 0), inner=0.5, outer=1.0)
    problem = g.Problem(
        ring,
        g.laplacian,
        [g.Dirichlet(u=1, on=ring.inner, name="inside"), g.Dirichlet(u=3, on=ring.outer, name="outside")],
        exact=lambda x, y: 3 + torch.log(torch.sqrt(x**2 + y**2)) * 2 / math.log(2),
    )
    solution = g.solve(problem, g.Mixture(components=300), hard=True)
    assert solution.report.relative_l2 < 1e-6
    assert max(largest_gap(problem, solution, name) for name in ("inside", "outside")) < 1e-12


def test_a_part_of_the_boundary_and_neumann_on_the_rest():
    square = g.Rectangle(x=(0, 1), y=(0, 1))
    left = g.Dirichlet(u=lambda y: torch.sin(y), on=square.face(x=0))
    rest = [g.Neumann(u=lambda x, y: torch.exp(x) * torch.sin(y), on=square.face(x=1), name="right")]
    rest += [
        g.Neumann(u=lambda x, y, s=s, k=k: s * torch.exp(x) * torch.cos(y), on=square.face(y=k))
        for s, k in ((-1, 0), (1, 1))
    ]
    exact = lambda x, y: torch.exp(x) * torch.sin(y)  # noqa: E731
    problem = g.Problem(square, lambda u: g.laplacian(u), [left, *rest], exact=exact)
    solution = g.solve(problem, g.Mixture(components=200), hard="dirichlet_u")
    assert solution.report.met == ["dirichlet_u"]
    assert solution.report.relative_l2 < 1e-8
    assert largest_gap(problem, solution, "dirichlet_u") < 1e-14
    assert solution.report.boundary > 0


@pytest.mark.slow
def test_an_unknown_scalar_beside_exact_conditions():
    problem = g.registry.load("inverse_heat")
    solution = g.solve(problem, g.Mixture(components=300), hard=True)
    exact = problem.exact_columns([torch.zeros(1, dtype=torch.float64)] * problem.domain.dimension)[1]
    for name, value in exact.items():
        assert solution.parameters[name] == pytest.approx(value, rel=1e-4)


def test_patches_and_blocks_go_with_exact_boundary_values():
    patched = g.solve(make_poisson(), g.Mixture(components=40, patches=2, widths=1.5), tol=1e-3, hard=True)
    assert patched.report.relative_l2 < 1e-3
    assert abs(patched(1.0, 0.3)) < 1e-15
    heat = g.registry.load("heat")
    blocks = g.solve(heat, g.Mixture(components=80, widths=2.0), tol=1e-2, blocks=2, hard="boundary")
    assert blocks.report.relative_l2 < 1e-3
    assert abs(blocks(1.0, 0.3)) < 1e-15
    assert plot_patches(blocks) is not None


@pytest.mark.parametrize("method", [[g.LBFGS(30)], [g.Adam(30)], [g.GaussNewton(5)], [g.LeastSquares()]])
def test_networks_meet_them_whatever_their_weights_are(method):
    solution = g.solve(make_poisson(), "mlp", method, hard=True, points=200)
    edge = torch.linspace(-1, 1, 9, dtype=torch.float64)
    assert all((solution(x, edge) ** 2).max() < 1e-30 for x in (-1.0, 1.0))
    assert solution.report.boundary == 0


def test_a_network_on_periodic_features():
    torch.manual_seed(0)
    model = g.Embedded(g.FourierFeatures(2, 20, periods={0: 2.0}), g.MLP([40, 30, 1]))
    solution = g.solve(g.registry.load("advection"), model, g.LeastSquares(), hard="periodic")
    assert solution.report.met == ["periodic_u"]


def test_closed_form_derivatives_are_those_of_autograd():
    solution = g.solve(g.registry.load("wave"), g.Mixture(components=50), hard=True)
    x, t = torch.rand(2, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    fast, slow = (solution.jet(x, t, engine=engine) for engine in ("auto", "reverse"))
    for names in ("x", "t"), ("x", "x"), ("t", "t", "x"):
        a, b = (g.diff(u, *names).tensor for u in (fast, slow))
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-9 * b.abs().max().item())
    assert all(residual.isfinite().all() for residual in solution.residuals(torch.stack([x, t], 1)).values())
    assert solution.plot_components() is not None


def test_a_file_needs_the_problem(tmp_path):
    problem = g.registry.load("heat")
    solution = g.solve(problem, g.Mixture(components=50), hard=True)
    solution.save(tmp_path / "heat.safetensors")
    again = g.load_solution(tmp_path / "heat.safetensors", problem=problem)
    x = torch.linspace(0, 1, 7, dtype=torch.float64)
    assert torch.equal(again(x, x), solution(x, x))
    with pytest.raises(g.GmnmError, match="problem="):
        g.load_solution(tmp_path / "heat.safetensors")


def test_a_checkpoint_of_other_conditions_is_refused(tmp_path):
    path = tmp_path / "solve"
    g.solve(make_poisson(), g.Mixture(components=50, widths=1.5), hard=True, checkpoint=path)
    with pytest.raises(g.GmnmError, match="hard"):
        g.solve(make_poisson(), g.Mixture(components=50, widths=1.5), checkpoint=path)


SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
TIMED = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))
HEAT = lambda u, x, t: g.diff(u, t) - g.diff(u, x, x)  # noqa: E731

REFUSED = {
    "no condition of the kind": (
        lambda: g.Problem(SQUARE, g.laplacian, [g.Robin(1, 1, u=1)]),
        {"hard": True},
        "Leave hard out",
    ),
    "a name of no condition": (make_poisson, {"hard": "dirichlet_v"}, "dirichlet_u"),
    "a shape that is not convex": (lambda: g.registry.load("l_shape"), {"hard": True}, "convex"),
    "data that contradict each other": (
        lambda: g.Problem(
            TIMED, HEAT, [g.Dirichlet(u=lambda t: 1 + t), g.Initial(u=lambda x: torch.cos(x) + 0.01 * x)]
        ),
        {"hard": True},
        "agree",
    ),
    "an initial velocity alone": (
        lambda: g.registry.load("wave"),
        {"hard": ("initial_dt_u",)},
        "along with",
    ),
    "a value that is unknown": (
        lambda: g.Problem(
            SQUARE,
            lambda u: g.laplacian(u),
            [g.Dirichlet(u=lambda k: k), g.Observations([[0.5, 0.5]], u=[1.0])],
            parameters={"k": 1.0},
        ),
        {"hard": "boundary"},
        "'k'|unknown k",
    ),
    "initial values on a disk with its boundary": (
        lambda: g.Problem(
            g.Disk(center=(0, 0), radius=1) * g.Time(t=(0, 1)),
            lambda u, t: g.diff(u, t) - g.laplacian(u),
            [g.Dirichlet(u=0), g.Initial(u=lambda x, y: 1 - x**2 - y**2)],
        ),
        {"hard": True},
        "one kind or the other",
    ),
    "faces that meet": (
        lambda: _two_edges(),
        {"hard": True},
        "do not meet",
    ),
    "a boundary of points alone": (
        lambda: _cloud(),
        {"hard": True},
        "distance function",
    ),
    "blocks without initial conditions": (lambda: g.registry.load("heat"), {"hard": True, "blocks": 2}, "initial"),
    "patches that are not periodic": (
        lambda: g.registry.load("advection"),
        {"hard": "periodic", "model": g.Mixture(patches=2)},
        "periodic",
    ),
    "a network that is not periodic": (
        lambda: g.registry.load("advection"),
        {"hard": "periodic", "model": "mlp"},
        "FourierFeatures",
    ),
    "a form that cannot be wound": (
        lambda: g.registry.load("advection"),
        {"hard": "periodic", "model": g.Mixture(form="diagonal")},
        "affine",
    ),
}


def _two_edges():
    triangle = g.Triangle((0, 0), (1, 0), (0, 1))
    conditions = [g.Dirichlet(u=k, on=triangle.edge(k), name=f"edge{k}") for k in (0, 1)]
    with pytest.warns(g.NumericalWarning):
        return g.Problem(triangle, g.laplacian, conditions)


def _cloud():
    inside = sample(SQUARE.interior, 200).points
    edge = sample(SQUARE.boundary, 40).points
    return g.Problem(g.PointCloud(inside, boundary=edge), g.laplacian, [g.Dirichlet(u=0)])


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused(case):
    make, options, words = REFUSED[case]
    with pytest.raises(g.GmnmError, match=words):
        g.solve(make(), **options)


def test_from_the_command_line(capsys):
    from gmnm_pde.cli import main

    assert main(["solve", "heat", "--components", "60", "--hard", "dirichlet_u,initial"]) == 0
    assert "met exactly     dirichlet_u, initial_u" in capsys.readouterr().out
    assert main(["solve", "heat", "--components", "60", "--hard"]) == 0


def test_a_continuation_of_a_given_model_is_refused():
    with pytest.raises(g.GmnmError, match="continuation"):
        g.solve(make_poisson(), "mlp", continuation=True)


def test_the_error_does_not_depend_on_where_zero_is():
    shifted = make_poisson(
        conditions=[g.Dirichlet(u=5)],
        exact=lambda x, y: 5 + torch.sin(PI * x) * torch.sin(PI * y),
    )
    solution = g.solve(shifted, g.Mixture(components=200, widths=1.5), hard=True)
    assert solution.report.relative_l2 < 1e-6
