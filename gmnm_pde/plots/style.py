"""How figures look: one place for sizes, fonts and colours."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from gmnm_pde.plots.picture import Picture

P = ParamSpec("P")

SIGNED = "RdBu_r"
"""The colour map of fields that change sign, which diverges about zero."""

ONE_SIGNED = "viridis"
"""The colour map of fields of one sign."""

ERROR = "cividis"
"""The colour map of errors."""

RESIDUAL = "magma"
"""The colour map of residuals."""

INK = ("#1b4f72", "#b03a2e", "#1e8449", "#9a7d0a", "#6c3483", "#117864")
"""Line colours, in order."""

MODEL_INK = {"gmnm": INK[1], "kan": INK[0], "mlp": INK[2]}
"""The colours of the paper's Figure 3: GMNM red, KAN blue, MLP green."""

_FEW_DECADES = 2.0
"""On shorter logarithmic axes powers of ten alone are too few labels."""

SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "legend.frameon": False,
    "image.aspect": "auto",
}
"""What is set while figures are drawn, and left as it was afterwards."""


def styled(plot: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw with this library's settings, and leave matplotlib's own as they were."""

    @functools.wraps(plot)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.rc_context(SETTINGS):
            return plot(*args, **kwargs)

    return drawn


def panels(rows: int, columns: int, *, width: float = 3.2, height: float = 2.7) -> tuple[Picture, list[list[Axes]]]:
    """A figure with a grid of axes, made without pyplot, so that no window or global state is touched."""
    figure = Picture(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, [list(row) for row in axes]


def logarithmic(axes: Axes) -> None:
    """Logarithmic scales on both axes, with the labels that fit; call it once everything is drawn."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        decades = np.log10(high / low) if low > 0 else 1.0
        if decades < _FEW_DECADES:
            axis.set_major_locator(
                LogLocator(subs=(1.0, 2.0, 5.0) if decades > 0.5 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
            )
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(True, which="major", alpha=0.25, lw=0.5)


def label(axes: Axes, names: Sequence[str], title: str) -> None:
    """Names on the axes and a title."""
    axes.set_xlabel(names[0])
    if len(names) > 1:
        axes.set_ylabel(names[1])
    axes.set_title(title)
