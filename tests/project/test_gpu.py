"""The same on a CUDA device as on the CPU; skipped where there is no such device."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.residuals import replay
from gmnm_pde.residuals.replay import Replay

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
POINTS = {"interior": 200, "boundary": 40}
MODELS = {
    "mlp": lambda: g.MLP([2, 20, 20, 1]),
    "kan": lambda: g.KAN([2, 5, 1]),
    "gmnm": lambda: g.GMNM(2, 1, 60),
    "full": lambda: g.GMNM(2, 1, 30, form="full"),
    "rbf": lambda: g.RBF(2, 1, 40),
    "fourier": lambda: g.Embedded(g.FourierFeatures(2, 10), g.MLP([20, 20, 1])),
}
METHODS = {
    "adam": g.Adam(30, lr=1e-2),
    "soap": g.SOAP(30),
    "lbfgs": g.LBFGS(20),
    "self-scaled": g.SelfScaled(20),
    "gauss-newton": g.GaussNewton(5),
}


def solved(device, model, method, **options):
    torch.manual_seed(0)
    options = {"points": POINTS, **options}
    return g.solve(g.registry.load("poisson"), MODELS[model](), method, device=device, **options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("model", MODELS)
def test_training(model, method):
    on_gpu, on_cpu = (solved(device, model, METHODS[method]) for device in ("cuda", "cpu"))
    assert on_gpu.report.device.startswith("cuda")
    close = 1e-2 if method == "soap" else 1e-3  # the eigenvectors that it turns by are ill-conditioned at first
    assert on_gpu.history["loss"][-1] == pytest.approx(on_cpu.history["loss"][-1], rel=close)
    assert torch.is_tensor(on_gpu(torch.zeros(3), torch.ones(3)))


@pytest.mark.parametrize("name", ["poisson", "wave", "kovasznay", "inverse_heat"])
def test_least_squares(name):
    assert g.solve(g.registry.load(name), device="cuda").report.error_estimate < 1e-7


@pytest.mark.parametrize("damping", [1e-2, 1e-12])
def test_proximal_steps(damping):
    method = g.ProximalGaussNewton(3, damping=damping)
    on_gpu, on_cpu = (solved(device, "mlp", method) for device in ("cuda", "cpu"))
    assert on_gpu.history["loss"][-1] == pytest.approx(on_cpu.history["loss"][-1], rel=1e-3)


def test_what_is_marched_runs_on_the_cpu():
    solution = g.solve(g.registry.load("wave"), tol=1e-6, device="cuda")
    assert solution.report.converged and solution.report.device == "cpu"


@pytest.mark.filterwarnings("ignore:TensorFloat32")
@pytest.mark.filterwarnings("ignore:torch.compile failed")
def test_single_precision_and_compiling():
    plain = solved("cuda", "mlp", g.Adam(50, lr=1e-2), dtype=torch.float32)
    compiled = solved("cuda", "mlp", g.Adam(50, lr=1e-2), dtype=torch.float32, compiled=True)
    assert compiled.history["loss"][-1] == pytest.approx(plain.history["loss"][-1], rel=1e-2)


def test_a_checkpoint_goes_on_on_the_same_device(tmp_path):
    path = tmp_path / "run.safetensors"
    whole = solved("cuda", "mlp", g.Adam(60, lr=1e-2), checkpoint=path)
    again = solved("cuda", "mlp", g.Adam(60, lr=1e-2), checkpoint=path)
    assert again(0.3, 0.2) == whole(0.3, 0.2)


@pytest.fixture
def recorded(monkeypatch):
    """All graphs that are recorded, and None for what cannot be."""
    graphs, record = [], Replay._record
    monkeypatch.setattr(Replay, "_record", lambda self: graphs.append(record(self)) or graphs[-1])
    return graphs


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["poisson", "burgers"])
def test_replayed_steps_are_those_made_by_hand(model, name, recorded, monkeypatch):
    def losses():
        torch.manual_seed(0)
        problem, method = g.registry.load(name), g.Adam(40, lr=1e-2)
        return g.solve(problem, MODELS[model](), method, points=POINTS, device="cuda").history["loss"]

    replayed = losses()
    assert recorded and None not in recorded
    monkeypatch.setattr(replay, "_UNCHANGED", 1000)
    assert replayed == pytest.approx(losses(), rel=1e-7)


class Waiting(torch.nn.Module):
    """Brings a number from the CPU in every call, which waits for the device: no graph can hold that."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, 10), torch.nn.Tanh(), torch.nn.Linear(10, 1))

    def forward(self, x):
        return self.layers(x * torch.tensor([1.0, 1.0], dtype=x.dtype).to(x.device))


def test_a_loss_that_waits_for_the_device_is_made_by_hand():
    losses = [
        g.solve(g.registry.load("poisson"), drawn, g.Adam(30), points=POINTS, device=device).history["loss"]
        for device in ("cuda", "cpu")
        if (drawn := torch.manual_seed(0) and Waiting())
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_replayed_residuals_of_proximal_steps(recorded, monkeypatch):
    moving = g.ResidualAdaptive(200, boundary=40, every=8)
    replayed = solved("cuda", "mlp", g.ProximalGaussNewton(12), points=moving).history["loss"]
    assert len(recorded) > 1 and None not in recorded
    monkeypatch.setattr(replay, "_UNCHANGED", 10_000)
    by_hand = solved("cuda", "mlp", g.ProximalGaussNewton(12), points=moving).history["loss"]
    assert replayed == pytest.approx(by_hand, rel=1e-3)
