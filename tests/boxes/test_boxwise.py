"""The model: polynomials in boxes, their derivatives by every engine, and a file."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.jets import output_jet
from gmnm_pde.models import Boxwise, rebuild
from gmnm_pde.models.modes.legendre import TotalDegree

BOXES = (((-1, 0), (-1, 1)), ((0, 1), (-1, 0)), ((0, 1), (0, 1)))
ALPHAS = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (2, 1)]


@pytest.fixture
def model():
    made = Boxwise(BOXES, 5, 2)
    with torch.no_grad():
        made.weights.copy_(torch.randn(made.weights.shape, generator=torch.Generator().manual_seed(3)))
    return made


@pytest.fixture
def x():
    return torch.rand(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9


@pytest.mark.parametrize("engine", ["forward", "reverse"])
def test_closed_derivatives_are_those_of_other_engines(model, x, engine):
    closed, other = (output_jet(model, x, ALPHAS, own) for own in ("closed", engine))
    for alpha in ALPHAS:
        torch.testing.assert_close(closed[alpha], other[alpha], rtol=1e-9, atol=1e-9)


def test_points_have_the_box_they_lie_in(model, x):
    for point, number in zip(x, model.owner(x).tolist(), strict=True):
        assert all(low <= value <= high for value, (low, high) in zip(point, BOXES[number], strict=True))
    outside = torch.tensor([[-3.0, 0.5], [4.0, -2.0]], dtype=torch.float64)
    assert model.owner(outside).tolist() == [0, 1]


def test_polynomials_are_orthonormal_for_means():
    basis = TotalDegree(2, 4)
    from gmnm_pde.boxes.discretization import gauss

    points, weights = gauss(6, 2)
    table = basis.jet(points, [(0, 0)])[0, 0]
    torch.testing.assert_close(table.mT @ (weights[:, None] * table), torch.eye(len(basis), dtype=torch.float64))


def test_any_batch_shape_and_a_refusal(model, x):
    torch.testing.assert_close(model(x.reshape(5, 8, 2)), model(x).reshape(5, 8, 2))
    with pytest.raises(g.GmnmError, match="x of shape"):
        model(torch.zeros(4, 3, dtype=torch.float64))
    with pytest.raises(g.GmnmError, match="expected boxes"):
        Boxwise((), 3)


def test_a_model_is_built_again_from_plain_values(model, x):
    again = rebuild("Boxwise", model.config())
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(x), model(x))
