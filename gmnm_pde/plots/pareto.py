"""What error costs: each run of a comparison by its error and its seconds or parameters, and the best of them."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from gmnm_pde._errors import refuse
from gmnm_pde.plots.comparison import colours
from gmnm_pde.plots.style import logarithmic, panels, styled

_COSTS = {"seconds": "seconds", "parameters": "parameters"}
"""Columns of a comparison's rows that cost something, with the labels of the axis."""


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those points (cost, error) that no other one is below in both, by rising cost."""
    best: list[tuple[float, float]] = []
    for cost, error in sorted(points):
        if not best or error < best[-1][1]:
            best.append((cost, error))
    return best


@styled
def plot_pareto(comparison: Any, *, against: Sequence[str] = tuple(_COSTS)) -> Figure:
    """The error of each run beside what it cost, one colour a model, and the front of those that none is better than.

    The error is the relative L2 error where an exact solution is known, else the residual.
    """
    against = (against,) if isinstance(against, str) else tuple(against)
    for cost in against:
        if cost not in _COSTS:
            raise refuse(f"comparison.plot_pareto(against={cost!r})", expected=" or ".join(_COSTS), got=repr(cost))
    known = all(row.relative_l2 is not None for row in comparison.rows)
    error = "relative_l2" if known else "residual"
    figure, ((*axes,),) = panels(1, len(against), width=3.4, height=2.9)
    for letter, ax, cost in zip("ab", axes, against, strict=False):
        places = {name: _places(comparison.of(name), cost, error) for name in comparison.names}
        for (name, points), colour in zip(places.items(), colours(comparison.names), strict=True):
            ax.plot(*zip(*points, strict=True), "o", ms=4.5, color=colour, label=name) if points else None
        best = front([point for points in places.values() for point in points])
        ax.step(*zip(*best, strict=True), where="post", lw=0.9, color="0.5", zorder=0) if best else None
        logarithmic(ax)
        ax.set_xscale("log")
        ax.set_xlabel(_COSTS[cost])
        ax.set_title(f"({letter}) {'relative L2 error' if known else 'residual'}", loc="left")
    axes[0].legend()
    return figure


def _places(rows: Sequence[Any], cost: str, error: str) -> list[tuple[float, float]]:
    pairs = [(float(getattr(row, cost)), float(getattr(row, error))) for row in rows]
    return [(x, y) for x, y in pairs if math.isfinite(y) and x > 0 and y > 0]
