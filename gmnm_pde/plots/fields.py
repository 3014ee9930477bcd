"""Figures of a solution: each field, its error where the exact field is known, and the residual."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from gmnm_pde.plots.grid import Grid
from gmnm_pde.plots.style import ERROR, RESIDUAL, panels, styled


@styled
def plot_solution(
    solution: Any, *, at: Mapping[str, float] | None = None, labels: Mapping[str, str] | None = None
) -> Figure:
    """Fields in the first column, errors and residuals beside them.

    Args:
        solution: What ``solve`` returned.
        at: Values of the coordinates that are not drawn, by name; in more than two dimensions the others are cut where
            fields are to be seen, by default.
        labels: Names of coordinates and fields as the figure shows them: ``{"u": "temperature [K]", "x": "x [m]"}``.
    """
    grid = Grid(solution, at or {}, labels)
    problem = solution.problem
    errors = grid.errors() if problem is not None and problem.exact is not None else {}
    residuals = grid.residuals() if problem is not None else {}
    fields = grid.fields()
    columns = 1 + bool(errors) + bool(residuals)
    names = list(fields)
    width, height = grid.panel
    figure, axes = panels(max(len(names), len(residuals)), columns, width=width, height=height)
    for row in axes:
        for panel in row:
            panel.set_visible(False)
    for row, name in enumerate(names):
        grid.draw(axes[row][0], fields[name], grid.name(name) + grid.cut)
        if errors:
            relative = solution.report.relative_l2
            size = relative[name] if isinstance(relative, dict) else relative
            grid.draw_size(axes[row][1], errors[name], f"|error of {name}|, relative L2 {size:.1e}", ERROR)
    for row, (name, values) in enumerate(residuals.items()):
        grid.draw_size(axes[row][columns - 1], values, f"|residual '{name}'|", RESIDUAL)
    return figure
