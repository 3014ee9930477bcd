"""Files for ParaView, opened again by pyvista and meshio: values equal."""

import numpy as np
import pytest
import torch

import gmnm_pde as g

pyvista = pytest.importorskip("pyvista")
meshio = pytest.importorskip("meshio")


@pytest.fixture(scope="module")
def warm():
    """A solution in one dimension of space and time."""
    problem = g.Problem(
        g.Interval(x=(0, 1)) * g.Time(t=(0, 0.1)),
        lambda u, x, t: g.diff(u, t) - g.diff(u, x, x),
        [g.Initial(u=lambda x: torch.sin(torch.pi * x)), g.Dirichlet(u=0)],
    )
    return g.solve(problem, tol=1e-4)


@pytest.fixture(scope="module")
def holed():
    """A system of two fields on a square with a hole."""
    shape = g.Rectangle(x=(0, 1), y=(0, 1)) - g.Disk((0.5, 0.5), 0.2)
    problem = g.Problem(
        shape,
        {"u": lambda u, v: g.laplacian(u) - v, "v": lambda v: g.laplacian(v)},
        [g.Dirichlet(u=lambda x: x**3 / 6, v=lambda x: x)],
    )
    return g.solve(problem, g.Mixture(components=150, widths=1.0))


def test_a_box_is_a_grid_with_derivatives_and_the_estimate(solved, tmp_path):
    path = solved.to_vtk(tmp_path / "u", resolution=21, derivatives=["x", ("x", "y")], residuals=True)
    assert path.suffix == ".vti"
    read = pyvista.read(path)
    x, y, _ = read.points.T
    np.testing.assert_allclose(read["u"], solved(x, y), rtol=0, atol=1e-14)
    slope = g.diff(solved.jet(x, y), "x", "y").tensor.detach().numpy()
    np.testing.assert_allclose(read["u_xy"], slope, rtol=0, atol=1e-10)
    assert read.field_data["error_estimate"][0] == solved.report.error_estimate
    assert {"u", "u_x", "u_xy", "residual_equation"} == set(read.point_data)
    assert read.dimensions == (21, 21, 1)


def test_another_shape_is_triangles_within_it(holed, tmp_path):
    path = holed.to_vtk(tmp_path / "holed", resolution=31, vectors={"both": ("u", "v")})
    read, other = pyvista.read(path), meshio.read(path)
    x, y, _ = read.points.T
    values = holed(x, y, outside="extrapolate")
    for name in ("u", "v"):
        np.testing.assert_allclose(read[name], values[name], rtol=0, atol=1e-14)
        np.testing.assert_array_equal(other.point_data[name], read[name])
    np.testing.assert_array_equal(read["both"], np.stack([values["u"], values["v"], 0 * x], axis=1))
    assert abs(read.area - (1 - np.pi * 0.04)) < 2e-3
    edge = pyvista.read(holed.to_vtk(tmp_path / "edge", resolution=31, surface=True))
    lengths = edge.compute_cell_sizes(length=True)["Length"].sum()
    assert abs(lengths - (4 + 2 * np.pi * 0.2)) < 0.02


def test_time_is_a_series(warm, tmp_path):
    path = warm.to_vtk(tmp_path / "warm.pvd", times=[0.0, 0.05, 0.1], resolution=11)
    reader = pyvista.PVDReader(path)
    assert reader.time_values == [0.0, 0.05, 0.1]
    reader.set_active_time_value(0.05)
    block = reader.read()[0]
    np.testing.assert_allclose(block["u"], warm(block.points[:, 0], 0.05), atol=1e-14)
    single = warm.to_vtk(tmp_path / "end", times=[0.1])
    assert single.suffix == ".vti" and pyvista.read(single).field_data["TimeValue"][0] == 0.1
    plane = warm.to_vtk(tmp_path / "cells.vtu", times=[0.1])
    assert len(meshio.read(plane).points) == 401


def test_a_solid_is_tetrahedra_and_its_surface_triangles(tmp_path):
    problem = g.Problem(g.Ball((0, 0, 0), 1.0), lambda u: g.laplacian(u) + 6, [g.Dirichlet(u=0)])
    ball = g.solve(problem, g.Mixture(components=200, widths=1.0))
    read = pyvista.read(ball.to_vtk(tmp_path / "ball", resolution=13))
    assert abs(read.volume - 4 / 3 * np.pi) < 0.1
    np.testing.assert_allclose(read["u"], 1 - (read.points**2).sum(axis=1), atol=1e-2)
    skin = pyvista.read(ball.to_vtk(tmp_path / "skin.vtu", resolution=13, surface=True))
    assert abs(skin.area - 4 * np.pi) < 0.3 and np.abs(skin["u"]).max() < 1e-2


BAD = {
    "another ending": (lambda s, p: s.to_vtk(p / "u.stl"), "a file .vti"),
    "no coordinate": (lambda s, p: s.to_vtk(p / "u", derivatives=["z"]), "coordinates"),
    "a word": (lambda s, p: s.to_vtk(p / "u", derivatives="x"), r"derivatives=\[\"x\"\]"),
    "times without time": (lambda s, p: s.to_vtk(p / "u", times=[0.1]), "with time"),
    "no folder": (lambda s, p: s.to_vtk(p / "none" / "u"), "folder"),
    "one point": (lambda s, p: s.to_vtk(p / "u", resolution=1), "at least 2"),
    "a vector of nothing": (lambda s, p: s.to_vtk(p / "u", vectors={"a": ("w",)}), "vectors"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_written(case, solved, tmp_path):
    write, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        write(solved, tmp_path)
    assert not list(tmp_path.iterdir())
