"""Balls in any number of dimensions: measures, moments, normals, and a problem on one."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.sampling import sample

DIMENSIONS = [2, 3, 4, 5, 8, 12, 20]


def ball(d, radius=0.5):
    return g.Ball([0.1 * k for k in range(d)], radius, coordinates=[f"x{k}" for k in range(d)])


def offsets(shape, region, n=2**14):
    cloud = sample(region, n, seed=1)
    return cloud.points - torch.tensor(shape.center, dtype=torch.float64), cloud.normals


@pytest.mark.parametrize("d", DIMENSIONS)
def test_measures_follow_the_recursion_of_volumes(d):
    """V_d = V_(d - 2) 2 pi r^2 / d from V_0 = 1 and V_1 = 2 r, and the area is the derivative by the radius."""
    r, volumes = 0.5, [1.0, 1.0]
    while len(volumes) <= d:
        volumes.append(volumes[-2] * 2 * math.pi * r**2 / len(volumes))
    assert ball(d).interior.measure == pytest.approx(volumes[d], rel=1e-14)
    slope = (ball(d, r + 1e-5).interior.measure - ball(d, r - 1e-5).interior.measure) / 2e-5
    assert ball(d).boundary.measure == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_points_fill_ball_and_sphere_evenly(d):
    shape = ball(d)
    for region, square, fourth in ((shape.interior, d / (d + 2), d / (d + 4)), (shape.boundary, 1.0, 1.0)):
        x, _ = offsets(shape, region)
        x = x / shape.radius
        assert x.shape == (2**14, d) and x.norm(dim=1).max() <= 1 + 1e-12
        assert x.mean(dim=0).abs().max() < 3e-3
        assert torch.allclose(x.T @ x / len(x), square / d * torch.eye(d, dtype=torch.float64), atol=3e-3)
        assert (x**4).mean(dim=0).tolist() == pytest.approx([3 * fourth / (d * (d + 2))] * d, rel=0.06)
    inside, _ = offsets(shape, shape.interior)
    half = (inside.norm(dim=1) < shape.radius * 0.5 ** (1 / d)).double().mean().item()
    assert half == pytest.approx(0.5, abs=2e-3)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_distances_levels_normals_and_bounds(d):
    shape = ball(d)
    x, normals = offsets(shape, shape.boundary, 500)
    assert torch.allclose(normals, x / shape.radius)
    center = torch.tensor(shape.center, dtype=torch.float64)
    (chart,) = shape.boundary_charts()
    assert chart.level is not None
    for scale in (0.2, 0.9, 1.0, 1.3):
        points = center + scale * x
        assert torch.allclose(shape.distance(points), torch.full((500,), 0.5 * (1 - scale)).double(), atol=1e-12)
        assert torch.allclose(chart.level(points), torch.full((500,), 0.25 * (1 - scale**2)).double(), atol=1e-12)
        assert shape.contains(points).all() == (scale <= 1) == shape.contains(points).any()
    low, high = torch.tensor(shape.bounds, dtype=torch.float64).unbind(1)
    assert torch.allclose(low, center - 0.5) and torch.allclose(high, center + 0.5)


def test_in_space_it_is_the_map_of_archimedes():
    unit = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (chart,) = g.Ball((0, 0, 0), 1).boundary_charts()
    height, angle = 1 - 2 * unit[:, 0], 2 * math.pi * unit[:, 1]
    around = (1 - height**2).sqrt()
    expected = torch.stack([around * angle.cos(), around * angle.sin(), height], dim=1)
    assert torch.equal(chart.embed(unit), expected)


def test_set_algebra_in_four_dimensions():
    names = ("x", "y", "z", "w")
    cube = g.Box(**dict.fromkeys(names, (-1, 1)))
    hollow = cube - g.Ball((0, 0, 0, 0), 0.5, coordinates=names)
    assert hollow.interior.measure == pytest.approx(16 - math.pi**2 / 32, rel=5e-3)
    assert hollow.boundary.measure == pytest.approx(64 + math.pi**2 / 4, rel=5e-3)


def test_a_smooth_solution_in_a_ball_of_four_dimensions():
    exact = lambda x, y, z, w: x * y - z**2 + w**2 + x  # noqa: E731
    shape = g.Ball((0, 0, 0, 0), 1, coordinates=("x", "y", "z", "w"))
    problem = g.Problem(shape, lambda u: g.laplacian(u), [g.Dirichlet(u=exact)], exact=exact)
    problem.verify()
    assert g.solve(problem, tol=1e-3).report.relative_l2 < 1e-3


BAD = {
    "center": (lambda: g.Ball((0, 0), 1, coordinates=("x", "y", "z", "w")), "4 finite numbers"),
    "one name": (lambda: g.Ball((0,), 1, coordinates=("x",)), "at least 2 names"),
    "names": (lambda: g.Ball((0, 0, 0, 0), 1, coordinates=("x", "y", "z", "x")), "4 different names"),
    "a word": (lambda: g.Ball((0, 0, 0, 0), 1, coordinates="xyzw"), "at least 2 names"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_balls(name):
    make, message = BAD[name]
    with pytest.raises(g.GmnmError, match=message):
        make()
