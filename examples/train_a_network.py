r"""
Training a network: four methods, the same seconds
==================================================

One MLP, one problem, one start. Adam, L-BFGS, a self-scaled Broyden method and Gauss-Newton train it for the same time.
What a network can represent is not what limits it: the method decides how many digits come out.

.. math:: \Delta u = -2 \pi^2 \sin(\pi x) \sin(\pi y) \quad\text{on } [-1, 1]^2, \qquad u = 0 \text{ on the boundary.}

This page runs the script with ``--quick``: 2.5 seconds for each method. ``--time-limit`` gives them more.
"""

# %%
# The four methods differ in what they know of the loss: its gradient alone; a memory of the last hundred gradients; all
# of its curvature as gathered on the way; and the Jacobian of the residuals, from which the curvature follows at once.
import argparse

import numpy as np

from gmnm_pde import LBFGS, MLP, Adam, GaussNewton, SelfScaled, compare, registry, solve
from gmnm_pde.plots.comparison import draw_curves
from gmnm_pde.plots.style import INK, panels, styled

parser = argparse.ArgumentParser(description="An MLP on Poisson's equation, trained by four methods.")
parser.add_argument("--time-limit", type=float, default=20.0, help="seconds for each method (20)")
parser.add_argument("--quick", action="store_true", help="2.5 seconds for each method")
options = parser.parse_args()
seconds = 2.5 if options.quick else options.time_limit

FOREVER = 10**6
methods = {
    "Adam": Adam(FOREVER, lr=1e-2),
    "L-BFGS": LBFGS(FOREVER),
    "self-scaled Broyden": SelfScaled(FOREVER),
    "Gauss-Newton": GaussNewton(FOREVER),
}

# %%
# ``compare`` draws the same start for each, and takes the same points, weights and seconds. Each line of it has a name,
# a model and methods of its own; here the model is always the same. A single step of Adam comes first, since PyTorch
# loads some of its code at the first use of an optimiser.
solve(registry.load("poisson"), "mlp", Adam(steps=1), points=50)
compared = compare(
    registry.load("poisson"),
    dict.fromkeys(methods, lambda: MLP([2, 20, 20, 1])),
    methods=methods,
    points={"interior": 300, "boundary": 80},
    weights={"boundary": 100.0},
    time_limit=seconds,
)
print(compared)


# %%
# The error over the seconds. A step of Gauss-Newton is the dearest of all, and the best use of the time.
@styled
def picture():
    figure, ((axes,),) = panels(1, 1, width=5.8, height=3.6)
    ends = []
    for name, run, colour in zip(compared.names, compared.solutions, INK, strict=False):
        x, y = (np.array(run.history[column]) for column in ("seconds", "relative_l2"))
        draw_curves(axes, [(x, y)], name, colour)
        ends.append((y[-1], f"{name}\n{int(run.history['step'][-1]):,} steps", colour))
    axes.set_yscale("log")
    axes.set_xlim(0, 1.02 * max(run.history["seconds"][-1] for run in compared.solutions))
    low, high = np.log10(axes.get_ylim())
    height = -np.inf
    for error, text, colour in sorted(ends):  # from below, each label clear of the one before
        height = max((np.log10(error) - low) / (high - low), height + 0.11)
        axes.text(1.02, height, text, color=colour, va="center", fontsize=8, transform=axes.transAxes)
    axes.set_xlabel("seconds")
    axes.set_ylabel("relative L2 error")
    axes.grid(True, alpha=0.25, lw=0.5)
    return figure


figure = picture()

# sphinx_gallery_thumbnail_path = "images/gallery/train_a_network.jpg"
