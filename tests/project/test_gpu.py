"""The same on a CUDA device as on the CPU; skipped where there is no such device."""

import pytest
import torch

import gmnm_pde as g

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
    return g.solve(g.registry.load("poisson"), MODELS[model](), method, points=POINTS, device=device, **options)


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


def test_single_precision_and_compiling():
    plain = solved("cuda", "mlp", g.Adam(50, lr=1e-2), dtype=torch.float32)
    compiled = solved("cuda", "mlp", g.Adam(50, lr=1e-2), dtype=torch.float32, compiled=True)
    assert compiled.history["loss"][-1] == pytest.approx(plain.history["loss"][-1], rel=1e-2)


def test_a_checkpoint_goes_on_on_the_same_device(tmp_path):
    path = tmp_path / "run.safetensors"
    whole = solved("cuda", "mlp", g.Adam(60, lr=1e-2), checkpoint=path)
    again = solved("cuda", "mlp", g.Adam(60, lr=1e-2), checkpoint=path)
    assert again(0.3, 0.2) == whole(0.3, 0.2)
