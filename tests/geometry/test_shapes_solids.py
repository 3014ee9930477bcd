"""Triangles, rings, shells, signed distances, meshes, and what is put together from them."""

import math
import sys

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import gmnm_pde as g
from gmnm_pde.geometry.nearest import NearestTriangle
from gmnm_pde.sampling import sample

PI = math.pi
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
CUBE = g.Box(x=(-1, 1), y=(-1, 1), z=(-1, 1))
RING = 4 * PI**2 * 0.3  # the area of a torus


def disk_distance(x, y):
    return torch.hypot(x, y) - 1


def box_distance(x, y):
    """Its gradient by autograd is NaN inside and on the edges, as of the many that take sqrt(0)."""
    a, b = x.abs() - 0.7, y.abs() - 0.4
    return torch.sqrt(a.clamp_min(0) ** 2 + b.clamp_min(0) ** 2) + torch.maximum(a, b).clamp_max(0)


def torus_level(x, y, z):
    return (torch.hypot(x, y) - 1) ** 2 + z**2 - 0.09


def solid(name, *arguments, **options):
    """A mesh from trimesh's workshop."""
    return g.Mesh(getattr(pytest.importorskip("trimesh").creation, name)(*arguments, **options))


def level(function, **bounds):
    return g.SignedDistance(function, **bounds)


CASES = {
    "triangle": (lambda: g.Triangle((0, 1), (1, 0), (0, 0)), 0.5, 2 + math.sqrt(2)),
    "ring": (lambda: g.Annulus((1, 2), 0.5, 1), 0.75 * PI, 3 * PI),
    "shell": (lambda: g.SphericalShell((0, 0, 1), 0.5, 1), 7 / 6 * PI, 5 * PI),
    "half a ring": (lambda: g.Annulus((0, 0), 0.5, 1) & g.Rectangle(x=(0, 2), y=(-2, 2)), 0.375 * PI, 1.5 * PI + 1),
    "level disk": (lambda: level(disk_distance, x=(-2, 2), y=(-2, 2)), PI, 2 * PI),
    "level ellipse": (
        lambda: level(lambda x, y: x**2 / 4 + y**2 - 1, x=(-2.1, 2.3), y=(-2, 2)),
        2 * PI,
        9.688448220547675,
    ),
    "level cut by its bounds": (lambda: level(disk_distance, x=(0, 2), y=(-2, 2)), PI / 2, PI + 2),
    "level on the grid's nodes": (lambda: level(lambda x, y: x, x=(-1, 1), y=(-1, 1)), 2.0, 6.0),
    "level box": (lambda: level(box_distance, x=(-1, 1), y=(-1, 1)), 4 * 0.28, 4 * 1.1),
    "level steep": (lambda: level(lambda x, y: (x**2 + y**2) ** 4 - 1, x=(-4, 4), y=(-4, 4)), PI, 2 * PI),
    "level torus": (lambda: level(torus_level, x=(-1.4, 1.4), y=(-1.4, 1.4), z=(-0.4, 0.4)), RING * 0.15, RING),
    "level minus disk": (
        lambda: level(disk_distance, x=(-2, 2), y=(-2, 2)) - g.Disk((0, 0), 0.5),
        0.75 * PI,
        3 * PI,
    ),
    "mesh box": (lambda: solid("box", (2, 1, 1)), 2.0, 10.0),
    "mesh tube": (lambda: solid("annulus", 0.5, 1, 1, sections=64), None, None),
    "mesh torus": (lambda: solid("torus", 1, 0.3), None, None),
    "box minus mesh": (lambda: CUBE - solid("box", (1, 1, 0.5)), 7.5, 24 + 4.0),
    "mesh and ball": (lambda: solid("box", (2, 2, 2)) & g.Ball((1, 1, 1), 0.5), PI / 48, 0.125 * PI + 3 * PI / 16),
    "mesh minus ball": (
        lambda: solid("box", (2, 2, 2)) - g.Ball((1, 1, 1), 0.5),
        8 - PI / 48,
        24 + PI / 8 - 3 * PI / 16,
    ),
    "hole that touches": (lambda: SQUARE - g.Disk((0.75, 0.5), 0.25), 1 - PI / 16, 4 + PI / 2),
    "hole that leaves": (lambda: SQUARE - g.Disk((1, 0.5), 0.25), 1 - PI / 32, 3.5 + PI / 4),
    "hole at a corner": (lambda: SQUARE - g.Disk((1, 1), 0.5), 1 - PI / 16, 3 + PI / 4),
    "hole that shares an edge": (lambda: SQUARE - g.Rectangle(x=(0.5, 1), y=(0.25, 0.75)), 0.75, 5.0),
    "cut in two": (lambda: SQUARE - g.Rectangle(x=(0.25, 0.75), y=(-1, 2)), 0.5, 5.0),
    "tiny hole": (lambda: SQUARE - g.Disk((0.5, 0.5), 0.01), 1 - 1e-4 * PI, 4 + 0.02 * PI),
    "tiny part": (lambda: SQUARE & g.Disk((0.5, 0.5), 0.001), 1e-6 * PI, 0.002 * PI),
}


@pytest.fixture(params=CASES, scope="module")
def case(request):
    make, volume, area = CASES[request.param]
    return make(), volume, area


def test_measures(case):
    shape, volume, area = case
    if volume is not None:
        assert shape.interior.measure == pytest.approx(volume, rel=7e-3)
        assert shape.boundary.measure == pytest.approx(area, rel=7e-3)


def test_points_and_normals(case):
    shape, *_ = case
    inside, around = sample(shape.interior, 400, seed=1), sample(shape.boundary, 300, seed=2)
    assert shape.contains(inside.points).all() and len(inside) >= 300
    extent = max(high - low for low, high in shape.bounds)
    assert shape.distance(around.points).abs().max() < 1e-6 * extent
    assert torch.allclose(around.normals.norm(dim=1), torch.ones(len(around), dtype=torch.float64))
    step = 1e-5 * extent
    assert not shape.contains(around.points + step * around.normals).any()
    assert shape.contains(around.points - step * around.normals).double().mean() > 0.98  # but near corners
    again = sample(shape.boundary, 300, seed=2)
    assert torch.equal(around.points, again.points) and torch.equal(around.normals, again.normals)


def test_divergence_theorem(case):
    shape, *_ = case
    d = shape.dimension
    waves = torch.tensor([[1.0, 0.5, -0.3], [0.2, -1.2, 0.7], [0.4, 0.3, 0.9]], dtype=torch.float64)[:d, :d]
    phases = torch.arange(d, dtype=torch.float64)
    source = lambda p: ((p @ waves.T + phases).cos() * waves.diagonal()).sum(dim=1)  # noqa: E731
    flow = lambda p, n: ((p @ waves.T + phases).sin() * n).sum(dim=1)  # noqa: E731
    kind, within, through = type(shape.boundary), 0.0, 0.0
    for chart in shape.interior_charts():
        cloud = sample(kind(shape.coordinates, (chart,)), 4000, seed=3)
        within += chart.measure * source(cloud.points).mean().item()
    for chart in shape.boundary_charts():
        cloud = sample(kind(shape.coordinates, (chart,)), 2000, seed=4)
        through += chart.measure * flow(cloud.points, cloud.normals).mean().item()
    assert through == pytest.approx(within, abs=5e-3 * shape.boundary.measure)


RADII = st.floats(0.05, 3)
CORNER = st.tuples(st.floats(-2, 2), st.floats(-2, 2))


@settings(max_examples=25)
@given(RADII, RADII, st.sampled_from([g.Annulus, g.SphericalShell]))
def test_rings_and_shells_of_any_size(a, b, kind):
    inner, outer = sorted((a, b))
    assume(outer > 1.001 * inner)
    d = 2 if kind is g.Annulus else 3
    shape = kind((1.0,) * d, inner, outer)
    unit = PI if d == 2 else 4 / 3 * PI
    assert shape.interior.measure == pytest.approx(unit * (outer**d - inner**d))
    assert shape.boundary.measure == pytest.approx(d * unit * (outer ** (d - 1) + inner ** (d - 1)), rel=1e-6)
    points = sample(shape.interior, 512).points - 1
    assert shape.contains(points + 1).all()
    # by measure: half of the points lie within the radius that halves the measure
    middle = ((outer**d + inner**d) / 2) ** (1 / d)
    assert (points.norm(dim=1) < middle).double().mean().item() == pytest.approx(0.5, abs=0.03)
    for region, radius, side in ((shape.inner, inner, -1), (shape.outer, outer, 1)):
        cloud = sample(region, 64)
        torch.testing.assert_close(cloud.points - 1, side * radius * cloud.normals)


@settings(max_examples=25)
@given(CORNER, CORNER, CORNER)
def test_any_triangle(a, b, c):
    area = abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2
    assume(area > 1e-3)
    triangle = g.Triangle(a, b, c)
    assert triangle.interior.measure == pytest.approx(area)
    assert triangle.boundary.measure == pytest.approx(math.dist(a, b) + math.dist(b, c) + math.dist(c, a))
    cloud = sample(triangle.interior, 4000)
    middle = torch.tensor([sum(axis) / 3 for axis in zip(a, b, c, strict=True)], dtype=torch.float64)
    torch.testing.assert_close(cloud.points.mean(dim=0), middle, atol=1e-2, rtol=0)


@settings(max_examples=8)
@given(st.floats(0.3, 1.8), st.floats(0.3, 1.8), st.floats(-0.1, 0.1))
def test_any_level_ellipse_is_the_ellipse(width, height, shift):
    shape = level(lambda x, y: ((x - shift) / width) ** 2 + (y / height) ** 2 - 1, x=(-2, 2), y=(-2, 2))
    exact = g.Ellipse((shift, 0), (width, height))
    assert shape.boundary.measure == pytest.approx(exact.boundary.measure, rel=1e-3)
    assert shape.interior.measure == pytest.approx(exact.interior.measure, rel=2e-2)
    cloud = sample(shape.boundary, 200)
    assert exact.distance(cloud.points).abs().max() < 1e-10
    torch.testing.assert_close(exact.boundary_charts()[0].normal(cloud.points), cloud.normals)


@settings(max_examples=10)
@given(st.tuples(*[st.floats(0.3, 2)] * 3), st.tuples(*[st.floats(-3, 3)] * 3), st.integers(0, 10**6))
def test_distance_to_any_turned_box(sides, at, seed):
    trimesh = pytest.importorskip("trimesh")
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator))[0]
    box = trimesh.creation.box(sides)
    shift = torch.tensor(at, dtype=torch.float64)
    vertices = torch.tensor(box.vertices) @ turn.T + shift
    mesh = g.Mesh((vertices.numpy(), box.faces))  # turned inside out where the turn is a reflection
    assert mesh.volume == pytest.approx(math.prod(sides))
    plain = g.Box(**{name: (-side / 2, side / 2) for name, side in zip("xyz", sides, strict=True)})
    points = 4 * torch.rand(500, 3, dtype=torch.float64, generator=generator) - 2
    torch.testing.assert_close(mesh.distance(points @ turn.T + shift), plain.distance(points), atol=1e-12, rtol=0)


def test_far_from_a_fine_mesh_the_side_is_right():
    trimesh = pytest.importorskip("trimesh")
    mesh, exact = g.Mesh(trimesh.creation.icosphere(subdivisions=4)), g.Ball((0, 0, 0), 1)
    points = 4 * torch.rand(3000, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 2
    points = points[exact.distance(points).abs() > 0.01]
    distance = mesh.distance(points)
    assert torch.equal(distance > 0, exact.distance(points) > 0)
    assert (distance - exact.distance(points)).abs().max() < 0.1


def test_sharp_edges_tell_the_right_side():
    """A thin wedge, beside whose edge the nearest triangle alone would mistake the side."""
    base = [(0.0, 0.0, 0.0), (1.0, -0.02, 0.0), (1.0, 0.02, 0.0)]
    corners = torch.tensor([*base, *((x, y, 1.0) for x, y, _ in base)], dtype=torch.float64)
    faces = torch.tensor([[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4], [2, 0, 3], [2, 3, 5], [0, 2, 1], [3, 4, 5]])
    nearest = NearestTriangle(corners[faces], faces)
    points = torch.tensor([[-0.1, y, z] for y in (-0.3, -0.01, 0.0, 0.01, 0.3) for z in (-0.2, 0.3, 0.9, 1.2)])
    assert (nearest(points.double())[0] < 0).all()
    assert (nearest(torch.tensor([[0.5, 0.0, 0.5], [0.9, 0.01, 0.1]], dtype=torch.float64))[0] > 0).all()


def test_a_mesh_from_a_file_and_one_turned_inside_out(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    sphere = trimesh.creation.icosphere(subdivisions=2)
    sphere.export(tmp_path / "sphere.stl")  # which repeats every vertex
    faces = sphere.faces.copy()
    faces[::3] = faces[::3, ::-1]
    sources = [tmp_path / "sphere.stl", str(tmp_path / "sphere.stl"), sphere, (sphere.vertices, faces)]
    for mesh in map(g.Mesh, sources):
        assert mesh.volume == pytest.approx(sphere.volume, rel=1e-6)
        assert repr(mesh) in ("Mesh of 320 triangles", f"Mesh({str(tmp_path / 'sphere.stl')!r})")
        cloud = sample(mesh.boundary, 200)
        assert (cloud.points * cloud.normals).sum(dim=1).min() > 0.9
    sphere.invert()
    assert g.Mesh(sphere).volume > 0 > sphere.volume  # and what was given is left as it is


def test_boundaries_of_shells_meshes_and_levels_are_regions():
    shell = g.SphericalShell((0, 0, 0), 0.5, 1) * g.Time(t=(0, 1))
    problem = g.Problem(
        shell,
        lambda u, t: g.diff(u, t) - g.laplacian(u),
        [g.Dirichlet(u=0, on=shell.first.inner), g.Neumann(u=0, on=shell.first.outer), g.Initial(u=0)],
    )
    assert [term.group for term in problem.terms[1:]] == ["boundary", "boundary", "initial"]
    assert [term.region.name[:5] for term in problem.terms[1:3]] == ["inner", "outer"]
    half = level(disk_distance, x=(0, 2), y=(-2, 2))
    assert half.face(x=0).measure == pytest.approx(2, rel=1e-3)
    assert (CUBE - (hole := solid("box", (1, 1, 1)))).adopt(hole.boundary).measure == pytest.approx(6)


EXACT = {"exact": lambda x, y: torch.exp(x) * torch.cos(y)}


@pytest.mark.parametrize(
    "domain",
    [
        g.Triangle((0, 0), (1, 0), (0, 1)),
        g.Annulus((0, 0), 0.4, 1),
        level(lambda x, y: x**2 + 2 * y**2 - 1, x=(-1.1, 1.1), y=(-1, 1)),
        SQUARE - g.Disk((1, 0.5), 0.25),
    ],
    ids=["triangle", "ring", "level", "hole that leaves"],
)
def test_smooth_solutions_to_many_digits(domain):
    problem = g.Problem(domain, lambda u: g.laplacian(u), [g.Dirichlet(u=EXACT["exact"])], **EXACT)
    problem.verify()
    report = g.solve(problem, tol=1e-8).report
    assert report.relative_l2 < 1e-7 and report.converged, str(report)


def test_a_solid_mesh_is_solved_on():
    exact = lambda x, y, z: x * y + z**2 - y**2  # noqa: E731
    domain = solid("box", (1, 1, 1)) - g.Ball((0, 0, 0), 0.3)
    problem = g.Problem(domain, lambda u: g.laplacian(u), [g.Dirichlet(u=exact)], exact=exact)
    problem.verify()
    assert g.solve(problem, tol=1e-4).report.relative_l2 < 1e-3


def a_mesh(change):
    def make():
        box = pytest.importorskip("trimesh").creation.box((1, 1, 1))
        return g.Mesh(change(box))

    return make


BAD = {
    "triangle on a line": (lambda: g.Triangle((0, 0), (1, 1), (2, 2)), "not on one line"),
    "triangle in a point": (lambda: g.Triangle((1, 1), (1, 1), (1, 1)), "not on one line"),
    "triangle of numbers": (lambda: g.Triangle((0, 0), (1, math.nan), (2, 2)), "2 finite numbers"),
    "shell inside out": (lambda: g.SphericalShell((0, 0, 0), 2, 1), "inner < outer.*Swap"),
    "shell without width": (lambda: g.Annulus((0, 0), 1, 1), "nothing between"),
    "shell radius": (lambda: g.SphericalShell((0, 0, 0), 0, 1), "a positive radius"),
    "shell names": (lambda: g.SphericalShell((0, 0, 0), 1, 2, coordinates=("x", "y")), "3 different names"),
    "level of one sign": (lambda: level(lambda x, y: x**2 + 1, x=(-1, 1), y=(-1, 1)), "a single sign.*negative inside"),
    "level inside only": (lambda: level(lambda x, y: -1 - x**2, x=(-1, 1), y=(-1, 1)), "a single sign"),
    "level flat": (lambda: level(lambda x, y: disk_distance(x, y) ** 3, x=(-2, 2), y=(-2, 2)), "zero gradient at x="),
    "level pole": (lambda: level(lambda x, y: 1 / (x - 0.3), x=(-1, 1), y=(-1, 1)), "lead to the zeros"),
    "level column": (lambda: level(lambda x, y: x[:, None], x=(-1, 1), y=(-1, 1)), "one number for each point"),
    "level number": (lambda: level(lambda x, y: 1.0, x=(-1, 1), y=(-1, 1)), "one number for each point"),
    "level NaN": (lambda: level(lambda x, y: torch.log(x), x=(-1, 1), y=(-1, 1)), "NaN or infinity at x=-1"),
    "level name": (lambda: level(lambda x, w: x, x=(-1, 1), y=(-1, 1)), "asks for 'w'"),
    "level line": (lambda: level(lambda x: x, x=(-1, 1)), "two or three coordinates"),
    "level detached": (lambda: level(lambda x, y: x.detach(), x=(-1, 1), y=(-1, 1)), "torch operations"),
    "level bounds": (lambda: level(lambda x, y: x, x=(1, -1), y=(-1, 1)), "low < high"),
    "level nothing": (lambda: level(3, x=(-1, 1), y=(-1, 1)), "expected a function"),
    "mesh open": (a_mesh(lambda m: (m.vertices, m.faces[:-1])), "got 3 open edges.*fill_holes"),
    "mesh double": (a_mesh(lambda m: (m.vertices, [*m.faces, m.faces[0]])), "3 more than twice used edges"),
    "mesh flat": (a_mesh(lambda m: (m.vertices, [[0, 1, 2], [0, 2, 1]])), "around a volume"),
    "mesh empty": (a_mesh(lambda m: (m.vertices, m.faces[:0])), "expected triangles, got none"),
    "mesh squares": (a_mesh(lambda m: (m.vertices, [[0, 1, 2, 3]])), r"triangles \[m, 3\]"),
    "mesh numbers": (a_mesh(lambda m: (m.vertices, m.faces + 5)), "0 to 7, got 5 to 12"),
    "mesh NaN": (a_mesh(lambda m: (math.nan * m.vertices, m.faces)), "."),
    "mesh thing": (a_mesh(lambda m: 3), "a file that trimesh reads"),
    "mesh file": (a_mesh(lambda m: "nowhere.stl"), "a path at which there is no file"),
    "mesh kind": (a_mesh(lambda m: __file__), "a file that trimesh reads"),
    "nothing left": (lambda: g.Annulus((0, 0), 0.5, 1) - g.Disk((0, 0), 2), "an empty one"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_shapes(name):
    make, message = BAD[name]
    with pytest.raises(g.GmnmError, match=message):
        make()


def test_without_trimesh_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "trimesh", None)
    with pytest.raises(g.GmnmError, match=r'pip install "gmnm_pde\[mesh\]"'):
        g.Mesh("part.stl")
