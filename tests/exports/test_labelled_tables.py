"""Labelled arrays, tables, and values on meshes: equal to the solution's own."""

import dataclasses
import sys
import warnings

import numpy as np
import pytest
import torch

import gmnm_pde as g


@pytest.fixture(scope="module")
def disk():
    problem = g.Problem(g.Disk((0, 0), 1.0), lambda u: g.laplacian(u) + 4, [g.Dirichlet(u=0)])
    return g.solve(problem, g.Mixture(components=100, widths=1.0))


def test_a_dataset_has_the_values_and_says_where_they_come_from(disk):
    xarray = pytest.importorskip("xarray")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = disk.to_xarray({"x": [0.2, 0.5, 1.0], "y": [0.0, 0.5]}, derivatives=["x"])
    assert isinstance(data, xarray.Dataset) and dict(data.sizes) == {"x": 3, "y": 2}
    assert np.isnan(data.u.sel(x=1.0, y=0.5)) and abs(data.u.sel(x=0.2, y=0.5) - 0.71) < 1e-3
    assert abs(data.u_x.sel(x=0.2, y=0.0) + 0.4) < 1e-3
    np.testing.assert_array_equal(data.u.sel(y=0.0).values, disk(data.x.values, 0.0))
    assert data.attrs["error_estimate"] == disk.report.error_estimate


def test_a_single_place_leaves_no_dimension(disk):
    pytest.importorskip("xarray")
    assert dict(disk.to_xarray({"y": 0.5, "x": 5}).sizes) == {"x": 5}
    assert dict(disk.to_xarray(7).sizes) == {"x": 7, "y": 7}


def test_a_table_has_a_row_for_each_point_inside(disk):
    pytest.importorskip("pandas")
    table = disk.to_dataframe(21)
    assert list(table.columns) == ["x", "y", "u"] and 250 < len(table) < 21**2
    assert (np.hypot(table.x, table.y) <= 1).all()
    np.testing.assert_array_equal(table.u, disk(table.x.to_numpy(), table.y.to_numpy()))


def test_deviations_are_columns_where_noise_was_stated(disk):
    pytest.importorskip("pandas")
    posterior = g.Posterior((), ("u",), {}, torch.zeros(0, 0), lambda points: points.norm(dim=1, keepdim=True))
    table = dataclasses.replace(disk, posterior=posterior).to_dataframe(5)
    np.testing.assert_allclose(table.u_deviation, np.hypot(table.x, table.y))


def test_a_mesh_gets_the_fields_at_its_points(disk, tmp_path):
    meshio = pytest.importorskip("meshio")
    points = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5], [2.0, 0.0]])
    mesh = meshio.Mesh(points, [("triangle", [[0, 1, 2], [1, 3, 2]])])
    found = disk.on_mesh(mesh, derivatives=["x"])
    np.testing.assert_allclose(found.point_data["u"][:3], [1, 0.75, 0.75], atol=1e-3)
    assert np.isnan(found.point_data["u"][3]) and "u" not in mesh.point_data
    mesh.write(tmp_path / "mesh.vtu")
    again = disk.on_mesh(tmp_path / "mesh.vtu")
    np.testing.assert_array_equal(again.point_data["u"], found.point_data["u"])
    again.write(tmp_path / "out.vtu")
    np.testing.assert_array_equal(meshio.read(tmp_path / "out.vtu").point_data["u"], found.point_data["u"])


def test_a_mesh_of_pyvista_too(disk):
    pyvista = pytest.importorskip("pyvista")
    found = disk.on_mesh(pyvista.Disc(inner=0.1, outer=0.9))
    np.testing.assert_allclose(found["u"], 1 - (np.asarray(found.points) ** 2).sum(axis=1), atol=1e-3)


def test_time_is_given_by_name():
    meshio = pytest.importorskip("meshio")
    problem = g.Problem(
        g.Interval(x=(0, 1)) * g.Time(t=(0, 1)), lambda u, x, t: g.diff(u, t) + u, [g.Initial(u=lambda x: x)]
    )
    decay = g.solve(problem, g.Mixture(components=60, widths=0.5))
    mesh = meshio.Mesh([[0.5, 0.0, 0.0], [1.0, 0.0, 0.0]], [("line", [[0, 1]])])
    np.testing.assert_allclose(decay.on_mesh(mesh, t=1.0).point_data["u"], np.array([0.5, 1]) / np.e, atol=1e-3)
    with pytest.raises(g.GmnmError, match=r"t=\.\.\."):
        decay.on_mesh(mesh)


BAD = {
    "no coordinate": (lambda s: s.to_xarray({"z": 3}), "coordinates"),
    "no places": (lambda s: s.to_dataframe({"x": "a"}), "places"),
    "no points": (lambda s: s.to_dataframe(0), "positive number"),
    "no grid": (lambda s: s.to_xarray("x"), "a number of points"),
    "no mesh": (lambda s: s.on_mesh(3.0), "a meshio.Mesh"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case, disk):
    pytest.importorskip("xarray")
    export, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        export(disk)


@pytest.mark.parametrize("package", ["xarray", "pandas"])
def test_a_missing_package_is_named_with_the_extra(package, disk, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    export = disk.to_xarray if package == "xarray" else disk.to_dataframe
    with pytest.raises(g.GmnmError, match=rf"package {package}.*gmnm-pde\[tables\]"):
        export()
