"""Meshes of other programs as domains with named boundaries."""

import math
import sys

import numpy as np
import pytest
import torch

import gmnm_pde as g
from gmnm_pde.sampling import sample

meshio = pytest.importorskip("meshio")


def plate(steps=24, inner=0.4):
    """A ring of triangles between a circle and a square, with its lines in groups as gmsh writes them."""
    angles = np.arange(steps) * 2 * math.pi / steps
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    square = circle / np.abs(circle).max(axis=1, keepdims=True)
    layers = 5
    points = np.concatenate([inner * circle * (1 - s) + square * s for s in np.linspace(0, 1, layers)])
    triangles = []
    for layer in range(layers - 1):
        for k in range(steps):
            a, b = layer * steps + k, layer * steps + (k + 1) % steps
            triangles += [[a, b, a + steps], [b, b + steps, a + steps]]
    ring = [[k, (k + 1) % steps] for k in range(steps)]
    outer = [[(layers - 1) * steps + a, (layers - 1) * steps + b] for a, b in ring]
    return points, np.array(triangles), np.array(ring), np.array(outer)


@pytest.fixture
def file(tmp_path):
    points, triangles, ring, outer = plate()
    cells = [("line", ring), ("line", outer), ("triangle", triangles)]
    tags = [np.full(len(ring), 1), np.full(len(outer), 2), np.full(len(triangles), 3)]
    names = {"hole": np.array([1, 1]), "rim": np.array([2, 1]), "plate": np.array([3, 2])}
    flat = np.column_stack([points, np.zeros(len(points))])
    mesh = meshio.Mesh(flat, cells, cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags}, field_data=names)
    mesh.write(tmp_path / "plate.msh", file_format="gmsh22")
    return tmp_path / "plate.msh"


def test_a_plate_with_a_hole_from_gmsh(file):
    domain = g.read_mesh(file)
    assert isinstance(domain, g.PlanarMesh) and set(domain.boundaries) == {"hole", "rim"}
    hole = 12 * 0.4**2 * math.sin(2 * math.pi / 24)
    assert domain.area == pytest.approx(4 - hole, abs=0.02) == domain.interior.measure
    points = torch.tensor([[0.0, 0.0], [0.7, 0.1], [1.2, 0.0], [0.9, 0.9]], dtype=torch.float64)
    assert domain.contains(points).tolist() == [False, True, False, True]
    assert domain.distance(points)[1].item() == pytest.approx(0.3, abs=1e-9)
    around = sample(domain.boundaries["hole"], 50)
    assert (around.points.norm(dim=1) <= 0.4 + 1e-12).all()
    assert ((around.normals * around.points).sum(dim=1) < 0).all()  # into the hole
    assert len(domain.vertices()) == 4  # the circle has none
    inside = sample(domain.interior, 500).points
    assert domain.contains(inside).all() and torch.allclose(inside.mean(dim=0), torch.zeros(2).double(), atol=0.05)


def test_a_problem_on_it_with_conditions_by_name_and_time(file):
    domain = g.read_mesh(file)
    exact = lambda x, y: x**2 - y**2  # noqa: E731
    problem = g.Problem(
        domain,
        lambda u: g.laplacian(u),
        [
            g.Dirichlet(u=exact, on=domain.boundaries["rim"]),
            g.Condition(lambda u, x, y, normal: g.normal_derivative(u) - 2 * x * normal[:, 0] + 2 * y * normal[:, 1],
                        on=domain.boundaries["hole"]),
        ],
        exact=exact,
    )  # fmt: skip
    solution = g.solve(problem, g.Mixture(components=150, widths=1.0))
    assert solution.report.relative_l2 < 1e-5
    moving = domain * g.Time(t=(0, 1))
    kept = moving.adopt(domain.boundaries["hole"])
    assert kept is not None and len(kept.charts) == 1


def test_a_solid_of_tetrahedra_with_a_named_face(tmp_path):
    pytest.importorskip("trimesh")
    points = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    cells = np.array([[0, 1, 3, 7], [0, 1, 5, 7], [0, 2, 3, 7], [0, 2, 6, 7], [0, 4, 5, 7], [0, 4, 6, 7]])
    floor = np.array([[0, 2, 6], [0, 4, 6]])
    mesh = meshio.Mesh(
        points,
        [("triangle", floor), ("tetra", cells)],
        cell_sets={"floor": [np.array([0, 1]), np.array([], dtype=int)]},
    )
    domain = g.read_mesh(mesh)
    assert isinstance(domain, g.Mesh) and domain.volume == pytest.approx(1) and domain.area == pytest.approx(6)
    cloud = sample(domain.boundaries["floor"], 20)
    assert (cloud.points[:, 2].abs() < 1e-12).all() and torch.allclose(
        cloud.normals[:, 2], -torch.ones(len(cloud)).double()
    )
    assert domain.boundaries["floor"].measure == pytest.approx(1)
    assert sum(chart.measure for chart in domain.boundary_charts()) == pytest.approx(6)


def test_a_surface_from_stl(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    trimesh.creation.icosphere(subdivisions=2).export(tmp_path / "ball.stl")
    domain = g.read_mesh(tmp_path / "ball.stl")
    assert isinstance(domain, g.Mesh) and 3.8 < domain.volume < 4.2 and domain.boundaries == {}


BAD = {
    "no file": (lambda p: g.read_mesh(p / "none.msh"), "none"),
    "no mesh": (lambda p: g.read_mesh(p / "text.msh"), "a file that meshio reads"),
    "lines alone": (lambda p: g.read_mesh(meshio.Mesh([[0.0, 0.0], [1.0, 0.0]], [("line", [[0, 1]])])), "triangles"),
    "no area": (lambda p: g.PlanarMesh([[0, 0], [1, 0], [2, 0]], [[0, 1, 2]]), "an area"),
    "inner edges": (lambda p: g.PlanarMesh(SQUARE, [[0, 1, 2], [0, 2, 3]], {"a": [[0, 2]]}), "edges on the boundary"),
    "shapes": (lambda p: g.PlanarMesh(SQUARE, [[0, 1]]), r"triangles \[m, 3\]"),
}
SQUARE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case, tmp_path):
    (tmp_path / "text.msh").write_text("no mesh\n")
    make, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        make(tmp_path)


def test_without_meshio_the_extra_is_named(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "meshio", None)
    with pytest.raises(g.GmnmError, match=r"gmnm-pde\[mesh\]"):
        g.read_mesh(file)
