"""Figures of a solution: each field, its error where the exact field is known, and the residual."""

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from gmnm_pde._errors import refuse
from gmnm_pde.plots.style import ERROR, FIELD, INK, RESIDUAL, label, panels, styled

_SIDE = 121
"""Points along each side of a panel; a curve has four times as many."""

_SIGNED = 0.02
"""A field counts as changing sign where both signs reach this part of its largest size."""


@styled
def plot_solution(solution: Any, *, at: dict[str, float] | None = None) -> Figure:
    """Fields in the first column, errors and residuals beside them.

    Args:
        solution: What ``solve`` returned.
        at: Values of the coordinates that are not drawn, by name; in more than two dimensions the others are cut at the
            middle of their interval by default.
    """
    grid = Grid(solution, at or {})
    problem = solution.problem
    errors = grid.errors() if problem is not None and problem.exact is not None else {}
    residuals = grid.residuals() if problem is not None else {}
    fields = grid.fields()
    columns = 1 + bool(errors) + bool(residuals)
    names = list(fields)
    rows = max(len(names), len(residuals))
    figure, axes = panels(rows, columns, height=grid.panel_height)
    for row in range(rows):
        for column in range(columns):
            axes[row][column].set_visible(False)
    for row, name in enumerate(names):
        grid.draw(axes[row][0], fields[name], name + grid.cut, FIELD)
        if errors:
            relative = solution.report.relative_l2
            size = relative[name] if isinstance(relative, dict) else relative
            grid.draw_size(axes[row][1], errors[name], f"|error of {name}|, relative L2 {size:.1e}", ERROR)
    for row, (name, values) in enumerate(residuals.items()):
        grid.draw_size(axes[row][columns - 1], values, f"|residual '{name}'|", RESIDUAL)
    return figure


class Grid:
    """Points on the one or two coordinates that are drawn, and values there."""

    def __init__(self, solution: Any, at: dict[str, float]):
        self.solution = solution
        unknown = [name for name in at if name not in solution.coordinates]
        if unknown:
            raise refuse(
                "solution.plot(at=...)", expected=f"coordinates {', '.join(solution.coordinates)}", got=unknown
            )
        self.drawn = [name for name in solution.coordinates if name not in at][:2]
        bounds = dict(zip(solution.coordinates, solution.bounds, strict=True))
        fixed = {name: at.get(name, sum(ends) / 2) for name, ends in bounds.items() if name not in self.drawn}
        self.cut = "".join(f", {name} = {value:g}" for name, value in fixed.items())
        side = _SIDE if len(self.drawn) == 2 else 4 * _SIDE
        self.lines = [np.linspace(bounds[name][0], bounds[name][1], side) for name in self.drawn]
        mesh = np.meshgrid(*self.lines, indexing="xy")
        self.shape = mesh[0].shape
        flat = {name: values.ravel() for name, values in zip(self.drawn, mesh, strict=True)}
        columns = [flat.get(name, np.full(mesh[0].size, fixed.get(name))) for name in solution.coordinates]
        self.points = torch.tensor(np.stack(columns, axis=1))
        problem = solution.problem
        inside = problem.domain.contains(self.points) if problem is not None else torch.ones(len(self.points))
        self.inside = inside.bool().numpy()

    @property
    def equal(self) -> bool:
        """Whether both axes are drawn on one scale: for space alone, unless it is long and thin."""
        spans = [line[-1] - line[0] for line in self.lines]
        return len(spans) == 2 and not self.solution.time and max(spans) < 3 * min(spans)

    @property
    def panel_height(self) -> float:
        """The height of a panel in inches, which follows the domain's shape where the scale is one."""
        if not self.equal:
            return 2.7
        width, height = (line[-1] - line[0] for line in self.lines)
        return 0.6 + 2.1 * height / width

    def fields(self) -> dict[str, np.ndarray]:
        """Every field at the points."""
        values = self.solution(*self.points.unbind(-1), outside="extrapolate")
        named = values if isinstance(values, dict) else {self.solution.fields[0]: values}
        return {name: column.cpu().numpy() for name, column in named.items()}

    def errors(self) -> dict[str, np.ndarray]:
        """The sizes of the errors of every field at the points."""
        exact, _ = self.solution.problem.exact_columns(self.points.unbind(-1))
        fields = self.fields()
        return {name: np.abs(fields[name] - column.detach().numpy()) for name, column in exact.items()}

    def residuals(self) -> dict[str, np.ndarray]:
        """The sizes of the equations' residuals at the points."""
        residuals = self.solution.residuals(self.points)
        return {name: np.abs(values.cpu().numpy()) for name, values in residuals.items()}

    def draw(self, axes: Axes, values: np.ndarray, title: str, colours: str) -> None:
        """A signed quantity, on a scale symmetric about zero where it changes sign."""
        axes.set_visible(True)
        if len(self.drawn) == 1:
            axes.plot(self.lines[0], values, color=INK[0], lw=1.4)
        else:
            values = np.where(self.inside, values, np.nan)
            top = np.nanmax(np.abs(values)) or 1.0
            signed = np.nanmin(values) < -_SIGNED * top and np.nanmax(values) > _SIGNED * top
            limits = {"vmin": -top, "vmax": top} if signed else {}
            self._mesh(axes, values, cmap=colours, **limits)
        label(axes, self.drawn, title)

    def draw_size(self, axes: Axes, values: np.ndarray, title: str, colours: str) -> None:
        """A size, on a logarithmic scale over its upper four decades."""
        axes.set_visible(True)
        values = np.where(self.inside, values, np.nan)
        top = np.nanmax(values)
        if len(self.drawn) == 1:
            axes.semilogy(self.lines[0], np.maximum(values, 1e-300), color=INK[1], lw=0.9)
            axes.set_ylim(max(top, 1e-300) * 1e-5, max(top, 1e-300) * 3)
        elif top > 0:
            self._mesh(axes, np.maximum(values, top * 1e-4), cmap=colours, norm=LogNorm(top * 1e-4, top))
        else:
            self._mesh(axes, values, cmap=colours)
        label(axes, self.drawn, title)

    def _mesh(self, axes: Axes, values: np.ndarray, **options: Any) -> None:
        """Draw values in the plane as colours, with a bar that tells them."""
        drawn = axes.pcolormesh(*self.lines, values.reshape(self.shape), shading="gouraud", rasterized=True, **options)
        figure = axes.get_figure()
        assert figure is not None
        figure.colorbar(drawn, ax=axes, pad=0.02)
        if self.equal:
            axes.set_aspect("equal")
