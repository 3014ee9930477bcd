"""Curves of L2 error, boundary and residual over the course of a solve, as in the paper's Figure 3."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gmnm_pde.plots.style import INK, panels, styled

_CURVES = {
    "relative_l2": "relative L2 error",
    "boundary": "boundary residual (rms)",
    "residual": "equation residual (rms)",
}
"""The columns that are drawn, with the titles of their panels."""


@styled
def plot_history(history: Any, *, over: str | None = None, label: str | None = None) -> Figure:
    """The curves of one history, or of several given as a dict by label.

    Args:
        history: A History, or a dict from labels to them.
        over: The column on the horizontal axis: by default ``components`` where it grows, else ``step``.
        label: The name of a single history in the legend.
    """
    runs: Mapping[str, Any] = history if isinstance(history, Mapping) else {label or "": history}
    first = next(iter(runs.values()))
    if over is None:
        over = "components" if "components" in first.columns and len(set(first["components"])) > 1 else "step"
    figure, ((*axes,),) = panels(1, len(_CURVES))
    for ax, (column, title) in zip(axes, _CURVES.items(), strict=True):
        for colour, (name, run) in zip(INK * len(runs), runs.items(), strict=False):
            x, y = np.array(run[over]), np.array(run[column])
            shown = np.isfinite(y) & (y > 0)
            marker = "o" if shown.sum() < 40 else None
            if shown.any():
                ax.plot(x[shown], y[shown], marker=marker, ms=3.5, lw=1.3, color=colour, label=name or "exact error")
            if column == "relative_l2" and "error_estimate" in run.columns:
                label, few = f"{name} estimate".strip(), "s" if len(x) < 10 else None
                ax.plot(
                    x, run["error_estimate"], ls="--", marker=few, ms=3.5, lw=1.1, color=colour, alpha=0.7, label=label
                )
        ax.set_yscale("log")
        ax.set_xlabel(over)
        ax.set_title(title)
        ax.grid(True, which="major", alpha=0.25, lw=0.5)
    axes[0].legend()
    return figure
