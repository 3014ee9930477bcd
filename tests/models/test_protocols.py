"""What models say that they can do: by their methods, and through wrappers by those of the model within."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.models import Lifted, Normalized, TimeBlocks, has_readout
from gmnm_pde.models.protocols import (
    Configurable,
    FeatureCombination,
    LinearReadout,
    OutputCombination,
    OutputJet,
    OutputRows,
    can,
)

SQUARE = ((-1.0, 1.0), (0.0, 4.0))
ALL = {LinearReadout, OutputJet, FeatureCombination, OutputCombination, OutputRows}


class Around(torch.nn.Module):
    """A user's module that happens to call a part of it ``inner``."""

    def __init__(self):
        super().__init__()
        self.inner = g.MLP([2, 3, 1])

    def forward(self, x):
        return torch.sin(self.inner(x))


class WithFeatures(torch.nn.Module):
    """A user's module with a readout, whose features are a module and know no derivatives."""

    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh())
        self.readout = torch.nn.Parameter(torch.ones(1, 3))

    def forward(self, x):
        return self.features(x) @ self.readout.mT

    @torch.no_grad()
    def set_readout(self, readout):
        self.readout.copy_(readout)


CAPABLE = {
    "MLP": (lambda: g.MLP([2, 3, 1]), ALL),
    "KAN": (lambda: g.KAN([2, 3, 1]), ALL),
    "GMNM": (lambda: g.GMNM(2, 1, 4), ALL),
    "RBF": (lambda: g.RBF(2, 1, 4), ALL),
    "Embedded": (lambda: g.Embedded(g.FourierFeatures(2, 3), g.MLP([6, 1])), ALL),
    "blocks in time": (lambda: TimeBlocks((-1, 0, 1), [g.GMNM(2, 1, 4), g.GMNM(2, 1, 4)], 1, 2), {OutputJet}),
    "a user's module": (Around, set()),
    "a user's features": (WithFeatures, {LinearReadout}),
}


@pytest.mark.parametrize("name", CAPABLE)
def test_a_wrapper_can_what_the_model_within_can(name):
    make, expected = CAPABLE[name]
    model = make()
    assert {capability for capability in ALL if can(model, capability)} == expected
    assert {capability for capability in ALL if can(Normalized(model, SQUARE), capability)} == expected
    assert has_readout(model) == (LinearReadout in expected)


def test_a_lifted_model_has_derivatives_alone():
    def functions(x):
        return torch.ones(len(x), 1), torch.zeros(len(x), 1)

    assert {c for c in ALL if can(Lifted(Normalized(g.MLP([2, 3, 1]), SQUARE), functions), c)} == {OutputJet}
    assert not can(Lifted(Normalized(Around(), SQUARE), functions), OutputJet)


def test_what_files_hold():
    assert can(g.MLP([2, 3, 1]), Configurable) and not can(Around(), Configurable)


@pytest.mark.parametrize("make", [Around, WithFeatures])
def test_modules_of_users_are_trained_and_solved_for(make):
    torch.manual_seed(0)
    points = {"interior": 40, "boundary": 20}
    trained = g.solve(g.registry.load("poisson"), make(), g.GaussNewton(2), points=points)
    assert trained.history["loss"][-1] < trained.history["loss"][0]
    if make is WithFeatures:
        assert g.solve(g.registry.load("poisson"), make(), points=points).report.residual < float("inf")
