"""What a CPU does block by block and a GPU at once has the same values and gradients; both ways run here."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.models import blocking
from gmnm_pde.models.mixtures import bumps, ridges
from gmnm_pde.models.networks import quadratic

MODELS = {
    **{form: lambda form=form: g.GMNM(2, 2, 9, form=form) for form in ("affine", "literal", "diagonal", "full")},
    "periodic": lambda: g.GMNM(2, 2, 9, periodic=(1,)),
    "rbf": lambda: g.RBF(2, 2, 9),
    "tanh": lambda: g.MLP([2, 6, 5, 2]),
    "sin": lambda: g.MLP([2, 6, 5, 2], activation="sin"),
    "kan": lambda: g.KAN([2, 4, 2]),
}
POINTS = 75  # two blocks of 32 points and a part of one, or four of 16


@pytest.fixture
def small_blocks(monkeypatch):
    for module in (ridges, bumps, quadratic):
        monkeypatch.setattr(module, "_CACHED_BYTES", 1)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", MODELS)
def test_both_ways_agree(name, monkeypatch):
    torch.manual_seed(0)
    model = MODELS[name]().double()
    x = 2 * torch.rand(POINTS, 2, dtype=torch.float64) - 1
    operator = {(2, 0): 1.0, (0, 2): x[:, 0], (0, 1): torch.tensor(0.5, dtype=torch.float64), (0, 0): -2.0}
    alphas = ((0, 0), (1, 0), (0, 2))
    asked, results = [], []

    for in_blocks in (True, False):

        def choose(device, in_blocks=in_blocks):
            asked.append(in_blocks)
            return in_blocks

        monkeypatch.setattr(blocking, "works_in_blocks", choose)
        combined, jet = model.output_combination(x, operator), model.output_jet(x, alphas)
        loss = combined.square().sum() + sum(values.square().sum() for values in jet.values())
        gradients = torch.autograd.grad(loss, list(model.parameters()), materialize_grads=True)
        rows = model.output_rows(x, operator, 1)
        results.append([combined, *jet.values(), *gradients, *rows.values()])
    assert set(asked) == {True, False}
    for blocked, at_once in zip(*results, strict=True):
        torch.testing.assert_close(blocked, at_once, rtol=1e-12, atol=1e-12)


def test_how_many_points():
    cpu, gpu = torch.device("cpu"), torch.device("cuda", 0)
    sizes = {"bytes_per_point": 8, "cache": 800, "least": 16}
    assert blocking.points_at_once(1000, cpu, **sizes) == 100
    assert blocking.points_at_once(30, cpu, **sizes) == 30
    assert blocking.points_at_once(1000, cpu, **{**sizes, "bytes_per_point": 10**6}) == 16
    assert blocking.points_at_once(1000, gpu, **sizes) == 1000
    assert blocking.points_at_once(0, cpu, **sizes) == blocking.points_at_once(0, gpu, **sizes) == 1
