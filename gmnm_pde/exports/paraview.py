"""A solution as files for ParaView."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.exports.cells import Cells, cut_into_cells, lines_of
from gmnm_pde.exports.spaces import Slice, times_of
from gmnm_pde.exports.values import Derivatives, columns_at
from gmnm_pde.exports.vtk_files import cells_file, image_file, series_file
from gmnm_pde.geometry import Box, Domain
from gmnm_pde.io.places import called, replace_whole, writable

_RESOLUTION = {1: 401, 2: 121, 3: 41}
"""Points along the longest side, by the number of coordinates of space."""

_TIMES = 41
"""Times of a series, where none are given."""

_KINDS = (".vti", ".vtu", ".pvd")


def write_vtk(
    solution: Any,
    path: str | Path,
    *,
    resolution: int | None = None,
    times: int | Sequence[float] | None = None,
    at: Mapping[str, float] | None = None,
    derivatives: Derivatives = (),
    vectors: Mapping[str, Sequence[str]] | None = None,
    residuals: bool = False,
    surface: bool = False,
) -> Path:
    """See ``Solution.to_vtk``."""
    call = called("solution.to_vtk(...)", path)
    timed = [name for name in solution.time if name not in (at or {})]
    part = _space(solution.domain, {**(at or {}), **dict.fromkeys(timed, 0.0)}, call)
    if resolution is None:
        resolution = _RESOLUTION.get(len(part.names), 41)
    if not isinstance(resolution, int) or resolution < 2:
        expected = "one whole number, of points along the longest side, at least 2"
        raise refuse(f"{call}: resolution={resolution!r}", expected=expected, got=resolution)
    moments = times_of(solution, times, call, _TIMES) if timed else [None]
    if times is not None and not timed:
        raise refuse(f"{call}: times", expected="a solution with time", got="one without")
    target, series, kind = _read_path(path, part, surface, series=len(moments) > 1, call=call)
    drawn = _shape(part, resolution, kind, surface=surface, call=call)
    names = []
    for number, moment in enumerate(moments):
        places = drawn.points if isinstance(drawn, Cells) else _grid(drawn)
        points = part.points(places, **({} if moment is None else dict.fromkeys(timed, moment)))
        values = columns_at(solution, points, derivatives, call, residuals=residuals)
        data = _with_vectors(values, vectors or {}, call)
        facts = {"error_estimate": np.array([solution.report.error_estimate])}
        facts |= {} if moment is None else {"TimeValue": np.array([moment])}
        if isinstance(drawn, Cells):
            content = cells_file(drawn.points, drawn.cells, data, facts)
        else:
            content = image_file(drawn, data, facts)
        file = target.with_name(f"{target.stem}_{number:04d}{kind}") if series else target
        replace_whole(file, content, call)
        names.append(file.name)
    if series:
        replace_whole(target, series_file([0.0 if m is None else m for m in moments], names), call)
    return target


def check_vtk(domain: Domain, path: str | Path, call: str) -> None:
    """Refuse a file that cannot be written of a solution on a domain, before there is one.

    Raises:
        GmnmError: as ``write_vtk`` with nothing else chosen.
    """
    part = _space(domain, dict.fromkeys(domain.time, 0.0), call)
    _read_path(path, part, False, series=bool(domain.time), call=call)


def _space(domain: Domain, fixed: Mapping[str, float], call: str) -> Slice:
    """The space that is drawn, of one to three coordinates."""
    part = Slice(domain, fixed, call)
    if part.domain is None:
        remedy = "Use solution.to_dataframe() or solution.to_xarray()."
        raise refuse(call, expected="a solution with coordinates of space", got="time alone", remedy=remedy)
    if part.domain.dimension > 3:
        remedy = "Hold some fixed: at={...}."
        raise refuse(call, expected="up to three coordinates of space", got=", ".join(part.names), remedy=remedy)
    return part


def _read_path(path: Any, part: Slice, surface: bool, *, series: bool, call: str) -> tuple[Path, bool, str]:
    """The file that is written, whether it lists others, and the ending of those with values."""
    box = isinstance(part.domain, Box) and not surface
    own = ".vti" if box else ".vtu"
    given = Path(path).suffix if isinstance(path, str | Path) else ""
    if given not in ("", *_KINDS):
        remedy = nearest(given, _KINDS)
        raise refuse(call, expected="a file .vti, .vtu or .pvd, or a name without ending", got=given, remedy=remedy)
    wanted = given or (".pvd" if series else own)
    if wanted == ".vti" and not box:
        remedy = "Name a .vtu file, which has cells of any shape."
        raise refuse(call, expected="a box, which .vti files are for", got=str(part.domain), remedy=remedy)
    if series and wanted != ".pvd":
        remedy = "Name a .pvd file, or say when: times=[0.5]."
        raise refuse(call, expected="a .pvd file for several times", got=given, remedy=remedy)
    target = writable(Path(path).with_suffix(wanted) if isinstance(path, str | Path) else path, call)
    return target, wanted == ".pvd", own if wanted == ".pvd" else wanted


def _shape(part: Slice, resolution: int, kind: str, *, surface: bool, call: str) -> Cells | list[np.ndarray]:
    """Cells, or the lines of a grid."""
    domain = part.domain
    assert domain is not None
    if kind == ".vti":
        return lines_of(domain, resolution)
    cells = cut_into_cells(domain, resolution, call)
    if surface and domain.dimension == 1:
        raise refuse(f"{call}: surface=True", expected="two or three coordinates of space", got="one")
    return cells.surface if surface else cells


def _grid(lines: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([axis.ravel() for axis in np.meshgrid(*lines, indexing="ij")], axis=1)


def _with_vectors(
    values: Mapping[str, np.ndarray], vectors: Mapping[str, Sequence[str]], call: str
) -> dict[str, np.ndarray]:
    """The columns, and those that are put together as vectors of three components."""
    found = {name: column.astype(float) for name, column in values.items()}
    for name, components in vectors.items():
        unknown = [one for one in components if one not in values]
        if unknown or not 1 <= len(components) <= 3:
            got = f"{unknown[0]!r}" if unknown else f"{len(components)} names"
            known = ", ".join(values)
            raise refuse(f"{call}: vectors", expected=f"up to three of {known} for each", got=got)
        stacked = np.zeros((len(values[components[0]]), 3))
        for k, one in enumerate(components):
            stacked[:, k] = values[one]
        found[name] = stacked
    return found
