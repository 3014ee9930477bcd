"""A problem's domain, what its conditions hold on, and points there."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gmnm_pde.plots.style import INK, label, styled
from gmnm_pde.sampling import sample

_INSIDE, _ON_CONDITIONS = 400, 120
"""Points that are drawn in the interior, and of each condition."""

_GREY = "#9aa0a6"

_THIN = 4.0
"""Axes have one scale unless one side is so many times as long as the other."""


@styled
def plot_domain(problem: Any) -> Figure:
    """Points in the interior in grey, and those that each condition holds on in a colour of its own.

    In more than three dimensions the first two coordinates are drawn.
    """
    drawn = problem.domain.coordinates if problem.domain.dimension <= 3 else problem.domain.coordinates[:2]
    others = [term for term in problem.terms if term.group != "interior"]
    shape = _height_by_width(problem, len(drawn))
    figure = Figure(figsize=(5.6, 5.0 * (shape or 0.65) + 1.2 + 0.2 * len(problem.terms)), layout="constrained")
    axes = figure.add_subplot(projection="3d" if len(drawn) == 3 else None)
    terms = [term for term in problem.terms if term.group == "interior"]
    shades = [_GREY, "#c9b28f", "#8fa9c9", "#a8c98f"]
    for k, (part, term) in enumerate({term.parts: term for term in terms}.items()):
        name = f"inside of {part[0]}" if part else "inside"
        _dots(axes, _places(term.region, _INSIDE), shades[k % len(shades)], 3, name)
    for k, term in enumerate(others):
        _dots(axes, _places(term.region, _ON_CONDITIONS), INK[k % len(INK)], 10, f"{term.name}: {_where(term.region)}")
    if len(drawn) < 3:
        label(axes, (*drawn, "")[:2], problem.name)
        if len(drawn) == 1:
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
    else:
        axes.set(xlabel=drawn[0], ylabel=drawn[1], zlabel=drawn[2], title=problem.name)  # type: ignore[call-arg]
    if shape is not None and len(drawn) == 2:
        axes.set_aspect("equal")
    figure.legend(loc="outside lower left", fontsize=8, markerscale=1.5)
    return figure


def _height_by_width(problem: Any, drawn: int) -> float | None:
    """The proportions of what is drawn, where both axes have one scale; None where they have scales of their own."""
    if drawn != 2:
        return 0.15 if drawn == 1 else 0.8
    width, height = (high - low for low, high in problem.domain.bounds[:2])
    return height / width if not problem.domain.time and width / _THIN < height < _THIN * width else None


def _places(region: Any, count: int) -> np.ndarray:
    return sample(region, count).points.cpu().numpy()


def _where(region: Any) -> str:
    return region.name if len(region.name) < 40 else f"{region.name[:37]}..."


def _dots(axes: Axes, points: np.ndarray, colour: str, size: float, name: str) -> None:
    columns = points.T[: 3 if axes.name == "3d" else 2]
    height = [np.zeros(len(points))] if len(columns) == 1 else []
    axes.scatter(*columns, *height, s=size, color=colour, label=name, linewidths=0)
