"""Integrals over regions against exact ones, and Gauss's theorem on every shape."""

import math

import pytest
import torch
from scipy.special import ellipe

import gmnm_pde as g
from gmnm_pde.geometry.quadrature import integrate
from gmnm_pde.sampling import sample

PI = math.pi
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
HOLE = SQUARE - g.Disk((0.5, 0.5), 0.2)
OVAL = g.SignedDistance(lambda x, y: x**2 / 4 + y**2 - 1, x=(-3, 3), y=(-3, 3))


def one(points, normals):
    return torch.ones(len(points), 1, dtype=torch.float64)


def square_of_x(points, normals):
    return points[:, :1] ** 2


def through(points, normals):
    """The field (x, y, ...) along the normal: its divergence is the dimension."""
    return (points * normals).sum(dim=1, keepdim=True)


CASES = {
    "an interval": (g.Interval(x=(0, 1)).interior, lambda p, n: p.exp(), math.e - 1, 1e-14),
    "its ends": (g.Interval(x=(0, 1)).boundary, through, 1.0, 1e-15),
    "a square": (SQUARE.interior, lambda p, n: p.exp().prod(1, keepdim=True), (math.e - 1) ** 2, 1e-13),
    "a disk": (g.Disk((0, 0), 1).interior, square_of_x, PI / 4, 1e-13),
    "a circle": (g.Disk((0, 0), 1).boundary, square_of_x, PI, 1e-13),
    "an ellipse": (g.Ellipse((1, 2), (2, 1)).interior, one, 2 * PI, 1e-13),
    "its length": (g.Ellipse((1, 2), (2, 1)).boundary, one, 8 * ellipe(0.75), 1e-12),
    "a ball": (g.Ball((0, 0, 0), 1).interior, square_of_x, 4 * PI / 15, 1e-13),
    "a sphere": (g.Ball((0, 0, 0), 1).boundary, square_of_x, 4 * PI / 3, 1e-12),
    "a shell": (g.SphericalShell((0, 0, 0), 0.5, 1).interior, square_of_x, 4 * PI / 15 * (1 - 0.5**5), 1e-12),
    "a ring": (g.Annulus((0, 0), 0.5, 1).interior, square_of_x, PI / 4 * (1 - 0.5**4), 1e-12),
    "an L": (g.Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]).interior, square_of_x, 3.0, 1e-12),
    "a square with a hole": (HOLE.interior, one, 1 - 0.04 * PI, 1e-9),
    "two disks": (
        (g.Disk((0, 0), 1) | g.Disk((0.5, 0), 1)).interior,
        one,
        2 * PI - 2 * math.acos(0.25) + 0.25 * math.sqrt(3.75),
        1e-8,
    ),
    "a part by where": (SQUARE.interior.where(lambda x, y: x + y < 1), one, 0.5, 1e-12),
    "half a circle": (g.Disk((0, 0), 1).boundary.where(lambda x: x > 0), one, PI, 1e-12),
    "the length of zeros": (OVAL.boundary, one, 8 * ellipe(0.75), 1e-10),
    "a disk in time": ((g.Disk((0, 0), 1) * g.Time(t=(0, 2))).interior, square_of_x, PI / 2, 1e-12),
    "five dimensions": (g.Box(**{f"x{k}": (0, 1) for k in range(5)}).interior, square_of_x, 1 / 3, 1e-12),
}


@pytest.mark.parametrize("name", CASES)
def test_integrals_are_right_and_their_errors_honest(name):
    region, function, exact, tol = CASES[name]
    found = integrate(region, function)
    assert found.value.item() == pytest.approx(exact, rel=tol, abs=tol)
    assert abs(found.value.item() - exact) <= 10 * found.error.item() + 1e-12


SHAPES = {
    "square": (SQUARE, 1.0),
    "square with a hole": (HOLE, 1 - 0.04 * PI),
    "ellipse": (g.Ellipse((1, 2), (2, 1)), 2 * PI),
    "shell": (g.SphericalShell((0, 0, 0), 0.5, 1), 4 * PI / 3 * (1 - 0.5**3)),
    "triangle": (g.Triangle((0, 0), (1, 0), (0, 1)), 0.5),
    "zeros of a function": (OVAL, 2 * PI),
}


@pytest.mark.parametrize("name", SHAPES)
def test_gauss_theorem(name):
    shape, volume = SHAPES[name]
    assert integrate(shape.boundary, through).value.item() == pytest.approx(shape.dimension * volume, rel=1e-9)


WIDE = g.Rectangle(x=(-1, 1), y=(-1, 1))
CUT = {
    "a disk": (WIDE - g.Disk((0, 0), 0.3), 4 - 0.09 * PI),
    "a disk on a side": (WIDE - g.Disk((1, 0), 0.5), 4 - PI / 8),
    "an annulus": (WIDE - g.Annulus((0, 0), 0.3, 0.6), 4 - 0.27 * PI),
    "an oblique square": (WIDE - g.Polygon([(0, 0.5), (0.5, 0), (0, -0.5), (-0.5, 0)]), 3.5),
    "two disks": (WIDE - g.Disk((0.5, 0), 0.3) - g.Disk((-0.5, 0), 0.3), 4 - 0.18 * PI),
    "all but where a function is negative": (OVAL, 2 * PI),
}


@pytest.mark.parametrize("name", CUT)
def test_what_is_cut_is_integrated_to_ten_digits(name):
    shape, area = CUT[name]
    hints = [sample(g.geometry.Region(shape.coordinates, (chart,)), 64).points for chart in shape.boundary_charts()]
    found = integrate(shape.interior, one, hints)
    assert found.value.item() == pytest.approx(area, rel=1e-10)


def test_a_tiny_hole_is_seen_where_its_boundary_is_shown():
    shape = SQUARE - g.Disk((0.4031, 0.7077), 0.001)
    hints = [sample(g.geometry.Region(shape.coordinates, (chart,)), 64).points for chart in shape.boundary_charts()]
    assert 1 - integrate(shape.interior, one, hints).value.item() == pytest.approx(PI * 1e-6, rel=1e-2)


@pytest.mark.slow
def test_solids_with_holes_to_their_estimated_error():
    shape = g.Box(x=(0, 1), y=(0, 1), z=(0, 1)) - g.Ball((0.5, 0.5, 0.5), 0.25)
    found = integrate(shape.interior, one)
    assert found.value.item() == pytest.approx(1 - PI / 48, abs=2 * found.error.item())
    assert found.error.item() < 1e-3


def test_clouds_have_no_measure():
    with pytest.raises(g.GmnmError, match="a region with a measure"):
        integrate(g.PointCloud(torch.rand(9, 2)).interior, one)


@pytest.mark.parametrize("name", SHAPES)
def test_samples_weigh_as_much_as_their_region(name):
    shape, volume = SHAPES[name]
    inside, around = shape.interior.sample(3000), shape.boundary.sample(3000)
    assert inside.normals is None and inside.weights.sum().item() == pytest.approx(volume, rel=1e-2)
    flux = (around.weights * (around.points * around.normals).sum(dim=1)).sum().item()
    assert flux == pytest.approx(shape.dimension * volume, rel=2e-2)


def test_samples_of_a_part_weigh_as_that_part():
    assert SQUARE.where(lambda x: x < 0.3).sample(2000).weights.sum().item() == pytest.approx(0.3, rel=1e-2)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: SQUARE.interior.sample(10, "chebyshev"), "weigh the same"),
        (lambda: SQUARE.interior.sample(0), "positive whole number"),
        (lambda: SQUARE.interior.sample(2.5), "positive whole number"),
        (lambda: SQUARE.interior.sample(), "expected n, got none"),
        (lambda: SQUARE.interior.sample(n_points=3), "got 'n_points'"),
    ],
)
def test_samples_that_cannot_be(call, words):
    with pytest.raises(g.GmnmError, match=words):
        call()
