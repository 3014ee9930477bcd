"""Modules of users: right derivatives and rows of Jacobians, a readout found, and refusals in words."""

import pytest
import torch
from torch import nn
from user_modules import BY_REVERSE_MODE, CARRIED, OTHERWISE, Inner, Pieces, Product, Recurrent, TwoHeads, between

import gmnm_pde as g
from gmnm_pde.models import Normalized, adopted, has_readout, plain

ALPHAS = ((0, 0), (2, 0), (0, 2), (1, 1), (0, 1))
PI = torch.pi


def made(build):
    torch.manual_seed(0)
    return build().double()


@pytest.fixture
def x():
    return 2 * torch.rand(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1


def differences(function, x, alpha):
    """A derivative up to second order by central differences."""
    axes = [axis for axis, order in enumerate(alpha) for _ in range(order)]
    for axis in axes:
        function = (lambda before, e: lambda at: (before(at + e) - before(at - e)) / 2e-4)(
            function, 1e-4 * torch.eye(2, dtype=x.dtype)[axis]
        )
    return function(x)


@pytest.mark.parametrize("name", [*CARRIED, *OTHERWISE, *BY_REVERSE_MODE])
def test_derivatives_are_right(name, x):
    model = adopted(made({**CARRIED, **OTHERWISE, **BY_REVERSE_MODE}[name]), 2, 1, ALPHAS)
    assert (model.engine == "carried") == (name in CARRIED)
    jets = model.output_jet(x, ALPHAS)
    for alpha in ALPHAS:
        torch.testing.assert_close(jets[alpha], differences(model, x, alpha), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [*CARRIED, *OTHERWISE, *BY_REVERSE_MODE])
def test_rows_and_gradients_are_right(name, x):
    model = adopted(made({**CARRIED, **OTHERWISE, **BY_REVERSE_MODE}[name]), 2, 1, ALPHAS)
    operator = dict(zip(ALPHAS, (0.3, 1.5, x[:, 0], 0.7, x[:, 1]), strict=True))
    rows, trained = model.output_rows(x, operator, 0), [p for p in model.parameters() if p.requires_grad]
    total = model.output_combination(x, operator)[:, 0]
    gradients = torch.autograd.grad(total.sum(), trained, materialize_grads=True)
    direction = [torch.randn_like(p) for p in trained]
    ends = []
    with torch.no_grad():
        for step in (1e-6, -2e-6):
            for parameter, along in zip(trained, direction, strict=True):
                parameter.add_(along, alpha=step)
            ends.append(model.output_combination(x, operator)[:, 0])
    expected = (ends[0] - ends[1]) / 2e-6
    by_rows = sum((r * d).flatten(1).sum(1) for r, d in zip(rows.values(), direction, strict=True))
    torch.testing.assert_close(by_rows, expected, rtol=1e-5, atol=1e-6)
    by_gradient = sum((r * d).sum() for r, d in zip(gradients, direction, strict=True))
    torch.testing.assert_close(by_gradient, expected.sum(), rtol=1e-5, atol=1e-6)


def test_recurrence_both_ways_is_differentiated_row_by_row(x):
    model = adopted(made(lambda: Recurrent(bidirectional=True)), 2, 1, [(1, 0), (0, 0)])
    assert model.rows == "in turn" and has_readout(model)


@pytest.mark.parametrize("build", [CARRIED["layer norm"], TwoHeads, Pieces, CARRIED["tanh"], Inner])
def test_the_linear_last_layer_is_found(build, x):
    model = Normalized(adopted(made(build), 2), [(-1, 1), (0, 3)]).double()
    assert has_readout(model)
    torch.testing.assert_close(model(x), model.features(x) @ model.readout.mT)
    other = torch.randn_like(model.readout)
    model.set_readout(other)
    torch.testing.assert_close(model.readout, other)
    torch.testing.assert_close(model(x), model.features(x) @ other.mT)


class Times(nn.Module):
    """Multiplies the outputs of a network."""

    def __init__(self, factor):
        super().__init__()
        self.factor, self.net = factor, between(nn.Tanh())

    def forward(self, x):
        return self.factor * self.net(x)


@pytest.mark.parametrize("factor", [1e-6, -3.0, 1e6])
def test_the_last_layer_is_found_where_its_outputs_are_multiplied(factor, x):
    model = adopted(made(lambda: Times(factor)), 2)
    assert has_readout(model)
    torch.testing.assert_close(model(x), model.features(x) @ model.readout.mT)
    other = torch.randn_like(model.readout)
    model.set_readout(other)
    torch.testing.assert_close(model.readout, other)
    torch.testing.assert_close(model(x), model.features(x) @ other.mT)


def test_no_readout_where_there_is_none():
    for build in (Product, lambda: nn.Sequential(between(nn.Tanh()), nn.Tanh())):
        assert not has_readout(adopted(made(build), 2))
    tied = made(CARRIED["tanh"])
    tied[2].requires_grad_(False)
    assert not has_readout(adopted(tied, 2))


class Cast(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x):
        return torch.tanh(self.layer(x)).half()


REFUSED = {
    "no second derivative": (lambda: between(nn.ReLU()), "zero everywhere"),
    "leaky": (lambda: between(nn.PReLU()), "zero everywhere"),
    "dropout": (lambda: between(nn.Tanh(), nn.Dropout(0.5)), "dropout"),
    "batch norm": (lambda: between(nn.BatchNorm1d(8), nn.Tanh()), "other points"),
    "frozen": (lambda: between(nn.Tanh()).requires_grad_(False), "all frozen"),
    "no parameters": (nn.Tanh, "got none"),
    "complex weights": (lambda: nn.Linear(2, 1, dtype=torch.complex64), "complex"),
    "half": (Cast, "torch.float16"),
    "lazy": (lambda: nn.Sequential(nn.LazyLinear(8), nn.Tanh(), nn.LazyLinear(1)), "lazy"),
    "other inputs": (lambda: nn.Linear(3, 1), r"points \[n, 2\]"),
    "other outputs": (lambda: nn.Linear(2, 3), "1 output"),
    "other shape": (lambda: nn.Unflatten(1, (2, 1)), "got none"),
}


def screened():
    def residual(u, x, y):
        return g.laplacian(u) - u + (1 + 1.25 * PI**2) * torch.sin(PI * x) * torch.sin(PI * y / 2)

    exact = lambda x, y: torch.sin(PI * x) * torch.sin(PI * y / 2)  # noqa: E731
    return g.Problem(g.Rectangle(x=(0, 1), y=(0, 2)), residual, [g.Dirichlet(u=0)], exact=exact, name="screened")


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_model_is_refused_in_words(case):
    build, words = REFUSED[case]
    with pytest.raises(g.GmnmError, match=words):
        g.solve(screened(), build(), g.Adam(2), points=20)


@pytest.mark.parametrize("build", [Pieces, CARRIED["layer norm"], CARRIED["SiLU"], CARRIED["weight norm"]])
def test_it_is_trained_with_an_estimate_and_saved(build, tmp_path):
    torch.manual_seed(0)
    module = build()
    solution = g.solve(screened(), module, [g.GaussNewton(25), g.LeastSquares()], points=150)
    report = solution.report
    assert report.relative_l2 < 0.5 and report.relative_l2 < 5 * report.error_estimate
    assert type(solution.approximator) is type(module) and plain(solution.model.inner) is solution.approximator
    solution.save(tmp_path / "s.safetensors")
    again = g.load_solution(tmp_path / "s.safetensors", model=build())
    assert again(0.3, 0.7) == solution(0.3, 0.7)


def test_a_training_that_merely_ended_is_not_converged():
    for module in (CARRIED["tanh"](), Product()):
        report = g.solve(screened(), module, g.Adam(3), points=50).report
        assert not report.converged
        assert report.error_estimate > 0.1


@pytest.mark.parametrize("engine", ["forward", "reverse"])
def test_layer_norm_is_right_by_every_engine(engine):
    torch.manual_seed(0)
    module = CARRIED["layer norm"]()
    usual, other = (g.solve(screened(), module, g.GaussNewton(3), points=30, engine=e) for e in ("auto", engine))
    assert other.history["loss"][-1] == pytest.approx(usual.history["loss"][-1], rel=1e-8)


def test_least_squares_alone_solves_for_the_last_layer():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 150), nn.Tanh(), nn.Linear(150, 1))
    nn.init.uniform_(module[0].weight, -2, 2)
    nn.init.uniform_(module[0].bias, -2, 2)
    report = g.solve(screened(), module, g.LeastSquares()).report
    assert report.converged and report.relative_l2 < 1e-3


class Detached(nn.Module):
    """A part of it does not know of its points."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(2, 30), nn.Linear(30, 1)

    def forward(self, x):
        return self.outer(torch.tanh(self.inner(x)) + 0.3 * torch.tanh(self.inner(x.detach())))


def test_a_part_that_is_detached_from_the_points_is_refused():
    with pytest.raises(g.GmnmError, match="derivatives by its points"):
        adopted(Detached(), 2)


def test_a_module_with_kinks_at_a_few_places_is_taken():
    adopted(nn.Sequential(nn.Linear(2, 20), nn.LeakyReLU(0.9), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1)), 2)


class Slope(nn.Module):
    """A layer whose slope is trained: a parameter without dimensions."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer, self.slope = nn.Linear(2, 10), nn.Linear(10, 1), nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        return self.outer(torch.tanh(self.slope * self.inner(x)))


@pytest.mark.parametrize("method", [g.Adam(5), g.GaussNewton(3)])
def test_a_parameter_without_dimensions_is_trained(method):
    solution = g.solve(g.registry.load("poisson"), Slope(), method, points={"interior": 100, "boundary": 40})
    trained = dict(solution.model.named_parameters())
    assert [own.item() for name, own in trained.items() if name.endswith("slope")] != [1.0]


@pytest.mark.parametrize("waves", [30.0, 100.0])
def test_modules_that_vary_quickly_are_taken(waves):
    class Sine(nn.Module):
        def forward(self, x):
            return torch.sin(waves * x)

    adopted(nn.Sequential(nn.Linear(2, 20), Sine(), nn.Linear(20, 1)), 2)
