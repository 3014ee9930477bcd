"""Figures of eigenmodes."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from gmnm_pde._errors import refuse
from gmnm_pde.plots.grid import Grid
from gmnm_pde.plots.style import panels, styled

_ACROSS = 3
"""Panels side by side."""


@styled
def plot_modes(spectrum: Any, fields: Sequence[str] | None = None) -> Figure:
    """A panel for each mode and field, with the value above it."""
    known = spectrum.modes[0].fields
    chosen = tuple(known[:1] if fields is None else fields)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise refuse("spectrum.plot(fields=...)", expected=f"fields among {', '.join(known)}", got=unknown)
    grids = [Grid(mode, {}) for mode in spectrum.modes]
    across = min(_ACROSS, len(grids))
    rows = math.ceil(len(grids) / across) * len(chosen)
    width, height = grids[0].panel
    figure, axes = panels(rows, across, width=width, height=height)
    for row in axes:
        for panel in row:
            panel.set_visible(False)
    for k, (grid, value) in enumerate(zip(grids, spectrum.values, strict=True)):
        drawn = grid.fields()
        for j, name in enumerate(chosen):
            place = axes[k // across * len(chosen) + j][k % across]
            grid.draw(place, drawn[name], f"{name}, {spectrum.parameter} = {value:.8g}{grid.cut}")
    return figure
