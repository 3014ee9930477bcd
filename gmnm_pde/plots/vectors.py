"""Streamlines of two fields, and surfaces in space on which a field has one value."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.geometry.marching import zero_pieces
from gmnm_pde.plots.grid import Grid, check_places, fields_at, read_labels
from gmnm_pde.plots.picture import Picture
from gmnm_pde.plots.style import ONE_SIGNED, panels, styled

_LEVELS = (0.25, 0.5, 0.75)
"""Where surfaces lie by default, between the least and the greatest value."""

_CELLS = 36
"""Cells along each side in which surfaces are looked for."""

_LIGHT = np.array([0.35, -0.5, 0.8])
"""Where surfaces are lit from."""


@styled
def plot_streamlines(
    solution: Any,
    across: str,
    up: str,
    *,
    at: Mapping[str, float] | None = None,
    labels: Mapping[str, str] | None = None,
    density: float = 1.2,
) -> Figure:
    """Streamlines of the vector of two fields over its size.

    Args:
        solution: A solution of at least two coordinates.
        across: The field that is the component along the first coordinate.
        up: That along the second.
        at: Values of the other coordinates.
        labels: Names as the figure shows them.
        density: How close the lines are.
    """
    call = "solution.plot_streamlines"
    for name in (across, up):
        _known(solution, name, call)
    grid = Grid(solution, at or {}, labels, call)
    if len(grid.drawn) < 2 or set(grid.drawn) & set(solution.time):
        remedy = "Hold the others fixed: at={'t': 0.5}."
        raise refuse(call, expected="two coordinates of space", got=", ".join(grid.drawn), remedy=remedy)
    fields = grid.fields()
    u, v = fields[across], fields[up]
    width, height = grid.panel
    figure, ((axes,),) = panels(1, 1, width=1.35 * width, height=1.35 * height)
    title = f"size and lines of ({grid.name(across)}, {grid.name(up)}){grid.cut}"
    grid.draw(axes, np.hypot(u, v), title)
    where = ~grid.inside.reshape(grid.shape)
    parts = [np.ma.array(part.reshape(grid.shape), mask=where) for part in (u, v)]
    axes.streamplot(*grid.lines, *parts, color="white", density=density, linewidth=0.8, arrowsize=0.8)
    for axis, line in zip(("x", "y"), grid.lines, strict=True):
        getattr(axes, f"set_{axis}lim")(line[0], line[-1])
    return figure


@styled
def plot_isosurfaces(
    solution: Any,
    field: str | None = None,
    levels: Sequence[float] | None = None,
    *,
    at: Mapping[str, float] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Surfaces on which a field has one value, in three coordinates.

    Args:
        solution: A solution of at least three coordinates.
        field: Which field; the first by default.
        levels: The values; by default three between the least and the greatest.
        at: Values of the other coordinates.
        labels: Names as the figure shows them.
    """
    call = "solution.plot_isosurfaces"
    names = read_labels(solution, labels, call)
    shown: str = solution.fields[0] if field is None else field
    _known(solution, shown, call)
    fixed = dict(at or {})
    check_places(solution, fixed, call)
    drawn = [name for name in solution.coordinates if name not in fixed]
    if len(drawn) != 3:
        remedy = "Hold the others fixed: at={'t': 0.5}." if len(drawn) > 3 else "Use solution.plot()."
        raise refuse(call, expected="three coordinates", got=", ".join(drawn) or "none", remedy=remedy)
    bounds = torch.tensor([b for n, b in zip(solution.coordinates, solution.bounds, strict=True) if n in drawn])

    def points(places: torch.Tensor) -> torch.Tensor:
        columns = dict(zip(drawn, places.unbind(1), strict=True))
        held = [columns[n] if n in columns else torch.full_like(places[:, 0], fixed[n]) for n in solution.coordinates]
        return torch.stack(held, dim=1)

    grid = points(
        torch.cartesian_prod(*[torch.linspace(b[0], b[1], _CELLS + 1, dtype=torch.float64) for b in bounds.tolist()])
    )
    inside = solution.domain.contains(grid).numpy()
    values = fields_at(solution, grid)[shown]
    low, high = float(values[inside].min()), float(values[inside].max())
    chosen = [low + part * (high - low) for part in _LEVELS] if levels is None else [float(v) for v in levels]
    norm = Normalize(low, high)
    figure = Picture(figsize=(4.6, 4.0), layout="constrained")
    axes: Any = figure.add_subplot(projection="3d")
    for number, level in enumerate(chosen):
        pieces = zero_pieces(
            lambda at, c=level: torch.as_tensor(fields_at(solution, points(at))[shown] - c), bounds, _CELLS
        )
        pieces = pieces[solution.domain.contains(points(pieces.mean(dim=1)))]
        shade = colormaps[ONE_SIGNED](norm(level))
        if len(pieces):
            _draw_surface(axes, pieces.numpy(), shade, 0.25 + 0.6 * (number + 1) / len(chosen))
    for axis, name, (a, b) in zip("xyz", drawn, bounds.tolist(), strict=True):
        getattr(axes, f"set_{axis}lim")(a, b)
        getattr(axes, f"set_{axis}label")(names.get(name, name))
        getattr(axes, f"{axis}axis").set_major_locator(MaxNLocator(4))
    axes.set_box_aspect((bounds[:, 1] - bounds[:, 0]).tolist())
    cut = "".join(f", {name} = {value:.4g}" for name, value in fixed.items())
    axes.set_title(f"{names.get(shown, shown)} = {', '.join(f'{level:.3g}' for level in chosen)}{cut}")
    return figure


def _draw_surface(axes: Any, pieces: np.ndarray, shade: tuple[float, ...], opacity: float) -> None:
    """Triangles of one colour, lit from one side."""
    across = np.cross(pieces[:, 1] - pieces[:, 0], pieces[:, 2] - pieces[:, 0])
    size = np.linalg.norm(across, axis=1)
    pieces, across, size = pieces[size > 0], across[size > 0], size[size > 0]
    light = 0.55 + 0.45 * np.abs(across @ (_LIGHT / np.linalg.norm(_LIGHT))) / size
    colours = np.column_stack([np.clip(light[:, None] * np.array(shade[:3]), 0, 1), np.full(len(light), opacity)])
    axes.add_collection3d(Poly3DCollection(pieces, facecolors=colours, edgecolors="none"))


def _known(solution: Any, field: str, call: str) -> None:
    if field not in solution.fields:
        raise refuse(call, expected="fields", got=repr(field), remedy=nearest(str(field), solution.fields))
