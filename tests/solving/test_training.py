"""Training every parameter: Jacobians, methods, and what a user sees of them."""

import math

import pytest
import torch
from conftest import PI

import gmnm_pde as g
from gmnm_pde.collocation.whole import Counts, place
from gmnm_pde.methods.gauss_newton import _move
from gmnm_pde.models import Normalized
from gmnm_pde.residuals import TrainingSystem

LINE = g.Interval(x=(-1, 1))
POINTS = {"interior": 60, "boundary": 2}


def line(**changes):
    parts = {
        "domain": LINE,
        "equations": lambda u, x: g.diff(u, x, x) + PI**2 * torch.sin(PI * x),
        "conditions": [g.Dirichlet(u=0)],
        "exact": lambda x: torch.sin(PI * x),
    }
    return g.Problem(**{**parts, **changes})


class Plain(torch.nn.Module):
    def __init__(self, inputs=1):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(inputs, 12), torch.nn.Tanh(), torch.nn.Linear(12, 1))

    def forward(self, x):
        return self.net(x)


class WithoutReadout(Plain):
    def forward(self, x):
        return torch.sin(super().forward(x))


def training(problem, model, **weights):
    torch.manual_seed(1)
    wrapped = Normalized(model, problem.domain.bounds).double()
    return TrainingSystem(problem, wrapped, place(problem, Counts(25, 8), seed=0), weights)


PROBLEMS = {
    "poisson": lambda: g.registry.load("poisson"),
    "periodic": lambda: g.registry.load("advection"),
    "nonlinear": lambda: g.registry.load("nonlinear_poisson"),
    "parameter": lambda: g.registry.load("inverse_heat", sensors=5),
}
MODELS = {
    "mlp": lambda: g.MLP([2, 5, 4, 1]),
    "kan": lambda: g.KAN([2, 3, 1]),
    "gmnm": lambda: g.GMNM(2, 1, 7),
    "full": lambda: g.GMNM(2, 1, 5, form="full", trainable_centers=False),
    "plain": lambda: Plain(2),
}


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("model", MODELS)
def test_the_jacobian_is_the_derivative_of_the_residuals(problem, model):
    torch.manual_seed(0)
    system = training(PROBLEMS[problem](), MODELS[model]())
    jacobian, residual = system.jacobian(), system.residual_vector()
    direction = torch.randn(jacobian.shape[1], dtype=torch.float64)
    step = 1e-6
    _move(system.unknowns(), step * direction)
    ahead = system.residual_vector()
    _move(system.unknowns(), -2 * step * direction)
    behind = system.residual_vector()
    found, expected = jacobian @ direction, (ahead - behind) / (2 * step)
    assert (found - expected).norm() <= 1e-6 * (1 + expected.norm())
    assert len(residual) == len(jacobian)


def test_the_loss_is_the_weighted_sum_of_mean_squares():
    system = training(g.registry.load("poisson"), g.MLP([2, 5, 1]), boundary=3.0)
    loss, squares = system.loss()
    assert set(squares) == {"equation", "dirichlet_u"}
    torch.testing.assert_close(loss, squares["equation"] + 3 * squares["dirichlet_u"])
    torch.testing.assert_close(system.residual_vector().square().sum(), loss.detach())


def test_gauss_newton_reaches_several_digits():
    torch.manual_seed(1)
    report = g.solve(line(), g.MLP([1, 20, 1]), g.GaussNewton(steps=150), points=300).report
    assert report.relative_l2 < 1e-3, str(report)
    assert report.relative_l2 <= 10 * report.error_estimate
    assert report.parameters == 61 and report.components is None


@pytest.mark.parametrize("name", ["mlp", "kan", "gmnm", "plain"])
@pytest.mark.parametrize(
    "method",
    [
        g.Adam(steps=60, lr=1e-2),
        g.Adam(steps=60, lr=1e-2, schedule="cosine"),
        g.LBFGS(steps=30),
        g.GaussNewton(steps=8),
    ],
    ids=["adam", "cosine", "lbfgs", "gauss-newton"],
)
def test_every_method_trains_every_model(name, method):
    torch.manual_seed(0)
    model = {"mlp": g.MLP([1, 12, 1]), "kan": g.KAN([1, 5, 1]), "gmnm": g.GMNM(1, 1, 15), "plain": Plain()}[name]
    before = [parameter.detach().clone() for parameter in model.parameters()]
    solution = g.solve(line(), model, method, points=POINTS)
    losses = solution.history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    assert solution.history["step"] == sorted(solution.history["step"])
    assert solution(0.5).shape == ()


def test_methods_run_in_order_and_readouts_may_follow():
    torch.manual_seed(0)
    solution = g.solve(line(), g.MLP([1, 20, 1]), [g.Adam(steps=200, lr=1e-2), g.LeastSquares()], points=POINTS)
    trained = g.solve(line(), g.MLP([1, 20, 1]), [g.Adam(steps=200, lr=1e-2)], points=POINTS)
    assert solution.report.relative_l2 < 0.01 * trained.report.relative_l2
    assert "Adam" in solution.report.method and "LeastSquares" in solution.report.method
    assert "steps of Adam, then" in solution.report.reason


def test_an_unknown_parameter_is_trained_too():
    times = torch.linspace(0.1, 1, 10, dtype=torch.float64)[:, None]
    decay = g.Problem(
        g.Time(t=(0, 1)),
        lambda u, t, rate: g.diff(u, t) + rate * u,
        [g.Initial(u=1), g.Observations(times, u=torch.exp(-1.5 * times[:, 0]))],
        parameters={"rate": 1.0},
        exact=lambda t: {"u": torch.exp(-1.5 * t), "rate": 1.5},
    )
    torch.manual_seed(0)
    solution = g.solve(decay, g.MLP([1, 10, 1]), g.GaussNewton(steps=60), points=40)
    assert solution.parameters["rate"] == pytest.approx(1.5, rel=1e-4)


def test_models_by_name_and_mixtures_are_trained():
    for model in ("mlp", "kan", g.Mixture(components=30, widths=2.0)):
        report = g.solve(line(), model, g.GaussNewton(steps=3), points=POINTS).report
        assert report.parameters > 50 and "GaussNewton" in report.method


@pytest.mark.slow
def test_without_a_method_networks_are_trained_and_mixtures_are_not():
    torch.manual_seed(0)
    network = g.solve(line(), g.MLP([1, 6, 1]), points=POINTS, time_limit=2).report
    assert "GaussNewton" in network.method and "LeastSquares" in network.method
    assert "since the model is a network" in network.method
    mixture = g.solve(line(), g.Mixture().draw(1, 1, 20, (2.0,), seed=0)).report
    assert "least squares" in mixture.method and "since the model is a mixture" in mixture.method
    own = g.solve(line(), Plain(), points=POINTS, time_limit=2).report
    assert "GaussNewton" in own.method and "LeastSquares" in own.method
    plain = g.solve(line(), WithoutReadout(), points=POINTS, time_limit=2).report
    assert "GaussNewton" in plain.method and "LeastSquares" not in plain.method


def test_same_seed_same_digits_and_no_trace():
    torch.manual_seed(3)
    random = torch.get_rng_state()
    first, again = (g.solve(line(), "mlp", g.Adam(steps=20), points=POINTS, seed=2)(0.3) for _ in range(2))
    assert first == again
    assert torch.equal(random, torch.get_rng_state())


def test_single_precision_and_a_model_without_readout():
    torch.manual_seed(0)
    report = g.solve(line(), WithoutReadout(), g.Adam(steps=20), points=POINTS, dtype=torch.float32).report
    assert report.dtype == "float32" and not report.converged
    assert 0.9 <= report.error_estimate / report.relative_l2 <= 2


def test_a_time_limit_ends_training():
    report = g.solve(line(), g.MLP([1, 20, 1]), g.Adam(steps=10**6), points=POINTS, time_limit=0.5).report
    assert not report.converged and "time limit" in report.reason and report.seconds < 5


def test_divergence_is_told_and_the_best_state_returned():
    torch.manual_seed(0)
    blowing = line(equations=lambda u, x: g.diff(u, x, x) - torch.exp(u**2) + 1, exact=None)
    report = g.solve(blowing, g.MLP([1, 12, 1]), g.Adam(steps=200, lr=50.0), points=POINTS).report
    assert math.isfinite(report.residual)
    assert report.converged is False or "steps of Adam" in report.reason


def test_nan_at_the_start_names_term_and_point():
    rooted = line(equations=lambda u, x: g.diff(u, x, x) - torch.sqrt(x))
    with pytest.raises(g.GmnmError, match="the residual 'equation' is nan at x=-"):
        g.solve(rooted, g.MLP([1, 5, 1]), g.Adam(steps=5))


BAD = {
    "steps": lambda: g.Adam(steps=0),
    "rate": lambda: g.Adam(lr=-1.0),
    "schedule": lambda: g.Adam(schedule="linear"),
    "history": lambda: g.LBFGS(history=0),
    "half a step": lambda: g.LBFGS(steps=1.5),
    "no steps": lambda: g.GaussNewton(steps=0),
    "damping": lambda: g.GaussNewton(damping=math.inf),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    with pytest.raises(g.GmnmError, match="expected"):
        BAD[case]()
