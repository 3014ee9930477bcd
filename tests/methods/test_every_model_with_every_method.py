"""A contract: every model trains with every method, a few steps on a small problem each."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.methods.loop import run
from gmnm_pde.models import Normalized
from gmnm_pde.residuals import Placed, TrainingSystem
from gmnm_pde.sampling import sample

SQUARE = ((-1.0, 1.0), (-1.0, 1.0))


def own():
    """A user's module, whose parameter does not lie row by row in memory."""
    network = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    network[0].weight = torch.nn.Parameter(torch.randn(2, 5).mT)
    return network


MODELS = {
    **{form: lambda form=form: g.GMNM(2, 1, 6, form=form) for form in ("affine", "literal", "diagonal", "full")},
    "periodic": lambda: g.GMNM(2, 1, 6, periodic=(1,)),
    "fixed centres": lambda: g.GMNM(2, 1, 6, form="full", trainable_centers=False),
    **{shape: lambda shape=shape: g.RBF(2, 1, 6, shape=shape) for shape in ("gaussian", "multiquadric")},
    "MLP": lambda: g.MLP([2, 5, 4, 1]),
    "KAN": lambda: g.KAN([2, 3, 1]),
    "Fourier features": lambda: g.Embedded(g.FourierFeatures(2, 3), g.MLP([6, 4, 1])),
    "patches": lambda: g.Patchwork(g.Partition.even((2, 1)), [g.GMNM(2, 1, 4) for _ in range(2)]),
    "a user's module": own,
}
METHODS = {
    "Adam": g.Adam(4, lr=1e-3),
    "Adam on batches": g.Adam(4, lr=1e-3, batch=8),
    "SOAP": g.SOAP(4, lr=1e-3),
    "L-BFGS": g.LBFGS(4),
    "self-scaled": g.SelfScaled(4),
    "Gauss-Newton": g.GaussNewton(2),
    "Gauss-Newton, readout eliminated": g.GaussNewton(2, eliminate=True),
    "proximal Gauss-Newton": g.ProximalGaussNewton(2),
}


@pytest.fixture(scope="module")
def problem():
    """A nonlinear equation beside a linear condition, and an unknown scalar."""
    return g.Problem(
        g.Rectangle(x=(-1, 1), y=(-1, 1)),
        lambda u, x, y, k: g.laplacian(u) - u**3 + k,
        [g.Dirichlet(u=lambda x, y: 0.5 * torch.sin(x + y))],
        parameters={"k": 0.3},
    )


@pytest.fixture(scope="module")
def placed(problem):
    points = {"interior": 20, "boundary": 8}
    return [Placed(term, sample(term.region, points[term.group], "sobol", seed=0)) for term in problem.terms]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("model", MODELS)
def test_it_trains(problem, placed, model, method):
    torch.manual_seed(0)
    network = Normalized(MODELS[model](), SQUARE).to(torch.float64)
    system = TrainingSystem(problem, network, placed, {})
    before = [p.detach().clone() for p in system.unknowns()]
    first = system.loss()[0].item()
    ended = run(METHODS[method], system)
    assert ended.converged, ended.reason
    assert math.isfinite(ended.loss) and system.loss()[0].item() <= first
    if "Adam" not in method:
        assert ended.loss < first
    moved = [not torch.equal(p, old) for p, old in zip(system.unknowns(), before, strict=True)]
    assert all(moved), "a parameter that a method never moves"
