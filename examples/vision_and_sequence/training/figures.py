"""Learning curves like the paper's Figure 5, and images beside their reconstructions."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from gmnm_pde.plots.style import INK, panels, styled

Losses = Mapping[str, Sequence[Sequence[float]]]


@styled
def plot_curves(train: Losses, test: Losses, label: str) -> Figure:
    """Training loss above, test loss below, over epochs.

    Args:
        train: For each variant the training losses [runs][epochs]; lines are means over the runs, bands reach from
            the least to the greatest.
        test: The same of the test losses.
        label: What the losses are.
    """
    figure, axes = panels(2, 1, width=5.4, height=2.4)
    for (ax,), part, losses in zip(axes, ("training", "test"), (train, test), strict=True):
        for (name, runs), colour in zip(losses.items(), INK, strict=False):
            values = np.array(runs)
            epochs = np.arange(1, values.shape[1] + 1)
            ax.plot(epochs, values.mean(0), color=colour, label=name, lw=1.4, marker="o", ms=2.5)
            ax.fill_between(epochs, values.min(0), values.max(0), color=colour, alpha=0.15, lw=0)
        ax.set_yscale("log")
        ax.set_ylabel(f"{part} {label}")
        ax.grid(True, which="both", alpha=0.2, lw=0.5)
    axes[0][0].legend()
    axes[1][0].set_xlabel("epoch")
    return figure


@styled
def plot_reconstructions(images: Tensor, reconstructed: Mapping[str, Tensor]) -> Figure:
    """A row of images [n, channels, height, width] in [0, 1], and below it each network's reconstructions of them."""
    rows = {"image": images, **reconstructed}
    figure, axes = panels(len(rows), len(images), width=0.75, height=0.78)
    for line, (name, pictures) in zip(axes, rows.items(), strict=True):
        for ax, picture in zip(line, pictures, strict=True):
            shown = picture.clamp(0, 1).movedim(0, -1).squeeze(-1).numpy()
            ax.imshow(shown, cmap="gray", vmin=0, vmax=1, aspect="equal", interpolation="nearest")
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure
