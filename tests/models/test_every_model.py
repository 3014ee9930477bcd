"""One contract for every model: features and a readout, the same derivatives by every engine, to a file and back."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.jets import feature_combination, output_jet
from gmnm_pde.models import has_readout, rebuild
from gmnm_pde.models.mixtures.rbf import SHAPES
from gmnm_pde.models.networks.mlp import ACTIVATIONS

FORMS = ("affine", "literal", "diagonal", "full")


def following(kan):
    kan.update_grid(torch.rand(200, 2) ** 2 * 2 - 1, mixing=0.3)
    return kan


def begun(network):
    """A network whose blocks have a share in it, as after some training."""
    with torch.no_grad():
        for block in network.blocks:
            block.share.fill_(0.4)
    return network


def patches(partition):
    """Each patch with components of its own."""
    return g.Patchwork(partition, [g.GMNM(2, 3, 5) for _ in partition.boxes])


MODELS = {
    **{
        f"GMNM {form}": lambda form=form: g.GMNM(2, 3, 12, form=form)
        for form in ("affine", "literal", "diagonal", "full")
    },
    **{f"MLP {name}": lambda name=name: g.MLP([2, 7, 6, 3], activation=name) for name in ACTIVATIONS},
    "MLP without hidden layers": lambda: g.MLP([2, 3]),
    "KAN": lambda: g.KAN([2, 4, 3]),
    "SIREN": lambda: g.SIREN([2, 6, 6, 3]),
    "modified MLP": lambda: g.ModifiedMLP([2, 6, 6, 3]),
    "PirateNet": lambda: begun(g.PirateNet(2, 3, width=6, blocks=2)),
    "separable": lambda: g.Separable(2, 3, rank=5, hidden=(4,)),
    "Gabor": lambda: g.Gabor([2, 5, 5, 3]),
    "periodic, learned": lambda: g.Embedded(
        g.PeriodicEmbedding(2, periods={0: 2.0}, harmonics=2, learned={1: 1.3}), g.MLP([6, 4, 3])
    ),
    "KAN of other order": lambda: g.KAN([2, 5, 4, 3], grid=7, order=4),
    "KAN on knots of its own": lambda: following(g.KAN([2, 5, 3], domain=(-1.5, 1))),
    **{f"RBF {shape}": lambda shape=shape: g.RBF(2, 3, 12, shape=shape) for shape in SHAPES},
    "RBF of fixed centres": lambda: g.RBF(2, 3, 12, trainable_centers=False),
    "Fourier features, MLP": lambda: g.Embedded(g.FourierFeatures(2, 5, scale=0.4), g.MLP([10, 6, 3])),
    "trained Fourier features": lambda: g.Embedded(g.FourierFeatures(2, 4, scale=0.4, trainable=True), g.MLP([8, 3])),
    "patches on a grid": lambda: patches(g.Partition.even((2, 3))),
    "patches of several sizes": lambda: patches(g.Partition.even((2, 1)).split([(0, (1,))])),
    "periodic, KAN": lambda: g.Embedded(g.FourierFeatures(2, 4, scale=0.4, periods={1: 2.0}), g.KAN([8, 3])),
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


@pytest.mark.filterwarnings("ignore:torch.searchsorted")  # under vmap
@pytest.mark.parametrize("high", [{}, {(2, 1): 0.3}], ids=["second order", "third order"])
def test_rows_of_the_jacobian(model, x, high):
    if not hasattr(model, "output_rows"):
        pytest.skip("its rows are made one point at a time")
    operator = {(2, 0): x[:, 1], (1, 1): x[:, 0], (0, 1): 0.5, (0, 0): torch.tensor(2.0).double()} | high
    rows = model.output_rows(x, operator, 1)
    for k, value in enumerate(model.output_combination(x, operator)[:, 1]):
        gradients = torch.autograd.grad(value, model.parameters(), retain_graph=True, allow_unused=True)
        for (name, p), gradient in zip(model.named_parameters(), gradients, strict=True):
            expected = torch.zeros_like(p) if gradient is None else gradient
            torch.testing.assert_close(rows[name][k], expected, rtol=1e-9, atol=1e-9)


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
    torch._dynamo.reset()  # it counts what it has compiled of one function, whatever the model
    single = model.float()
    assert single(x.float()).dtype == torch.float32
    if isinstance(model, g.Patchwork):
        pytest.skip("how many points a patch has depends on their values, which one graph cannot hold")
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
    kan = following(g.KAN([2, 12, 1], grid=12))
    fourier = g.Embedded(g.FourierFeatures(2, 60, scale=0.3), g.MLP([120, 1]))
    periodic = g.Embedded(g.FourierFeatures(2, 60, scale=0.3, periods={0: 7.0}), g.MLP([120, 40, 1]))
    for model in (mlp, g.KAN([2, 12, 1], grid=12), kan, g.RBF(2, 1, 150), fourier, periodic):
        solution = g.solve(problem, model, g.LeastSquares())
        assert solution.report.relative_l2 < 1e-8 or model is not mlp
        assert solution.report.relative_l2 <= 10 * solution.report.error_estimate
        solution.save(tmp_path / "solution.safetensors")
        assert g.load_solution(tmp_path / "solution.safetensors")(0.1, 0.2) == solution(0.1, 0.2)


def test_parameter_counts_of_the_paper():
    def count(model):
        return sum(parameter.numel() for parameter in model.parameters())

    assert count(g.MLP([2, 50, 50, 50, 1])) == 5301
    assert abs(count(g.KAN([2, 10, 10, 1], grid=78)) - 10_600) < 0.2 * 10_600


def test_gaussian_rbf_is_the_diagonal_form_with_one_width(x):
    torch.manual_seed(0)
    rbf, diagonal = g.RBF(2, 1, 9).double(), g.GMNM(2, 1, 9, form="diagonal").double()
    with torch.no_grad():
        rbf.kernel.s.uniform_(0.5, 3)
        diagonal.kernel.s.copy_(rbf.kernel.s[:, None].expand(-1, 2))
        diagonal.centers.copy_(rbf.centers)
        diagonal.weights.copy_(rbf.weights)
    alphas = [*ALPHAS, (4, 0), (2, 2), (3, 1)]
    expected = diagonal.output_jet(x, alphas)
    for alpha, found in rbf.output_jet(x, alphas).items():
        torch.testing.assert_close(found, expected[alpha], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(rbf.kernel.precisions(), diagonal.kernel.precisions())
    assert sum(p.numel() for p in rbf.parameters()) == 9 * (2 + 1 + 1)


def test_periodic_features_are_periodic(x):
    torch.manual_seed(0)
    model = g.Embedded(g.FourierFeatures(2, 8, periods={0: 0.3, 1: math.tau}), g.MLP([16, 5, 1])).double()
    for axis, period in ((0, 0.3), (1, math.tau)):
        moved = x.clone()
        moved[:, axis] += 7 * period
        torch.testing.assert_close(model(moved), model(x), rtol=1e-11, atol=1e-11)
    before_an_own_module = torch.nn.Sequential(g.FourierFeatures(2, 4), torch.nn.Linear(8, 1))
    assert before_an_own_module(x.float()).shape == (9, 1)


BAD = {
    "one width": (lambda: g.MLP([2]), "widths"),
    "no widths": (lambda: g.KAN(3), "widths"),
    "zero width": (lambda: g.MLP([2, 0, 1]), "widths"),
    "activation": (lambda: g.MLP([2, 3, 1], activation="tahn"), "Did you mean 'tanh'"),
    "domain": (lambda: g.KAN([2, 1], domain=(1, -1)), "an interval"),
    "mixing": (lambda: g.KAN([2, 1]).update_grid(torch.rand(99, 2), mixing=0), "above 0"),
    "few points": (lambda: g.KAN([2, 1]).update_grid(torch.rand(8, 2)), "more than grid"),
    "coarser grid": (lambda: g.KAN([2, 1]).extended(4), "at least this one's 5"),
    "RBF shape": (lambda: g.RBF(2, 1, 3, shape="gausian"), "Did you mean 'gaussian'"),
    "RBF components": (lambda: g.RBF(2, 1, 0), r"RBF\(.*components to be a positive integer"),
    "frequencies": (lambda: g.FourierFeatures(2, 0), "frequencies to be a positive integer"),
    "scale": (lambda: g.FourierFeatures(2, 3, scale=-1.0), "a positive scale"),
    "axis": (lambda: g.FourierFeatures(2, 3, periods={2: 1.0}), "periods by axis"),
    "period": (lambda: g.FourierFeatures(2, 3, periods={0: math.inf}), "positive periods"),
    "trained periods": (lambda: g.FourierFeatures(2, 3, periods={0: 1.0}, trainable=True), "either trainable"),
    "features of other points": (lambda: g.FourierFeatures(2, 3)(torch.zeros(4, 3)), "x of shape"),
    "embedded widths": (lambda: g.Embedded(g.FourierFeatures(2, 3), g.MLP([2, 1])), "6 inputs"),
    "embedded module": (lambda: g.Embedded(g.FourierFeatures(2, 3), g.GMNM(6, 1, 3)), "a network of layers"),
    "hidden widths": (lambda: g.ModifiedMLP([2, 5, 6, 1]), "hidden layers of one width"),
    "odd width": (lambda: g.PirateNet(2, 1, width=5), "a positive even number"),
    "SIREN's frequency": (lambda: g.SIREN([2, 5, 1], frequency=0), "a positive frequency"),
    "Gabor's sharpness": (lambda: g.Gabor([2, 5, 1], sharpness=-1), "a positive sharpness"),
    "rank": (lambda: g.Separable(2, 1, rank=0), "rank to be a positive integer"),
    "learned axis": (lambda: g.PeriodicEmbedding(2, periods={0: 1.0}, learned={0: 1.0}), "each in one of"),
    "grid": (lambda: g.KAN([2, 1], grid=0), "a positive grid"),
    "order": (lambda: g.KAN([2, 1], order=math.pi), "a positive grid and order"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    function, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        function()
