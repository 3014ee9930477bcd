"""Functions around holes: what they contain, and their derivatives."""

import pytest
import torch

from gmnm_pde.geometry.topology import Hole
from gmnm_pde.jets import forward_jet
from gmnm_pde.models.laurent import Laurent

PLANE, CAVITY, SHAFT = Hole((0.1, 0.2), 0.1, 1), Hole((0.1, 0.2, 0.0), 0.1, 1), Hole((0.1, 0.2, 0.0), 0.1, 1, axis=1)


def made(hole, degree=4):
    d = len(hole.center)
    points = torch.rand(60, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.5
    return Laurent([(-1.0, 1.5)] * d, [hole], points, degree, 1), points


@pytest.mark.parametrize("hole", [PLANE, CAVITY, SHAFT], ids=["plane", "cavity", "shaft"])
def test_derivatives_are_those_of_forward_mode(hole):
    model, points = made(hole)
    rest = (0,) * (len(hole.center) - 2)
    alphas = [(0, 0, *rest), (1, 0, *rest), (0, 2, *rest), (1, 1, *rest), (4, 0, *rest), (1, 3, *rest)]
    jets = forward_jet(model.features, points, alphas)
    for alpha in alphas:
        combined = model.feature_combination(points, {alpha: torch.tensor(1.0, dtype=torch.float64)})
        torch.testing.assert_close(combined, jets[alpha], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("hole", "power"), [(PLANE, 2), (CAVITY, 3), (SHAFT, 2)], ids=["vortex", "point source", "line source"]
)
def test_fields_of_sources_are_among_them(hole, power):
    model, points = made(hole)
    away = points - torch.tensor(hole.center)
    if hole.axis is not None:
        away[:, hole.axis] = 0.0
    field = away[:, 0] / away.norm(dim=1) ** power
    features = model.features(points)
    weights = torch.linalg.lstsq(features, field[:, None], driver="gelsd").solution
    assert (features @ weights)[:, 0].allclose(field, rtol=1e-9)


def test_features_are_in_ascending_order():
    model, points = made(PLANE, 6)
    assert (model.degrees.diff() >= 0).all() and model.up_to(6) == model.features(points).shape[1]
    assert 0 < model.up_to(3) < model.up_to(6)
