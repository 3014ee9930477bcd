"""A solution as labelled arrays, as a table, and on the points of a mesh."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from gmnm_pde._errors import nearest, refuse
from gmnm_pde._extras import extra
from gmnm_pde.exports.spaces import Slice
from gmnm_pde.exports.values import Derivatives, columns_at, inside

Grid = int | Mapping[str, Any] | None
"""Points along every coordinate, or by name a number of them, one place or several."""

_POINTS = {1: 401, 2: 101, 3: 31, 4: 13}
"""Points along each coordinate, by how many there are, where none are asked for."""


def to_xarray(solution: Any, grid: Grid = None, *, derivatives: Derivatives = ()) -> Any:
    """See ``Solution.to_xarray``."""
    call = "solution.to_xarray(...)"
    xarray = extra("xarray", call, "tables")
    lines, columns, within = _on_grid(solution, grid, derivatives, call)
    shape = tuple(len(line) for line in lines.values())
    arrays = {name: (tuple(lines), np.where(within, values, np.nan).reshape(shape)) for name, values in columns.items()}
    single = [name for name, given in (grid.items() if isinstance(grid, Mapping) else ()) if np.ndim(given) == 0]
    found = xarray.Dataset(arrays, coords=lines, attrs=_facts(solution))
    return found.squeeze([name for name in single if not _is_count(grid, name)])


def to_dataframe(solution: Any, grid: Grid = None, *, derivatives: Derivatives = ()) -> Any:
    """See ``Solution.to_dataframe``."""
    call = "solution.to_dataframe(...)"
    pandas = extra("pandas", call, "tables")
    lines, columns, within = _on_grid(solution, grid, derivatives, call)
    places = np.meshgrid(*lines.values(), indexing="ij")
    coordinates = dict(zip(lines, (axis.ravel() for axis in places), strict=True))
    table = pandas.DataFrame({name: column[within] for name, column in {**coordinates, **columns}.items()})
    table.attrs = _facts(solution)
    return table


def on_mesh(solution: Any, mesh: Any, *, derivatives: Derivatives = (), **fixed: float) -> Any:
    """See ``Solution.on_mesh``."""
    call = "solution.on_mesh(...)"
    if isinstance(mesh, str) or hasattr(mesh, "__fspath__"):
        mesh = extra("meshio", call, "mesh").read(mesh)
    if not hasattr(mesh, "points") or not hasattr(mesh, "point_data"):
        expected = "a meshio.Mesh, a mesh of pyvista, or a file"
        raise refuse(call, expected=expected, got=type(mesh).__name__)
    part = Slice(solution.domain, fixed, call)
    missing = [name for name in solution.time if name not in fixed]
    if missing:
        raise refuse(call, expected=f"the time at which, {missing[0]}=...", got="none")
    corners, wanted = np.asarray(mesh.points, dtype=float), len(part.names)
    if corners.shape[1] < wanted:
        expected = f"points of the coordinates {', '.join(part.names)}"
        raise refuse(call, expected=expected, got=f"points of {corners.shape[1]} numbers")
    points = part.points(corners[:, :wanted])
    flat = not np.any(np.ptp(corners[:, wanted:], axis=0) > 0) if corners.shape[1] > wanted else True
    if not flat:
        remedy = "Give the others by name: solution.on_mesh(mesh, t=0.5)."
        got = f"a mesh that is not flat, and coordinates {', '.join(part.names)}"
        raise refuse(call, expected="a mesh in the solution's coordinates", got=got, remedy=remedy)
    columns, within = columns_at(solution, points, derivatives, call), inside(solution, points)
    found = mesh.copy()
    for name, values in columns.items():
        found.point_data[name] = np.where(within, values, np.nan)
    return found


def _on_grid(
    solution: Any, grid: Grid, derivatives: Derivatives, call: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
    """The places along each coordinate, the columns at all of their combinations, and which of these are inside."""
    lines = _lines(solution, grid, call)
    places = np.meshgrid(*lines.values(), indexing="ij")
    points = torch.as_tensor(np.stack([axis.ravel() for axis in places], axis=1), dtype=torch.float64)
    return lines, columns_at(solution, points, derivatives, call), inside(solution, points)


def _lines(solution: Any, grid: Grid, call: str) -> dict[str, np.ndarray]:
    names = solution.coordinates
    if grid is None:
        grid = _POINTS.get(len(names), 7)
    if isinstance(grid, int) and not isinstance(grid, bool):
        grid = dict.fromkeys(names, grid)
    if not isinstance(grid, Mapping):
        expected = "a number of points along each coordinate, or a dict of places by name"
        raise refuse(call, expected=expected, got=repr(grid))
    for name in grid:
        if name not in names:
            raise refuse(call, expected="coordinates", got=repr(name), remedy=nearest(str(name), names))
    lines = {}
    for name, (low, high) in zip(names, solution.bounds, strict=True):
        given = grid.get(name, _POINTS.get(len(names), 7))
        if isinstance(given, int) and not isinstance(given, bool):
            if given < 1:
                raise refuse(call, expected="a positive number of points", got=f"{name}={given}")
            lines[name] = np.linspace(low, high, given)
        else:
            try:
                lines[name] = np.atleast_1d(np.asarray(given, dtype=float)).ravel()
            except (TypeError, ValueError):
                raise refuse(call, expected="places, numbers", got=f"{name}={given!r}") from None
    return lines


def _is_count(grid: Grid, name: str) -> bool:
    """Whether what is given for a coordinate is a number of points, not a place."""
    return isinstance(grid, Mapping) and isinstance(grid[name], int)


def _facts(solution: Any) -> dict[str, Any]:
    """What a file is to say of where it comes from; plain values."""
    report = solution.report
    names = ("problem", "method", "model", "error_estimate", "residual", "boundary", "status")
    found = {name: getattr(report, name) for name in names}
    return {**found, **{f"parameter_{name}": value for name, value in report.found.items()}}
