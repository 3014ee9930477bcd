"""Where the components of a mixture sit and how wide they are."""

from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from gmnm_pde._errors import refuse
from gmnm_pde.models import GMNM, Evolved, Patchwork, TimeBlocks
from gmnm_pde.plots.patches import plot_patches
from gmnm_pde.plots.style import INK, label, panels, styled

_SHOWN = 150
"""Components that are drawn: those with the largest weights."""

_CREST = 4.0
"""Half the length of a crest that is drawn, in half widths of the domain."""


@styled
def plot_components(solution: Any, *, most: int = _SHOWN) -> Figure:
    """What a solution is made of: components, or the boxes of patches, blocks and steps.

    The components lie on the domain, coloured by the size of their weight, beside how wide they are. A ridge is drawn
    as its crest, the line on which it is 1; a bump as the ellipse on which it has fallen to exp(-1/2). In other than
    two dimensions the centres are drawn, on the first two coordinates.
    """
    model = solution.approximator
    if isinstance(model, Patchwork | TimeBlocks | Evolved):
        return plot_patches(solution)
    if not isinstance(model, GMNM):
        expected, got = "a mixture, patches, blocks or a march", f"a {type(model).__name__}"
        raise refuse("plot_components()", expected=expected, got=got, remedy="solution.plot() draws its fields.")
    with torch.no_grad():
        weight = model.weights.abs().amax(dim=0).double().cpu().numpy()
        centers = model.centers.double().cpu().numpy()
        precisions = model.kernel.precisions().double().cpu().numpy()
    order = np.argsort(weight)[-most:]
    middle = np.array([(low + high) / 2 for low, high in solution.bounds])
    half = np.array([(high - low) / 2 for low, high in solution.bounds])
    figure, ((left, right),) = panels(1, 2, width=3.6, height=3.0)
    colours = colormaps["viridis"]
    tops = weight[order]
    norm = LogNorm(max(tops.max() * 1e-4, 1e-300), max(tops.max(), 1e-299))
    shades = colours(norm(tops.clip(tops.max() * 1e-4)))
    if len(half) == 2:
        shapes = _crests if model.form in ("affine", "literal") else _ellipses
        shapes(left, centers[order], precisions[order], middle, half, shades)
    else:
        x = middle + half * centers[order]
        y = x[:, 1] if len(half) > 1 else tops
        left.scatter(x[:, 0], y, s=6, color=shades)
        if len(half) == 1:
            left.set_yscale("log")
    low, high = middle - half, middle + half
    left.set_xlim(low[0], high[0])
    if len(half) > 1:
        left.set_ylim(low[1], high[1])
    names = (*solution.coordinates[:2], "|weight|")[:2]
    label(left, names, f"{len(order)} of {len(weight)} components, by weight")
    figure.colorbar(ScalarMappable(norm=norm, cmap=colours), ax=left, label="|weight|", pad=0.02)
    for k, name in enumerate(solution.coordinates):
        scale = half[k] / np.sqrt(np.maximum(precisions[:, k, k], 1e-300))
        bins = np.geomspace(scale.min() * 0.9, min(scale.max(), scale.min() * 1e3) * 1.1, 40)
        right.hist(
            np.minimum(scale, bins[-1]),
            bins=bins,
            histtype="step",
            lw=1.4,
            color=INK[k % len(INK)],
            label=f"along {name}",
        )
    right.set_xscale("log")
    right.legend()
    label(right, ("standard deviation along a coordinate", "components"), "widths")
    return figure


def _crests(
    axes: Axes, centers: np.ndarray, precisions: np.ndarray, middle: np.ndarray, half: np.ndarray, shades: Any
) -> None:
    """Draw ridges as the lines on which they are 1."""
    _, vectors = np.linalg.eigh(precisions)
    along = vectors[:, :, 0]
    ends = np.stack([centers - _CREST * along, centers + _CREST * along], axis=1)
    axes.add_collection(LineCollection(list(middle + half * ends), colors=shades, linewidths=0.6))


def _ellipses(
    axes: Axes, centers: np.ndarray, precisions: np.ndarray, middle: np.ndarray, half: np.ndarray, shades: Any
) -> None:
    """Draw bumps as the ellipses on which they have fallen to exp(-1/2)."""
    scaled = precisions / (half[:, None] * half[None, :])
    values, vectors = np.linalg.eigh(scaled)
    lengths = 2 / np.sqrt(np.maximum(values, 1e-12))
    angles = np.degrees(np.arctan2(vectors[:, 1, 0], vectors[:, 0, 0]))
    axes.add_collection(
        EllipseCollection(
            lengths[:, 0],
            lengths[:, 1],
            angles,
            units="xy",
            offsets=middle + half * centers,
            offset_transform=axes.transData,
            facecolors="none",
            edgecolors=shades,
            linewidths=0.6,
        )
    )
