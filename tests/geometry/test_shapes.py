"""Shapes and their set algebra: areas, normals, the divergence theorem, and problems on them."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gmnm_pde as g
from gmnm_pde.sampling import sample

PI = math.pi
BOX = g.Rectangle(x=(-1, 1), y=(-1, 1))
CUBE = g.Box(x=(-1, 1), y=(-1, 1), z=(-1, 1))
L = [(0, 0), (1, 0), (1, -1), (-1, -1), (-1, 1), (0, 1)]
STAR = [(math.cos(k * PI / 5) * (1 if k % 2 else 0.4), math.sin(k * PI / 5) * (1 if k % 2 else 0.4)) for k in range(10)]

MEASURES = {
    "disk": (lambda: g.Disk(center=(0.2, -0.1), radius=0.5), 0.25 * PI, PI),
    "ellipse": (lambda: g.Ellipse(center=(0, 1), radii=(2, 1)), 2 * PI, 9.688448220547675),
    "ball": (lambda: g.Ball(center=(1, 0, 0), radius=0.5), PI / 6, PI),
    "triangle": (lambda: g.Polygon([(0, 0), (1, 0), (0, 1)]), 0.5, 2 + math.sqrt(2)),
    "clockwise": (lambda: g.Polygon([(0, 1), (1, 0), (0, 0)]), 0.5, 2 + math.sqrt(2)),
    "L": (lambda: g.Polygon(L), 3.0, 8.0),
    "mesh of an L": (lambda: g.PlanarMesh(L, [[0, 1, 2], [0, 2, 3], [0, 3, 5], [3, 4, 5]]), 3.0, 8.0),
    "star": (lambda: g.Polygon(STAR), None, None),
    "corners on one line": (lambda: g.Polygon([(0, 0), (1, 0), (2, 0), (2, 1), (0, 1)]), 2.0, 6.0),
    "hole": (lambda: BOX - g.Disk(center=(0, 0), radius=0.5), 4 - PI / 4, 8 + PI),
    "L by difference": (lambda: BOX - g.Rectangle(x=(0, 1), y=(0, 1)), 3.0, 8.0),
    "notch": (lambda: BOX - g.Disk(center=(1, 0), radius=0.5), 4 - PI / 8, 7 + PI / 2),
    "two rectangles": (lambda: BOX | g.Rectangle(x=(0, 3), y=(-1, 1)), 8.0, 12.0),
    "side by side": (lambda: g.Rectangle(x=(0, 1), y=(0, 1)) | g.Rectangle(x=(1, 2), y=(0, 1)), 2.0, 6.0),
    "quarter": (lambda: g.Disk(center=(0, 0), radius=1) & g.Rectangle(x=(0, 1), y=(0, 1)), PI / 4, 2 + PI / 2),
    "same twice": (lambda: BOX & g.Rectangle(x=(-1, 1), y=(-1, 1)), 4.0, 8.0),
    "shell": (lambda: g.Ball((0, 0, 0), 1) - g.Ball((0, 0, 0), 0.5), 7 / 6 * PI, 5 * PI),
    "cube minus ball": (lambda: CUBE - g.Ball((0, 0, 0), 0.5), 8 - PI / 6, 24 + PI),
    "holes": (lambda: BOX - g.Disk((0.5, 0), 0.2) - g.Disk((-0.5, 0), 0.2), 4 - 0.08 * PI, 8 + 0.8 * PI),
}


@pytest.fixture(params=MEASURES)
def case(request):
    make, area, length = MEASURES[request.param]
    return make(), area, length


def test_areas_and_lengths(case):
    shape, area, length = case
    if area is not None:
        assert shape.interior.measure == pytest.approx(area, rel=5e-3)
        assert shape.boundary.measure == pytest.approx(length, rel=5e-3)


def test_points_lie_inside_and_on_the_boundary(case):
    shape, *_ = case
    inside, around = sample(shape.interior, 500, seed=1), sample(shape.boundary, 300, seed=2)
    assert shape.contains(inside.points).all() and len(inside) >= 300
    assert shape.distance(around.points).abs().max() < 1e-6
    assert torch.allclose(around.normals.norm(dim=1), torch.ones(len(around), dtype=torch.float64))
    step = 1e-4
    assert not shape.contains(around.points + step * around.normals).any()
    inward = shape.contains(around.points - step * around.normals)
    assert inward.double().mean() > 0.98  # but near corners
    low, high = torch.tensor(shape.bounds, dtype=torch.float64).unbind(1)
    assert (inside.points >= low - 1e-12).all() and (inside.points <= high + 1e-12).all()


def test_divergence_theorem(case):
    """The flux of (x, y, ...) out of a shape is its measure times the number of coordinates."""
    shape, *_ = case
    flux = 0.0
    for chart in shape.boundary_charts():
        region = type(shape.boundary)(shape.coordinates, (chart,))
        cloud = sample(region, 4000, seed=3)
        flux += chart.measure * (cloud.points * cloud.normals).sum(dim=1).mean().item()
    assert flux == pytest.approx(shape.dimension * shape.interior.measure, rel=1e-2)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0.3, 1)), min_size=3, max_size=8))
def test_star_shaped_polygons(rays):
    angles = [2 * PI * k / len(rays) for k in range(len(rays))]
    corners = [(r * math.cos(a), r * math.sin(a)) for a, (_, r) in zip(angles, rays, strict=True)]
    polygon = g.Polygon(corners)
    assert sum(chart.measure for chart in polygon.interior_charts()) == pytest.approx(polygon.area)
    assert polygon.contains(sample(polygon.interior, 200).points).all()


def test_distance_to_a_polygon():
    square = g.Polygon([(0, 0), (2, 0), (2, 2), (0, 2)])
    points = torch.tensor([[1.0, 1.0], [0.5, 1.0], [3.0, 1.0], [3.0, 3.0], [0.0, 1.0]], dtype=torch.float64)
    expected = torch.tensor([1.0, 0.5, -1.0, -math.sqrt(2), 0.0], dtype=torch.float64)
    torch.testing.assert_close(square.distance(points), expected)


def test_the_boundary_of_a_removed_shape_selects_its_part():
    hole = g.Disk(center=(1, 0), radius=0.5)
    domain = BOX - hole
    inner, outer = domain.adopt(hole.boundary), domain.adopt(BOX.boundary)
    assert inner.measure == pytest.approx(PI / 2, rel=5e-3) and outer.measure == pytest.approx(7, rel=5e-3)
    cloud = sample(inner, 100)
    assert (cloud.points[:, 0] <= 1).all()
    center = torch.tensor([1.0, 0.0], dtype=torch.float64)
    assert ((center - cloud.points) * cloud.normals).sum(dim=1).min() > 0.49
    moving = domain * g.Time(t=(0, 1))
    lifted = moving.adopt(hole.boundary.where(lambda x, y: y > 0))
    cloud = sample(lifted, 50)
    assert cloud.points.shape[1] == 3 and (cloud.points[:, 1] > 0).all() and not cloud.normals[:, 2].any()
    assert moving.adopt(g.Disk(center=(0, 0), radius=0.1).boundary) is None


def test_faces_of_combined_shapes_and_edges_of_polygons():
    domain = BOX - g.Disk(center=(1, 0), radius=0.5)
    assert domain.face(x=1).measure == pytest.approx(1.0, rel=5e-3)
    polygon = g.Polygon(L)
    assert polygon.face(x=-1).measure == 2.0 and polygon.edge(0).measure == 1.0
    with pytest.raises(g.GmnmError, match="0 to 5"):
        polygon.edge(6)


EXACT = {"exact": lambda x, y: torch.exp(x) * torch.cos(y)}


@pytest.mark.parametrize(
    "domain",
    [
        g.Disk(center=(0.3, 0), radius=0.5),
        g.Ellipse(center=(0, 0), radii=(1, 0.5)),
        pytest.param(g.Polygon(L), marks=pytest.mark.slow),
        BOX - g.Disk(center=(0, 0), radius=0.4),
        BOX - g.Disk(center=(1, 0), radius=0.4),
    ],
    ids=str,
)
def test_smooth_solutions_to_many_digits(domain):
    problem = g.Problem(domain, lambda u: g.laplacian(u), [g.Dirichlet(u=EXACT["exact"])], **EXACT)
    problem.verify()
    report = g.solve(problem, tol=1e-8).report
    assert report.relative_l2 < 1e-7 and report.converged, str(report)


def test_neumann_data_on_a_hole_see_the_outward_normal():
    hole = g.Disk(center=(0, 0), radius=0.4)

    def slope(x, y):
        return -(x * torch.exp(x) * torch.cos(y) - y * torch.exp(x) * torch.sin(y)) / 0.4

    conditions = [g.Dirichlet(u=EXACT["exact"], on=BOX.boundary), g.Neumann(u=slope, on=hole.boundary)]
    g.Problem(BOX - hole, lambda u: g.laplacian(u), conditions, **EXACT).verify()


def test_heat_in_a_moving_frame_of_a_ring():
    ring = g.Disk(center=(0, 0), radius=1) - g.Disk(center=(0, 0), radius=0.5)
    exact = lambda x, y, t: torch.exp(-2 * t) * torch.sin(x) * torch.sin(y)  # noqa: E731
    problem = g.Problem(
        ring * g.Time(t=(0, 0.5)),
        lambda u, t: g.diff(u, t) - g.laplacian(u),
        [g.Dirichlet(u=exact), g.Initial(u=lambda x, y: torch.sin(x) * torch.sin(y))],
        exact=exact,
    )
    problem.verify()
    assert g.solve(problem, tol=1e-4).report.relative_l2 < 1e-3


BAD = {
    "bow tie": (lambda: g.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "do not cross or touch"),
    "touching": (lambda: g.Polygon([(0, 0), (2, 0), (2, 1), (1, 0), (0, 1)]), "do not cross or touch"),
    "fold": (lambda: g.Polygon([(0, 0), (2, 0), (1, 0), (1, 1)]), "do not cross or touch"),
    "twice": (lambda: g.Polygon([(0, 0), (1, 0), (0, 0), (0, 1)]), "three different corners"),
    "line": (lambda: g.Polygon([(0, 0), (1, 0), (2, 0)]), "."),
    "two corners": (lambda: g.Polygon([(0, 0), (1, 0)]), "at least three corners"),
    "corner": (lambda: g.Polygon([(0, 0), (1, 0), (math.nan, 1)]), "corner 2"),
    "radius": (lambda: g.Disk(center=(0, 0), radius=-1), "a positive radius"),
    "radii": (lambda: g.Ellipse(center=(0, 0), radii=(1, 2, 3)), "two radii"),
    "center": (lambda: g.Ball(center=(0, 0), radius=1), "3 finite numbers"),
    "names": (lambda: g.Disk(center=(0, 0), radius=1, coordinates=("x", "x")), "2 different names"),
    "empty": (lambda: g.Disk(center=(0, 0), radius=0.5) - BOX, "an empty one"),
    "apart": (lambda: g.Disk(center=(0, 0), radius=0.5) & g.Disk(center=(2, 0), radius=0.5), "an empty one"),
    "coordinates": (lambda: BOX - g.Ball(center=(0, 0, 0), radius=1), "the same coordinates"),
    "time": (lambda: (BOX * g.Time(t=(0, 1))) - (BOX * g.Time(t=(0, 1))), "multiply by time"),
    "no shape": (lambda: BOX - 3, "two shapes"),
    "elsewhere": (
        lambda: g.Problem(
            BOX, lambda u: g.laplacian(u), [g.Dirichlet(u=0, on=g.Disk(center=(5, 5), radius=1).boundary)]
        ),
        "a point outside",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_shapes(name):
    make, message = BAD[name]
    with pytest.raises(g.GmnmError, match=message):
        make()
