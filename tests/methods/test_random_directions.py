"""Operators estimated on random directions: unbiased, exact where directions suffice, refused where they do not fit."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.models import Normalized
from gmnm_pde.residuals import Placed
from gmnm_pde.residuals.block import Block
from gmnm_pde.residuals.directions import along
from gmnm_pde.residuals.estimated import EstimatedBlock

D = 6
SPACE = g.WholeSpace(reach=2.0, coordinates=("x", D))


def network(outputs=1):
    torch.manual_seed(0)
    return Normalized(g.MLP([D + 1, 12, 12, outputs]), (SPACE * g.Time(t=(0, 1))).bounds).double()


def weighted(u, x):
    return sum((1 + one**2) * g.diff(u, one, one) for one in x)


EQUATIONS = {
    "semilinear": lambda u, t: g.diff(u, t) - g.laplacian(u) - u + u**3,
    "of its gradient": lambda u, t: g.diff(u, t) + g.laplacian(u) - g.grad(u) @ g.grad(u),
    "weighted by the coordinates": lambda u, x, t: g.diff(u, t) - weighted(u, x) + x @ g.diff(u, x),
    "of both signs": lambda u, x, t: g.diff(u, t) - g.laplacian(u) + 3 * g.diff(u, "x_1", "x_1") + torch.sin(u),
    "mixed": lambda u, x, t: g.diff(u, t) - g.laplacian(u) + x[0] * g.diff(u, "x_1", "x_2") - u**2,
}


def blocks(equation, directions):
    domain = SPACE * g.Time(t=(0, 1))
    problem = g.Problem(domain, equation, [g.Initial(u=0)])
    cloud = g.sampling.sample(domain.interior, 5, "sobol", seed=1)
    model = network()
    block = Block.of(problem, Placed(problem.terms[0], cloud), next(model.parameters()), [], "auto")
    return model, block, EstimatedBlock.of(block, [], directions)


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_mean_over_directions_is_the_operator(name):
    model, block, estimated = blocks(EQUATIONS[name], directions=2)
    with torch.no_grad():
        right = block.residuals(model, [])["equation"]
        generator = torch.Generator().manual_seed(0)
        drawn = torch.stack([estimated.fresh(generator).residuals(model, [])["equation"] for _ in range(150)])
    spread = drawn.std(dim=0) / len(drawn) ** 0.5
    assert (spread > 1e-6).all()  # it is an estimate
    assert ((drawn.mean(dim=0) - right).abs() < 4 * spread).all()


@pytest.mark.parametrize("name", [name for name in EQUATIONS if name != "mixed"])
def test_gradients_by_the_weights_follow(name):
    model, block, estimated = blocks(EQUATIONS[name], directions=D)  # as many as there are derivatives
    weight = next(model.parameters())

    def slope(of):
        return torch.autograd.grad(of.residuals(model, [])["equation"].square().sum(), weight)[0]

    assert torch.allclose(slope(estimated), slope(block), rtol=1e-9, atol=1e-12)


def test_as_many_directions_as_derivatives_are_exact():
    points = torch.rand(3, 4, dtype=torch.float64)
    operator = {(2, 0, 0, 0): 2.0, (0, 0, 2, 0): points[:, 0], (0, 1, 0, 0): -1.0}
    found = along(operator, points, 2, torch.Generator())
    assert torch.equal(found.slopes[:, 0], torch.eye(4, dtype=torch.float64)[[0, 2]])
    assert found.form[0][2] == 2.0
    assert torch.equal(found.form[1][2][:, 0], points[:, 0])
    assert torch.equal(found.drift, torch.tensor([[0.0, -1, 0, 0]], dtype=torch.float64))


def test_a_network_is_trained_on_directions():
    problem = g.registry.load("allen_cahn_nd", dimension=10)
    torch.manual_seed(0)
    method = g.Adam(60, lr=1e-2, batch=64, directions=4)
    first, again = (solve_it(problem, method) for _ in range(2))
    assert first.history["loss"][-1] < 0.1 * first.history["loss"][0]
    assert first.history["loss"] == again.history["loss"]  # directions follow from the seed


def solve_it(problem, method, model=None):
    torch.manual_seed(0)
    return g.solve(problem, model or g.MLP([11, 16, 1]), method, points=300)


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        (lambda u, t: g.diff(u, t) - g.div(*(u * one for one in g.grad(u))), "depends on the fields"),
        (lambda u, t: g.diff(u, t) + g.biharmonic(u), "second order"),
    ],
)
def test_other_equations_are_refused(equation, words):
    with pytest.raises(g.GmnmError, match=words):
        blocks(equation, 2)


def test_directions_that_change_nothing_are_refused():
    problem = g.registry.load("allen_cahn_nd", dimension=10)
    with pytest.raises(g.GmnmError, match="fewer directions than second derivatives, 10"):
        solve_it(problem, g.Adam(5, directions=10))
    with pytest.raises(g.GmnmError, match="positive number of directions"):
        g.Adam(5, directions=0)


def test_exact_steps_may_follow_estimated_ones():
    problem = g.registry.load("allen_cahn_nd", dimension=10)
    solution = solve_it(problem, [g.Adam(20, directions=4), g.GaussNewton(steps=3)])
    assert "3 steps of Gauss-Newton" in solution.report.reason
