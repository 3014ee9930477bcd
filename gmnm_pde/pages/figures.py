"""Figures within a page: drawn once, saved for the day and for the night."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.spines import Spine
from matplotlib.text import Text

from gmnm_pde.pages.html import escaped
from gmnm_pde.plots.style import INK

_DPI = 170

_PALE = "#d6d4cf"
"""What is black by day."""

_NIGHT_INK = ("#8fc1e3", "#f0978b", "#86d1a3", "#e3c567", "#c9a2e0", "#7fd0bd")
"""Line colours by night, each for that of ``INK`` in the same place."""

_LEAST_WIDTH = 58
"""Pixels that an inch of a figure has at least; on narrower screens the figure scrolls in itself."""


_NARROW = 6.0
"""Figures of fewer inches are shown whole on any screen."""


def embedded(figure: Figure, caption: str, *, small: bool = False) -> str:
    """A figure with its caption, inside the page."""
    day = _png(figure)
    figure.set_layout_engine("none")  # it stays where it is, and laying it out takes as long as drawing it
    _by_night(figure)
    night = _png(figure)
    width, height = figure.get_size_inches()
    size = f'width="{round(width * 96)}" height="{round(height * 96)}"'
    least = f"min-width:{round((width if width > _NARROW else 0) * _LEAST_WIDTH)}px;max-width:{round(width * 120)}px"
    return (
        f'<figure{" class=small" if small else ""}><div class="scroll" tabindex="0"><picture>'
        f'<source media="(prefers-color-scheme: dark)" srcset="{night}">'
        f'<img src="{day}" alt="{escaped(caption)}" {size} style="{least}"></picture></div>'
        f"<figcaption>{escaped(caption)}</figcaption></figure>"
    )


def _png(figure: Figure) -> str:
    with io.BytesIO() as file:
        figure.savefig(file, format="png", dpi=_DPI, transparent=True)
        return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _by_night(figure: Figure) -> None:
    """Lighten what is dark but is no part of a colour map."""
    for axes in figure.axes:
        axes.tick_params(which="both", color=_PALE, labelcolor=_PALE)
    for artist in _artists(figure):
        if isinstance(artist, Text):
            artist.set_color(_lighter(artist.get_color()))
        elif isinstance(artist, Line2D):
            artist.set_color(_lighter(artist.get_color()))
        elif isinstance(artist, Spine):
            artist.set_edgecolor(_PALE)
        elif isinstance(artist, Patch):
            artist.set_edgecolor(_lighter(artist.get_edgecolor()))
        elif isinstance(artist, Collection) and artist.get_array() is None:
            for part in ("facecolor", "edgecolor"):
                shades = np.atleast_2d(getattr(artist, f"get_{part}")())
                if 0 < len(shades) < 4:
                    getattr(artist, f"set_{part}")([_lighter(shade) for shade in shades])


def _artists(figure: Figure) -> Iterator[Artist]:
    yield from figure.findobj()


def _lighter(colour: Any) -> Any:
    """The colour by night of one by day."""
    try:
        red, green, blue, alpha = to_rgba(colour)
    except ValueError:
        return colour
    name = to_hex((red, green, blue))
    if name in INK:
        return to_rgba(_NIGHT_INK[INK.index(name)], alpha)
    return to_rgba(_PALE, alpha) if max(red, green, blue) < 0.45 else colour
