"""The boxes of a solution's patches on its domain."""

from itertools import pairwise, product
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gmnm_pde._errors import refuse
from gmnm_pde.models import Boxwise, Evolved, Partition, Patchwork, TimeBlocks
from gmnm_pde.plots.style import INK, label, panels, styled

Boxes = list[tuple[tuple[float, float], ...]]
"""For each box its ends, (low, high), along each coordinate."""


@styled
def plot_patches(solution: Any) -> Figure:
    """The boxes over the first two coordinates; thick lines are where blocks in time begin and end.

    Of a march, the cells of its modes in each of its steps; modes on a ring have one cell.

    In three dimensions boxes that differ in the third coordinate alone lie on one another.

    Raises:
        GmnmError: the solution has neither patches nor boxes, neither blocks nor steps.
    """
    boxes = boxes_of(solution)
    figure, ((axes,),) = panels(1, 1, width=4.2, height=3.2)
    draw_boxes(axes, solution)
    model = solution.approximator
    title = f"{len(boxes)} {'boxes' if isinstance(model, Boxwise) else 'patches'}"
    if isinstance(model, Evolved):
        title = f"{model.times.shape[1]} steps, {len(boxes)} cells"
    label(axes, (*solution.coordinates[:2], "")[:2], title)
    spans = [high - low for low, high in solution.bounds[:2]]
    if len(spans) == 2 and not set(solution.coordinates[:2]) & set(solution.time) and max(spans) < 20 * min(spans):
        axes.set_aspect("equal")
    return figure


def draw_boxes(axes: Axes, solution: Any, *, colour: str = INK[0], width: float = 0.5) -> None:
    """The outlines of the boxes on axes that show the first two coordinates, with limits to fit them."""
    boxes = boxes_of(solution)
    flat = len(solution.coordinates) == 1
    (left, right), (low, high) = (*solution.bounds, (0.0, 1.0))[:2]
    outlines = []
    for box in boxes:
        (a, b), (c, d) = (*box, (0.0, 1.0))[:2]
        outlines.append(Rectangle((a, c), b - a, d - c))
    axes.add_collection(PatchCollection(outlines, facecolor="none", edgecolor=colour, linewidth=width))
    for edge in edges_of(solution):
        axis = solution.coordinates.index(solution.time[0])
        if axis < 2:
            line = axes.axvline if axis == 0 else axes.axhline
            line(edge, color=colour, linewidth=3 * width)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    if flat:
        axes.set_yticks([])


def boxes_of(solution: Any) -> Boxes:
    """The boxes of all patches in the problem's coordinates: (low, high) for each of them, for each box."""
    model = solution.approximator
    unit = [(-1.0, 1.0)] * len(solution.coordinates)
    if isinstance(model, Boxwise):
        return list(Partition(model.boxes).mapped(unit, solution.bounds).boxes)
    if isinstance(model, Patchwork):
        return list(model.partition.mapped(unit, solution.bounds).boxes)
    if isinstance(model, TimeBlocks):
        boxes: Boxes = []
        for part, ends in zip(model.parts, pairwise(edges_of(solution)), strict=True):
            bounds = [ends if k == model.axis else box for k, box in enumerate(solution.bounds)]
            inner = part.inner
            partition = inner.partition if isinstance(inner, Patchwork) else Partition((tuple(unit),))
            boxes.extend(partition.mapped(unit, bounds).boxes)
        return boxes
    if isinstance(model, Evolved):
        return _cells_of(model)
    raise refuse(
        "plot_patches()", expected="a solution on patches, on boxes, or in blocks", got=f"a {type(model).__name__}"
    )


def _cells_of(model: Evolved) -> Boxes:
    """The cells in each step; where a stretch of steps has the same cells, and time is not drawn, only once."""
    boxes, starts, lengths, first = [], *model.times.tolist(), 0
    for lines, states in zip(model.lines, model.states, strict=True):
        ends = [getattr(line, "edges", line.bounds) for line in lines]
        steps = range(first, first + len(states))
        moments = [(starts[k], starts[k] + lengths[k]) for k in steps]
        if model.axis > 1:
            moments = [(moments[0][0], moments[-1][1])]
        sides = [list(pairwise(own)) for own in ends]
        sides.insert(model.axis, moments)
        boxes += list(product(*sides))
        first += len(states)
    return boxes


def edges_of(solution: Any) -> list[float]:
    """The times at which blocks begin and end; empty where there are no blocks."""
    model = solution.approximator
    if not isinstance(model, TimeBlocks):
        return []
    low, high = solution.bounds[model.axis]
    return [low + (edge + 1) / 2 * (high - low) for edge in model.edges]
