"""The front door: accuracy, rates, honesty, the same digits again, and no trace left behind."""

import math
import time

import pytest
import torch
from conftest import PI, make_poisson

import gmnm_pde as g

SMALL = g.Mixture(components=150, widths=1.2)


def largest(errors):
    return max(errors.values()) if isinstance(errors, dict) else errors


@pytest.mark.parametrize("seed", range(3))
def test_poisson_to_twelve_digits(poisson, seed):
    report = g.solve(poisson, seed=seed).report
    assert report.relative_l2 <= 1e-12
    assert report.converged and report.reason
    assert report.residual < 1e-8 and report.boundary < 1e-10


BOUNDS = {
    "advection": 1e-8,
    "cantilever": 1e-11,
    "clamped_plate": 1e-11,
    "heat": 1e-8,
    "helmholtz": 1e-8,
    "inverse_heat": 1e-8,
    "kovasznay": 1e-9,
    "nonlinear_poisson": 1e-8,
    "poisson": 1e-12,
    "regression_1d": 1e-12,
    "regression_2d": 1e-11,
    "wave": 1e-9,
}


DEAR = {"kovasznay", "regression_2d", "cantilever", "inverse_heat"}
"""Problems that take seconds each."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in DEAR else []) for n in BOUNDS])
def test_smooth_problems_of_the_registry(name):
    report = g.solve(g.registry.load(name), seed=1).report
    error = largest(report.relative_l2)
    assert error <= BOUNDS[name]
    assert error <= 10 * report.error_estimate <= 1e4 * error
    assert report.converged


GENTLE = {
    "black_scholes": ({"volatility": 0.5, "start": 0.2}, 1e-8),
    "cavity": ({"m": 1, "n": 1}, 1e-3),
    "eikonal": ({"viscosity": 1}, 1e-8),
    "fisher": ({"rate": 0.5}, 1e-8),
    "fokker_planck": ({"width": 0.5}, 1e-6),
    "heat_nd": ({"dimension": 2}, 1e-4),
    "klein_gordon": ({}, 1e-8),
    "lotka_volterra": ({"end": 8}, 1e-8),
    "poisson_inverse": ({}, 1e-4),
    "poisson_nd": ({"dimension": 3}, 1e-6),
    "stokes": ({}, 1e-8),
}

DEAR_GENTLE = {"klein_gordon", "cavity", "fokker_planck", "stokes", "poisson_inverse", "eikonal"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in DEAR_GENTLE else []) for n in GENTLE]
)
def test_gentle_members_of_families_meet_a_tolerance(name):
    options, tol = GENTLE[name]
    report = g.solve(g.registry.load(name, **options), tol=tol, seed=1).report
    error = largest(report.relative_l2)
    assert report.converged and error <= tol
    assert error <= 10 * report.error_estimate <= 1e4 * error


def test_inverse_parameter():
    solution = g.solve(g.registry.load("inverse_heat"), seed=2, tol=1e-7)
    assert solution.parameters == {"kappa": pytest.approx(0.2, rel=1e-7)}
    assert solution.report.estimates["kappa"] < 1e-6


def test_three_dimensions():
    report = g.solve(g.registry.load("poisson", dimension=3), g.Mixture(components=600)).report
    assert report.relative_l2 < 1e-3


def test_error_falls_faster_than_any_fixed_power(poisson):
    """Spectral convergence: the observed algebraic rate grows with the number of components."""
    counts = (60, 120, 240)
    errors = [g.solve(poisson, g.Mixture(components=n), seed=0).report.relative_l2 for n in counts]
    rates = [math.log(errors[k] / errors[k + 1]) / math.log(2) for k in range(2)]
    assert rates[0] > 4 and rates[1] > 8, f"errors {errors}, rates {rates}"


@pytest.mark.parametrize("form", ["affine", "diagonal", "full"])
def test_every_form_solves(poisson, form):
    assert g.solve(poisson, g.Mixture(components=400, form=form)).report.relative_l2 < 1e-5


@pytest.mark.parametrize("engine", ["closed", "forward", "reverse"])
def test_engines_give_the_same_solution(poisson, engine):
    mixture = g.Mixture(components=60, widths=1.0)
    found = g.solve(poisson, mixture, engine=engine, points=150)(0.3, 0.4)
    expected = g.solve(poisson, mixture, points=150)(0.3, 0.4)
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("tol", [1e-3, 1e-5, 1e-7])
def test_tolerance_is_met_with_work_that_grows(poisson, tol):
    report = g.solve(poisson, tol=tol).report
    assert report.converged and report.error_estimate <= tol and report.relative_l2 <= tol
    assert report.components < g.solve(poisson, tol=tol / 1e4).report.components


def test_a_tolerance_out_of_reach_is_told():
    """|x| is the solution: a kink, which smooth components approach slowly."""
    line = g.Interval(x=(-1, 1))
    kink = g.Problem(line, lambda u, x: u - (x - 0.1).abs(), exact=lambda x: (x - 0.1).abs())
    report = g.solve(kink, tol=1e-9, time_limit=1).report
    assert not report.converged
    assert "does not meet tol" in report.reason or "time limit" in report.reason
    assert report.relative_l2 <= 10 * report.error_estimate


def test_a_model_of_the_user_keeps_its_features(poisson):
    torch.manual_seed(5)
    model = g.GMNM(2, 1, 300)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    solution = g.solve(poisson, model)
    assert solution.report.components == 300 and solution.report.relative_l2 < 1e-5
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    torch.testing.assert_close(solution.model.inner.centers, before["centers"].double())
    assert not g.solve(poisson, model, tol=1e-15).report.converged


def test_regression_needs_no_condition():
    problem = g.Problem(
        g.Rectangle(x=(-1, 1), y=(-1, 1)),
        lambda u, x, y: u - torch.sin(3 * x * y),
        exact=lambda x, y: torch.sin(3 * x * y),
    )
    assert g.solve(problem).report.relative_l2 < 1e-10
    points = torch.rand(400, 1, dtype=torch.float64)
    observed = g.Problem(g.Interval(x=(0, 1)), conditions=[g.Observations(points, u=torch.exp(points[:, 0]))])
    assert float(g.solve(observed, g.Mixture(components=30))(0.5)) == pytest.approx(math.exp(0.5), rel=1e-8)


def test_neumann_robin_and_variable_coefficients():
    square = g.Rectangle(x=(-1, 1), y=(-1, 1))

    def exact(x, y):
        return torch.exp(x) * torch.cos(y)

    problem = g.Problem(
        square,
        lambda u, x, y: g.div(*[(2 + x) * part for part in g.grad(u)]) - exact(x, y),
        [
            g.Dirichlet(u=exact, on=square.face(x=-1)),
            g.Neumann(u=exact, on=square.face(x=1)),
            g.Robin(1, 2, u=lambda x, y: exact(x, y) - 2 * torch.exp(x) * torch.sin(y), on=square.face(y=1)),
            g.Condition(lambda u, x, y: g.diff(u, y) + torch.exp(x) * torch.sin(y), on=square.face(y=-1)),
        ],
        exact=exact,
    )
    problem.verify()
    assert g.solve(problem).report.relative_l2 < 1e-10


def test_fourth_order_and_ordinary_equations():
    square = g.Rectangle(x=(-1, 1), y=(-1, 1))
    plate = g.Problem(
        square,
        lambda u, x, y: g.biharmonic(u) - 4 * PI**4 * torch.sin(PI * x) * torch.sin(PI * y),
        [g.Dirichlet(u=0), g.Condition(lambda u: g.laplacian(u), name="moment")],
        exact=lambda x, y: torch.sin(PI * x) * torch.sin(PI * y),
    )
    assert g.solve(plate, tol=1e-9).report.relative_l2 < 1e-9
    spring = g.Problem(
        g.Time(t=(0, 20)),
        lambda u, t: g.diff(u, t, t) + u,
        [g.Initial(u=0), g.Initial(u=1, order=1)],
        exact=lambda t: torch.sin(t),
    )
    assert g.solve(spring).report.relative_l2 < 1e-11


def test_single_precision(poisson):
    report = g.solve(poisson, dtype=torch.float32).report
    assert report.dtype == "float32" and report.relative_l2 < 1e-5
    assert report.relative_l2 <= 10 * report.error_estimate


def test_same_seed_same_digits_another_seed_others(poisson):
    first, again, other = (g.solve(poisson, SMALL, seed=seed)(0.3, 0.4) for seed in (1, 1, 2))
    assert first == again != other


def test_global_state_is_left_alone(poisson):
    torch.manual_seed(11)
    random, dtype, threads = torch.get_rng_state(), torch.get_default_dtype(), torch.get_num_threads()
    g.solve(poisson, SMALL)
    g.solve(g.registry.load("nonlinear_poisson"), tol=1e-4)
    assert torch.equal(random, torch.get_rng_state())
    assert (dtype, threads) == (torch.get_default_dtype(), torch.get_num_threads())
    assert torch.is_grad_enabled()


def test_it_works_where_gradients_are_off(poisson):
    with torch.no_grad():
        problem = g.registry.load("nonlinear_poisson")
        assert not problem.linear
        problem.verify()
        assert g.solve(problem, tol=1e-4).report.relative_l2 < 1e-4


def test_points_and_weights_are_heeded(poisson):
    solution = g.solve(poisson, SMALL, points={"interior": 900, "boundary": 100})
    assert solution.report.points == 1000
    rough = g.Mixture(components=40, widths=2.0)
    plain = g.solve(poisson, rough).report.boundary
    assert g.solve(poisson, rough, weights={"boundary": 1e8}).report.boundary < 0.1 * plain
    assert g.solve(poisson, rough, weights={"dirichlet_u": 1e8}).report.boundary < 0.1 * plain
    assert g.solve(poisson, rough, weights="auto").report.boundary == plain


def test_time_limit_returns_the_best_so_far():
    started = time.monotonic()
    report = g.solve(g.registry.load("poisson", dimension=3), tol=1e-12, time_limit=1.5).report
    assert time.monotonic() - started < 10
    assert not report.converged and "time limit" in report.reason
    assert report.relative_l2 < 1


class Stop(Exception):
    pass


@pytest.mark.parametrize(
    ("name", "tol", "rungs"),
    [
        pytest.param("wave", 1e-6, 1, marks=pytest.mark.slow),
        pytest.param("wave", 1e-6, 4, marks=pytest.mark.slow),
        ("nonlinear_poisson", 1e-6, 1),
    ],
)
def test_a_stopped_solve_goes_on_to_the_same_digits(name, tol, rungs, tmp_path):
    problem, file = g.registry.load(name), tmp_path / "run.safetensors"
    alone = g.solve(problem, tol=tol, method="least-squares")
    seen = []

    def stop(news):
        seen.append("components" in news.what)
        if sum(seen) == rungs:
            raise Stop

    with pytest.raises(Stop):
        g.solve(problem, tol=tol, method="least-squares", checkpoint=file, callback=stop)
    again = g.solve(problem, tol=tol, method="least-squares", checkpoint=file)
    assert again(0.3, 0.4) == alone(0.3, 0.4)
    assert again.history["relative_l2"] == alone.history["relative_l2"]
    finished = g.solve(problem, tol=tol, method="least-squares", checkpoint=file)
    assert finished(0.3, 0.4) == alone(0.3, 0.4) and finished.report.reason == alone.report.reason


def test_a_foreign_or_damaged_checkpoint_is_refused(poisson, tmp_path):
    file = tmp_path / "run.safetensors"
    g.solve(poisson, SMALL, checkpoint=file)
    with pytest.raises(g.GmnmError, match="with seed 1, got one with 0"):
        g.solve(poisson, SMALL, checkpoint=file, seed=1)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(g.GmnmError, match="a whole file"):
        g.solve(poisson, SMALL, checkpoint=file)


def test_exact_solution_is_not_used_to_solve():
    with_exact = g.solve(make_poisson(), tol=1e-6)
    without = g.solve(make_poisson(exact=None), tol=1e-6)
    assert with_exact(0.2, 0.7) == without(0.2, 0.7)
    assert without.report.relative_l2 is None


def test_progress_tells_and_can_stop(poisson):
    news = []
    g.solve(poisson, SMALL, callback=news.append)
    assert news and "error estimate" in news[-1].what and news[-1].seconds > 0

    def stop(_):
        raise Stop

    with pytest.raises(Stop):
        g.solve(poisson, callback=stop)


def test_a_zero_solution_is_no_trouble():
    square = g.Rectangle(x=(0, 1), y=(0, 1))
    solution = g.solve(g.Problem(square, lambda u: g.laplacian(u), [g.Dirichlet(u=0)]))
    assert solution(0.5, 0.5) == 0 and solution.report.converged


def rooted(x, y):
    return torch.sqrt(x - 0.5)


BAD = {
    "no problem": (lambda p: g.solve("poisson"), "registry.load"),
    "model name": (lambda p: g.solve(p, "gmn"), "Did you mean 'gmnm'"),
    "model without curvature": (
        lambda p: g.solve(p, torch.nn.Linear(2, 1), g.LeastSquares()),
        "Take a smooth activation",
    ),
    "model without readout": (
        lambda p: g.solve(p, torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Tanh()), g.LeastSquares()),
        "linear readout",
    ),
    "model no module": (lambda p: g.solve(p, 3), "a torch module"),
    "model with too many outputs": (lambda p: g.solve(p, g.GMNM(2, 3, 5)), r"1 output\(s\), one for each of u, got 3"),
    "model with wrong inputs": (lambda p: g.solve(p, g.GMNM(3, 1, 5)), "a model for 2 coordinates"),
    "too many widths": (lambda p: g.solve(p, g.Mixture(widths=(1.0, 1.0, 1.0))), "2 widths"),
    "method name": (lambda p: g.solve(p, method="leastsquares"), "Did you mean 'least-squares'"),
    "no methods": (lambda p: g.solve(p, method=[]), "at least one method"),
    "checkpoint of one solve": (
        lambda p: g.solve(p, g.GMNM(2, 1, 20), g.LeastSquares(), checkpoint="run"),
        "a mixture, or a model that is trained",
    ),
    "method no method": (lambda p: g.solve(p, method=torch.optim.Adam), "a method such as"),
    "negative tolerance": (lambda p: g.solve(p, tol=-1e-3), "a positive number"),
    "nan tolerance": (lambda p: g.solve(p, tol=math.nan), "a positive number"),
    "zero time": (lambda p: g.solve(p, time_limit=0), "a positive number"),
    "seed": (lambda p: g.solve(p, seed=-1), "a whole number"),
    "dtype": (lambda p: g.solve(p, dtype=torch.float16), "torch.float64"),
    "device": (lambda p: g.solve(p, device="gpu0"), "a device of this machine"),
    "absent device": (lambda p: g.solve(p, device="cuda:7"), "a device of this machine"),
    "negative points": (lambda p: g.solve(p, points=-5), "positive whole numbers"),
    "misnamed points": (lambda p: g.solve(p, points={"interiour": 5}), "Did you mean 'interior'"),
    "points without interior": (lambda p: g.solve(p, points={"boundary": 5}), "number of interior points"),
    "misnamed weight": (lambda p: g.solve(p, weights={"dirichlet": 2.0}), "Did you mean 'dirichlet_u'"),
    "negative weight": (lambda p: g.solve(p, weights={"boundary": -2.0}), "a positive number"),
    "weights no dict": (lambda p: g.solve(p, weights=[1, 2]), "a dict by term name"),
    "engine": (lambda p: g.solve(p, engine="backward"), "an engine"),
    "nan from an equation": (
        lambda p: g.solve(make_poisson(equations=lambda u, x, y: g.laplacian(u) - rooted(x, y))),
        "the residual 'equation' is nan at x=",
    ),
    "nan from a condition": (
        lambda p: g.solve(make_poisson(conditions=[g.Dirichlet(u=rooted)])),
        "the residual 'dirichlet_u' is nan at x=",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_one_clear_error(case, poisson):
    function, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        function(poisson)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["poisson", "kovasznay"])
def test_on_a_gpu(name):
    report = g.solve(g.registry.load(name), device="cuda").report
    assert largest(report.relative_l2) < 1e-9 and report.device.startswith("cuda")
