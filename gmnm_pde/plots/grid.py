"""Points on the one or two coordinates that a figure shows, values there, and how they are drawn."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.plots.style import INK, ONE_SIGNED, SIGNED, label

_SIDE = 121
"""Points along each side of a panel; a curve has four times as many."""

_SIGNED = 0.02
"""A field counts as changing sign where both signs reach this part of its largest size."""

_FROM_ZERO = 0.3
"""The scale of a field of one sign begins at zero where its least size is less than this part of its largest."""

_LONGEST = 20
"""Where one side is longer than the other by more than this, the scales of the axes differ."""

_PLACES = (0.5, 0.35, 0.65, 0.2, 0.8)
"""Parts of an interval at which cuts are tried, the middle first."""

_TRIED = 25
"""Cuts that are tried, at most."""

_COARSE = 15
"""Points along each side on which cuts are compared."""

_FAINT = 0.3
"""The middle is left for another cut where fields there are smaller than this part of what they are elsewhere."""

_LEAST, _MOST = 0.03, 0.995
"""Between these quantiles errors and residuals are drawn, since a corner may have values far above all others."""

_DECADES = 8
"""At most so many powers of ten."""

_RIM = 1.5
"""Steps of the grid that fields are drawn beyond a curved boundary, which then cuts them off."""


class Grid:
    """Points on the coordinates that are drawn, and values there.

    Args:
        solution: A solution.
        at: Values of coordinates that are not drawn. Where there are more than two others, the last ones are cut where
            fields are to be seen, at the middle if they are there.
        labels: Names of coordinates and fields as figures show them, with units.
        call: For messages.
        side: Points along each side.
    """

    def __init__(
        self,
        solution: Any,
        at: Mapping[str, float],
        labels: Mapping[str, str] | None = None,
        call: str = "solution.plot",
        side: int = _SIDE,
    ):
        self.solution, self.labels = solution, read_labels(solution, labels, call)
        check_places(solution, at, call)
        self.drawn = [name for name in solution.coordinates if name not in at][:2]
        if not self.drawn:
            raise refuse(f"{call}(at=...)", expected="at least one coordinate that is left", got="all of them")
        bounds = dict(zip(solution.coordinates, solution.bounds, strict=True))
        self.fixed = cut_of(solution, self.drawn, at)
        self.cut = "".join(f", {name} = {value:.4g}" for name, value in self.fixed.items())
        ends = [bounds[name] for name in self.drawn]
        self.lines = [
            np.linspace(own[0], own[1], count) for own, count in zip(ends, self._counts(ends, side), strict=True)
        ]
        mesh = np.meshgrid(*self.lines, indexing="xy")
        self.shape = mesh[0].shape
        self.points = _points(solution, dict(zip(self.drawn, mesh, strict=True)), self.fixed)
        domain = solution.domain
        self.inside = domain.contains(self.points).bool().numpy()
        self._depth = None
        if len(self.drawn) == 2 and not self.inside.all():
            self._depth = domain.distance(self.points).numpy().reshape(self.shape)

    def _counts(self, ends: Sequence[tuple[float, float]], side: int) -> list[int]:
        """Points along each coordinate; in a long shape more of them along its longer side."""
        if len(ends) == 1:
            return [4 * side]
        spans = [high - low for low, high in ends]
        if set(self.drawn) & set(self.solution.time):
            return [side, side]
        root = min(max((spans[0] / spans[1]) ** 0.5, 1 / 3), 3.0)
        return [round(side * root), round(side / root)]

    def name(self, name: str) -> str:
        """A coordinate or field as figures show it."""
        return self.labels.get(name, name)

    @property
    def equal(self) -> bool:
        """Whether both axes are drawn on one scale: for space alone, unless it is very long and thin."""
        spans = [line[-1] - line[0] for line in self.lines]
        return len(spans) == 2 and not set(self.drawn) & set(self.solution.time) and max(spans) < _LONGEST * min(spans)

    @property
    def panel(self) -> tuple[float, float]:
        """The width and height of a panel in inches, which follow the domain's shape where the scale is one."""
        if not self.equal:
            return 3.2, 2.7
        width, height = (line[-1] - line[0] for line in self.lines)
        root = min(max((height / width) ** 0.5, 0.45), 2.0)
        return max(1.9, 2.2 / root) + 1.1, max(0.5, 2.2 / root * height / width) + 0.6

    def fields(self) -> dict[str, np.ndarray]:
        """Every field at the points."""
        return fields_at(self.solution, self.points)

    def errors(self) -> dict[str, np.ndarray]:
        """The sizes of the errors of every field at the points."""
        exact, _ = self.solution.problem.exact_columns(self.points.unbind(-1))
        fields = self.fields()
        return {name: np.abs(fields[name] - column.detach().numpy()) for name, column in exact.items()}

    def residuals(self) -> dict[str, np.ndarray]:
        """The sizes of the equations' residuals at the points."""
        residuals = self.solution.residuals(self.points)
        return {name: np.abs(values.cpu().numpy()) for name, values in residuals.items()}

    def draw(self, axes: Axes, values: np.ndarray, title: str) -> Any:
        """A quantity: on a scale symmetric about zero where it changes sign, else in colours that grow one way."""
        axes.set_visible(True)
        drawn: Any = None
        if len(self.drawn) == 1:
            (drawn,) = axes.plot(self.lines[0], np.where(self.inside, values, np.nan), color=INK[0], lw=1.4)
        else:
            drawn = self._mesh(axes, values, **scale_of(values[self.inside]))
        label(axes, [self.name(name) for name in self.drawn], title)
        return drawn

    def draw_size(self, axes: Axes, values: np.ndarray, title: str, colours: str) -> None:
        """A size, on a logarithmic scale from nearly its least to nearly its largest."""
        axes.set_visible(True)
        within = values[self.inside & np.isfinite(values)]
        top = float(np.quantile(within, _MOST)) if len(within) else 0.0
        top = top if top > 0 else float(within.max(initial=0.0))
        if len(self.drawn) == 1:
            shown = np.where(self.inside, np.maximum(values, 1e-300), np.nan)
            axes.semilogy(self.lines[0], shown, color=INK[1], lw=0.9)
            axes.set_ylim(max(top, 1e-300) * 1e-5, max(within.max(initial=0.0), 1e-300) * 3)
        elif top > 0:
            low = min(max(float(np.quantile(within, _LEAST)), top * 10.0**-_DECADES), 0.1 * top)
            more = "max" if within.max() > 1.5 * top else "neither"
            self._mesh(axes, np.maximum(values, low), more, cmap=colours, norm=LogNorm(low, top))
        else:
            self._mesh(axes, values, cmap=colours)
        label(axes, [self.name(name) for name in self.drawn], title)

    def _mesh(self, axes: Axes, values: np.ndarray, extend: str = "neither", **options: Any) -> Any:
        """Draw values in the plane as colours, with a bar that tells them."""
        drawn = axes.pcolormesh(*self.lines, self.shaped(values), shading="gouraud", rasterized=True, **options)
        self.cut_off(axes)
        figure = axes.get_figure()
        assert figure is not None
        figure.colorbar(drawn, ax=axes, pad=0.02, extend=extend)
        if self.equal:
            axes.set_aspect("equal")
        return drawn

    def shaped(self, values: np.ndarray) -> np.ndarray:
        """Values on the grid, nan farther outside of the domain than is cut off."""
        if self._depth is None:
            return np.where(self.inside, values, np.nan).reshape(self.shape)
        step = max(line[1] - line[0] for line in self.lines)
        return np.where(self._depth > -_RIM * step, values.reshape(self.shape), np.nan)

    def cut_off(self, axes: Axes) -> None:
        """Cover what lies outside of the domain, along its boundary, which is drawn."""
        if self._depth is not None:
            axes.contourf(*self.lines, self._depth, levels=[-np.inf, 0.0], colors=["white"], zorder=2)
            axes.contour(*self.lines, self._depth, levels=[0.0], colors=["0.4"], linewidths=0.5, zorder=2.1)


def scale_of(values: np.ndarray) -> dict[str, Any]:
    """The colours of a field by its signs, and the ends of their scale."""
    values = values[np.isfinite(values)]
    if not len(values):
        return {"cmap": ONE_SIGNED}
    low, high = float(values.min()), float(values.max())
    top = max(-low, high) or 1.0
    if low < -_SIGNED * top and high > _SIGNED * top:
        return {"cmap": SIGNED, "vmin": -top, "vmax": top}
    if abs(low) <= abs(high):
        return {
            "cmap": ONE_SIGNED,
            "vmin": 0.0 if abs(low) < _FROM_ZERO * top else low,
            "vmax": max(high, low + 1e-300),
        }
    return {"cmap": ONE_SIGNED + "_r", "vmin": low, "vmax": 0.0 if abs(high) < _FROM_ZERO * top else high}


def read_labels(solution: Any, labels: Mapping[str, str] | None, call: str) -> dict[str, str]:
    """Labels, each of a coordinate or a field.

    Raises:
        GmnmError: one is of something else.
    """
    known = (*solution.coordinates, *solution.fields)
    for name in labels or {}:
        if name not in known:
            expected = "coordinates and fields"
            raise refuse(f"{call}(labels=...)", expected=expected, got=repr(name), remedy=nearest(name, known))
    return dict(labels or {})


def check_places(solution: Any, at: Mapping[str, float], call: str) -> None:
    """Refuse places along what are no coordinates."""
    unknown = [name for name in at if name not in solution.coordinates]
    if unknown:
        raise refuse(f"{call}(at=...)", expected=f"coordinates {', '.join(solution.coordinates)}", got=unknown)


def cut_of(solution: Any, drawn: Sequence[str], at: Mapping[str, float]) -> dict[str, float]:
    """Values of the coordinates that are not drawn: those given, the others where something is to be seen."""
    bounds = dict(zip(solution.coordinates, solution.bounds, strict=True))
    free = [name for name in solution.coordinates if name not in drawn and name not in at]
    chosen = {name: sum(bounds[name]) / 2 for name in free}
    if free:
        lines = [np.linspace(bounds[name][0], bounds[name][1], _COARSE) for name in drawn]
        mesh = dict(zip(drawn, np.meshgrid(*lines, indexing="xy"), strict=True))
        seen = []
        for shares in itertools.islice(itertools.product(_PLACES, repeat=len(free)), _TRIED):
            places = {
                name: low + share * (high - low)
                for (name, (low, high)), share in zip([(name, bounds[name]) for name in free], shares, strict=True)
            }
            values = fields_at(solution, _points(solution, mesh, {**at, **places}))
            size = max(float(np.sqrt(np.nanmean(column**2))) for column in values.values())
            seen.append((size if np.isfinite(size) else 0.0, places))
        best = max(seen, key=lambda one: one[0])
        if seen[0][0] < _FAINT * best[0]:
            chosen = best[1]
    return {name: float(at.get(name, chosen.get(name, 0.0))) for name in bounds if name not in drawn}


def fields_at(solution: Any, points: torch.Tensor) -> dict[str, np.ndarray]:
    """Every field at points [n, d], whether or not they are in the domain, by name."""
    values = solution(*points.unbind(-1), outside="extrapolate")
    named = values if isinstance(values, dict) else {solution.fields[0]: values}
    return {name: column.cpu().numpy() for name, column in named.items()}


def _points(solution: Any, mesh: Mapping[str, np.ndarray], fixed: Mapping[str, float]) -> torch.Tensor:
    """Points [n, d] of all coordinates, from those that vary and those that are fixed."""
    count = next(iter(mesh.values())).size
    columns = [mesh[n].ravel() if n in mesh else np.full(count, fixed[n]) for n in solution.coordinates]
    return torch.tensor(np.stack(columns, axis=1), dtype=torch.float64)
