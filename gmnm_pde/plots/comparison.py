"""Learning curves of several models, one colour a model with a band over the seeds: the paper's Figure 3."""

import itertools
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gmnm_pde._errors import refuse
from gmnm_pde.plots.style import INK, MODEL_INK, logarithmic, panels, styled

_AXES = {"step": "steps", "seconds": "seconds"}
"""Columns of a history that curves may run over, with the labels of the axis."""

_PANELS = {
    "error": "total L2 error (MSE)",
    "boundary": "boundary MSE",
    "residual": "residual MSE",
}
"""The panels, with their titles."""

_RELATIVE = "relative L2 error, largest of the fields"
"""The title of the panel of errors where there are several fields."""


@styled
def plot_comparison(comparison: Any, *, over: str = "step") -> Figure:
    """Mean squares of the error, the conditions and the equations over the course of the runs.

    The line is the geometric mean over the seeds, the band reaches from the least to the greatest; a run that ended
    keeps its last value. A model with a single state, such as one linear solve, is a mark. Panels in which nothing is
    above zero are left out.

    Args:
        comparison: What ``compare`` returned.
        over: ``"step"`` or ``"seconds"``.
    """
    if over not in _AXES:
        raise refuse(f"comparison.plot(over={over!r})", expected="'step' or 'seconds'", got=repr(over))
    single = len(comparison.solutions[0].fields) == 1
    curves = {
        (name, panel): [_curve(run, panel, over) for run in comparison.runs(name)]
        for name in comparison.names
        for panel in _PANELS
    }
    shown = [p for p in _PANELS if any(len(x) for name in comparison.names for x, _ in curves[name, p])]
    figure, ((*axes,),) = panels(1, max(1, len(shown)), width=3.1, height=2.9)
    for letter, ax, panel in zip("abc", axes, shown, strict=False):
        for name, colour in zip(comparison.names, colours(comparison.names), strict=True):
            draw_curves(ax, curves[name, panel], name, colour)
        logarithmic(ax)
        ax.set_xlabel(_AXES[over])
        title = _RELATIVE if panel == "error" and not single else _PANELS[panel]
        ax.set_title(f"({letter}) {title}", loc="left")
    if shown:
        axes[0].legend()
    return figure


def colours(names: Any) -> list[str]:
    """A colour for each model: those of the paper by name, others in order."""
    own = {MODEL_INK.get(name.lower()) for name in names}
    spare = itertools.cycle([ink for ink in INK if ink not in own])
    taken: dict[str, str] = {}
    for name in names:
        colour = MODEL_INK.get(name.lower())
        taken[name] = colour if colour is not None and colour not in taken.values() else next(spare)
    return list(taken.values())


def _curve(run: Any, panel: str, over: str) -> tuple[np.ndarray, np.ndarray]:
    """Positive abscissas and positive values of one run."""
    history, report = run.history, run.report
    x = np.array(history[over], dtype=float)
    if panel != "error":
        y = np.array(history[panel]) ** 2
    else:
        y = np.array(history["relative_l2"])
        if isinstance(report.mse, float) and report.relative_l2:
            y = y**2 * (report.mse / report.relative_l2**2)  # the mean square of the exact solution
    kept = np.isfinite(y) & (y > 0) & (x > 0)
    return x[kept], y[kept]


def draw_curves(axes: Axes, curves: list[tuple[np.ndarray, np.ndarray]], name: str, colour: str) -> None:
    """The runs of one model, each (x, y): their geometric mean, and a band from the least to the greatest."""
    curves = [(x, y) for x, y in curves if len(x)]
    if not curves:
        return
    grid = np.unique(np.concatenate([x for x, _ in curves]))
    grid = grid[grid >= max(x[0] for x, _ in curves)]
    logs = np.stack([np.interp(np.log(grid), np.log(x), np.log(y)) for x, y in curves])
    middle = np.exp(logs.mean(axis=0))
    if len(grid) == 1:
        axes.plot(grid, middle, "o", ms=4.5, color=colour, label=name)
        axes.vlines(grid, np.exp(logs.min(axis=0)), np.exp(logs.max(axis=0)), color=colour, lw=1.0)
        return
    axes.plot(grid, middle, lw=1.3, color=colour, label=name, marker="o" if len(grid) < 12 else None, ms=3)
    if len(curves) > 1:
        axes.fill_between(grid, np.exp(logs.min(axis=0)), np.exp(logs.max(axis=0)), color=colour, alpha=0.18, lw=0)
    axes.plot(grid[-1:], middle[-1:], "o", ms=3.5, color=colour)
