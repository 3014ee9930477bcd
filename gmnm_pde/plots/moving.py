"""Solutions in motion: one frame after the other into a film, and sliders in a notebook."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from gmnm_pde._errors import nearest, refuse
from gmnm_pde._extras import extra
from gmnm_pde.io.places import called, replace_whole, writable
from gmnm_pde.plots.grid import Grid, scale_of
from gmnm_pde.plots.style import SETTINGS, panels

_SIDE = 91
"""Points along each side of a frame."""

_LOOKED = 9
"""Places at which the scale is found that all frames have."""

_PART = 0.05
"""Curves keep this part of their range from the frame."""


class Frames:
    """A figure whose fields can be drawn again for other values of the coordinates that are held fixed.

    Args:
        solution: A solution.
        fields: Which of its fields.
        moving: The coordinates that may change.
        at: Values of others that do not.
        labels: Names as the figure shows them.
        call: For messages.
    """

    def __init__(
        self,
        solution: Any,
        fields: Sequence[str] | None,
        moving: Sequence[str],
        at: Mapping[str, float],
        labels: Mapping[str, str] | None,
        call: str,
    ):
        self.solution, self.moving, self.at, self.labels, self.call = solution, tuple(moving), dict(at), labels, call
        self.fields = tuple(solution.fields if fields is None else fields)
        for name in self.fields:
            if name not in solution.fields:
                raise refuse(call, expected="fields", got=repr(name), remedy=nearest(str(name), solution.fields))
        self.bounds = dict(zip(solution.coordinates, solution.bounds, strict=True))
        middle = {name: sum(self.bounds[name]) / 2 for name in self.moving}
        self._scales = self._common_scales(middle)
        grid = self.grid(middle)
        width, height = grid.panel
        with matplotlib.rc_context(SETTINGS):
            self.figure, (row,) = panels(1, len(self.fields), width=width, height=height)
            self._drawn = [self._first(axes, grid, name) for axes, name in zip(row, self.fields, strict=True)]
        self._axes = row

    def grid(self, places: Mapping[str, float]) -> Grid:
        """The points of a frame."""
        return Grid(self.solution, {**self.at, **places}, self.labels, self.call, side=_SIDE)

    def show(self, places: Mapping[str, float]) -> Figure:
        """The figure for some values of the coordinates that may change."""
        grid = self.grid(places)
        values = grid.fields()
        for axes, drawn, name in zip(self._axes, self._drawn, self.fields, strict=True):
            if len(grid.drawn) == 1:
                drawn.set_ydata(np.where(grid.inside, values[name], np.nan))
            else:
                drawn.set_array(grid.shaped(values[name]))
            axes.title.set_text(self._title(grid, name))
        return self.figure

    def _first(self, axes: Any, grid: Grid, name: str) -> Any:
        drawn = grid.draw(axes, grid.fields()[name], self._title(grid, name))
        low, high = self._scales[name]
        if len(grid.drawn) == 1:
            room = _PART * (high - low) or 1.0
            axes.set_ylim(low - room, high + room)
        else:
            scale = scale_of(np.array([low, high]))
            drawn.set_cmap(scale["cmap"])
            drawn.set_clim(scale.get("vmin", low), scale.get("vmax", high))
        return drawn

    def _title(self, grid: Grid, name: str) -> str:
        held = "".join(f", {grid.name(key)} = {value:.4g}" for key, value in grid.fixed.items())
        return f"{grid.name(name)}{held}"

    def _common_scales(self, middle: Mapping[str, float]) -> dict[str, tuple[float, float]]:
        """The least and greatest values of each field over all that may be shown."""
        found: dict[str, list[float]] = {name: [] for name in self.fields}
        for moved in self.moving:
            for place in np.linspace(self.bounds[moved][0], self.bounds[moved][1], _LOOKED):
                grid = Grid(self.solution, {**self.at, **middle, moved: place}, None, self.call, side=31)
                values = grid.fields()
                for name in self.fields:
                    own = values[name][grid.inside]
                    found[name] += [float(np.nanmin(own)), float(np.nanmax(own))] if np.isfinite(own).any() else []
        return {name: (min(own), max(own)) for name, own in found.items()}


def animate(
    solution: Any,
    path: str | Path,
    *,
    fields: Sequence[str] | None = None,
    seconds: float = 5.0,
    frames_per_second: int = 20,
    at: Mapping[str, float] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Path:
    """See ``Solution.animate``."""
    call = called("solution.animate(...)", path)
    if not solution.time:
        remedy = "solution.plot() draws it; solution.explore() moves cuts through it."
        raise refuse(call, expected="a solution with time", got="one without", remedy=remedy)
    (time,) = solution.time
    if len(solution.coordinates) < 2 or time in (at or {}):
        got = "time alone" if len(solution.coordinates) < 2 else f"at={{'{time}': ...}}, which stops it"
        raise refuse(call, expected="a solution with space that moves in time", got=got, remedy="Use solution.plot().")
    writers = {".gif": "pillow", ".mp4": "ffmpeg"}
    kind = Path(path).suffix if isinstance(path, str | Path) else ""
    if kind not in writers:
        raise refuse(call, expected="a file .gif or .mp4", got=repr(kind), remedy=nearest(kind, writers))
    if kind == ".mp4" and shutil.which("ffmpeg") is None:
        raise refuse(call, expected="ffmpeg, which writes .mp4", got="none", remedy="Install it, or name a .gif file.")
    count = round(seconds * frames_per_second)
    if count < 2:
        raise refuse(call, expected="at least two frames", got=f"{seconds} s of {frames_per_second} in a second")
    target = writable(path, call)
    from matplotlib.animation import writers as known  # here: few films are made

    frames = Frames(solution, fields, [time], at or {}, labels, call)
    frames.figure.draw_without_rendering()
    frames.figure.set_layout_engine("none")  # what was laid out once stays
    low, high = frames.bounds[time]
    draft = target.with_name(f".{target.stem}.draft{kind}")
    writer = known[writers[kind]](fps=frames_per_second)
    try:
        with writer.saving(frames.figure, str(draft), 100):
            for moment in np.linspace(low, high, count):
                frames.show({time: float(moment)})
                writer.grab_frame()
        replace_whole(target, draft.read_bytes(), call)
    finally:
        draft.unlink(missing_ok=True)
    return target


def explore(
    solution: Any,
    fields: Sequence[str] | None = None,
    *,
    at: Mapping[str, float] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Any:
    """See ``Solution.explore``."""
    call = "solution.explore()"
    widgets = extra("ipywidgets", call, "notebook")
    fixed = dict(at or {})
    space = [name for name in solution.coordinates if name not in solution.time and name not in fixed]
    moving = [name for name in solution.coordinates if name not in space[:2] and name not in fixed]
    if not moving or not space:
        remedy = "solution.plot() shows all of it."
        raise refuse(
            call, expected="more coordinates than a figure shows", got=", ".join(space + moving), remedy=remedy
        )
    frames = Frames(solution, fields, moving, fixed, labels, call)
    picture = widgets.Image(format="png")
    sliders = {}
    for name in moving:
        low, high = frames.bounds[name]
        sliders[name] = widgets.FloatSlider(
            value=(low + high) / 2, min=low, max=high, step=(high - low) / 100, description=name, readout_format=".3g"
        )

    def redraw(_: Any = None) -> None:
        figure: Any = frames.show({name: slider.value for name, slider in sliders.items()})
        picture.value = figure.png()

    for slider in sliders.values():
        slider.observe(redraw, names="value")
    redraw()
    return widgets.VBox([*sliders.values(), picture])
