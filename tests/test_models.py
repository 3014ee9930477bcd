"""One contract for every model: features and a readout, the same derivatives by every engine, to a file and back."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.jets import feature_combination, output_jet
from gmnm_pde.models import has_readout, rebuild
from gmnm_pde.models.kan import spline_basis
from gmnm_pde.models.mlp import ACTIVATIONS

FORMS = ("affine", "literal", "diagonal", "full")
MODELS = {
    **{
        f"GMNM {form}": lambda form=form: g.GMNM(2, 3, 12, form=form)
        for form in ("affine", "literal", "diagonal", "full")
    },
    **{f"MLP {name}": lambda name=name: g.MLP([2, 7, 6, 3], activation=name) for name in ACTIVATIONS},
    "MLP without hidden layers": lambda: g.MLP([2, 3]),
    "KAN": lambda: g.KAN([2, 4, 3]),
    "KAN of other order": lambda: g.KAN([2, 5, 4, 3], grid=7, order=4),
}
ALPHAS = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (2, 1)]


@pytest.fixture(params=MODELS)
def model(request):
    torch.manual_seed(2)
    made = MODELS[request.param]().double()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.endswith("bias"):
                parameter.uniform_(-0.5, 0.5)
    return made


@pytest.fixture
def x():
    return torch.rand(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9


def test_outputs_are_features_times_readout(model, x):
    assert has_readout(model)
    assert model(x).shape == (9, 3)
    torch.testing.assert_close(model(x), model.features(x) @ model.readout.mT)
    other = torch.randn_like(model.readout)
    model.set_readout(other)
    torch.testing.assert_close(model.readout, other)
    torch.testing.assert_close(model(x), model.features(x) @ other.mT)


def test_any_batch_shape(model, x):
    torch.testing.assert_close(model(x.reshape(3, 3, 2)), model(x).reshape(3, 3, 3))
    torch.testing.assert_close(model(x[0]), model(x)[0])
    with pytest.raises(g.GmnmError, match="x of shape"):
        model(torch.zeros(4, 5, dtype=torch.float64))


def test_engines_agree(model, x):
    closed, forward, reverse = (output_jet(model, x, ALPHAS, engine) for engine in ("closed", "forward", "reverse"))
    for alpha in ALPHAS:
        torch.testing.assert_close(closed[alpha], reverse[alpha], rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(forward[alpha], reverse[alpha], rtol=1e-10, atol=1e-10)


def test_combinations_of_derivatives(model, x):
    coefficients = {
        (2, 0): torch.tensor(1.5).double(),
        (1, 1): x[:, 0],
        (0, 1): x[:, 1] ** 2,
        (0, 0): torch.tensor(2.0).double(),
    }
    closed, reverse = (feature_combination(model, x, coefficients, engine) for engine in ("closed", "reverse"))
    torch.testing.assert_close(closed, reverse, rtol=1e-10, atol=1e-10)


def test_gradients_reach_the_parameters(model, x):
    if getattr(model, "activation", None) == "relu":
        pytest.skip("the second derivative of relu is zero")
    fields = g.jet(model, x, coordinates=("x", "y"))
    sum((g.laplacian(u) ** 2).sum() + (u**2).sum() for u in fields).tensor.backward()
    expected = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    fields = g.jet(model, x, coordinates=("x", "y"), engine="reverse")
    sum((g.laplacian(u) ** 2).sum() + (u**2).sum() for u in fields).tensor.backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(expected[name], parameter.grad, rtol=1e-7, atol=1e-7)


def test_rebuilt_from_its_config(model, x):
    again = rebuild(type(model).__name__, model.config()).double()
    again.load_state_dict(model.state_dict())
    torch.testing.assert_close(again(x), model(x))


def test_single_precision_and_compile(model, x):
    single = model.float()
    assert single(x.float()).dtype == torch.float32
    compiled = torch.compile(single, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x.float()), single(x.float()))


def test_solving_for_the_readout_and_saving(tmp_path):
    square = g.Rectangle(x=(-1, 1), y=(-1, 1))
    problem = g.Problem(
        square,
        lambda u: g.laplacian(u),
        [g.Dirichlet(u=lambda x, y: torch.exp(x) * torch.cos(y))],
        exact=lambda x, y: torch.exp(x) * torch.cos(y),
    )
    torch.manual_seed(0)
    mlp = g.MLP([2, 150, 1])
    with torch.no_grad():
        for parameter in mlp.layers[0].parameters():
            parameter.uniform_(-1, 1)
    for model in (mlp, g.KAN([2, 12, 1], grid=12)):
        solution = g.solve(problem, model)
        assert solution.report.relative_l2 < 1e-8 or model is not mlp
        assert solution.report.relative_l2 <= 10 * solution.report.error_estimate
        solution.save(tmp_path / "solution.safetensors")
        assert g.load_solution(tmp_path / "solution.safetensors")(0.1, 0.2) == solution(0.1, 0.2)


def test_parameter_counts_of_the_paper():
    def count(model):
        return sum(parameter.numel() for parameter in model.parameters())

    assert count(g.MLP([2, 50, 50, 50, 1])) == 5301
    assert abs(count(g.KAN([2, 10, 10, 1], grid=78)) - 10_600) < 0.2 * 10_600


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_splines_sum_to_one_and_are_local(order):
    knots = -1 + 0.25 * torch.arange(-order, 9 + order, dtype=torch.float64)
    z = torch.linspace(-0.999, 0.999, 41, dtype=torch.float64)
    basis = spline_basis(z, knots, order)
    assert basis.shape == (41, 8 + order) and (basis >= 0).all()
    torch.testing.assert_close(basis.sum(-1), torch.ones_like(z))
    assert ((basis > 0).sum(-1) <= order + 1).all()
    assert not spline_basis(torch.tensor([1e3], dtype=torch.float64), knots, order).any()


def test_splines_hold_polynomials_of_their_order():
    knots = -1 + 0.25 * torch.arange(-3, 12, dtype=torch.float64)
    z = torch.linspace(-0.99, 0.99, 60, dtype=torch.float64)
    basis = spline_basis(z, knots, 3)
    cubic = (1 - 2 * z + 0.5 * z**3)[:, None]
    torch.testing.assert_close(basis @ torch.linalg.lstsq(basis, cubic).solution, cubic, rtol=1e-10, atol=1e-10)


BAD = {
    "one width": (lambda: g.MLP([2]), "widths"),
    "no widths": (lambda: g.KAN(3), "widths"),
    "zero width": (lambda: g.MLP([2, 0, 1]), "widths"),
    "activation": (lambda: g.MLP([2, 3, 1], activation="tahn"), "Did you mean 'tanh'"),
    "grid": (lambda: g.KAN([2, 1], grid=0), "a positive grid"),
    "order": (lambda: g.KAN([2, 1], order=math.pi), "a positive grid and order"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    function, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        function()
