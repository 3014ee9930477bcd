"""A figure of a scoreboard."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from gmnm_pde.plots.style import INK, panels, styled


@styled
def plot_scores(scores: Sequence[Any]) -> Figure:
    """For each problem the best published error and ours, on one logarithmic axis."""
    figure, ((axes,),) = panels(1, 1, width=6.4, height=0.6 + 0.28 * len(scores))
    for place, score in enumerate(reversed(scores)):
        ours = score.error_estimate if score.relative_l2 is None else score.relative_l2
        axes.plot([ours, score.published_best], [place, place], color="0.8", lw=2, zorder=1)
        names = ("best published", "ours") if place == 0 else (None, None)
        inside = "none" if score.relative_l2 is None else INK[1]
        axes.scatter(score.published_best, place, color=INK[0], zorder=2, label=names[0])
        axes.scatter(ours, place, edgecolors=INK[1], facecolors=inside, zorder=2, label=names[1])
    axes.set_xscale("log")
    axes.set_yticks(range(len(scores)), [score.name for score in reversed(scores)])
    axes.set_xlabel("relative L2 error (hollow: estimated)")
    axes.grid(True, axis="x", alpha=0.25, lw=0.5)
    axes.legend(loc="lower left")
    return figure
