r"""
Figure 2: fitting functions that get harder
===========================================

The paper (arXiv 2510.06660, section 4.1) fits the function

.. math:: T(x, y) = \sin \pi x \sin \pi y - a (\sinh x + \sinh y) + b\, U(x, y) + c\, \mathcal N(x, y)

at four levels: waves alone; a steep rise added (:math:`a = 5`); a small jump (:math:`b = 0.1`); a high bump
(:math:`c = 40`). Five models of equal numbers of parameters get the same samples and the same seconds.

This page runs the script with ``--quick``: small models, a second for each run. The full figure is in
:doc:`/reproducing_the_paper`.
"""

# %%
# Every model gets values of :math:`T` at random points of :math:`[-4, 4]^2`, and is tested against :math:`T` itself on
# other points. Sizes are chosen so that all have about as many parameters as the paper's GMNM, 4,500.
import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes

from gmnm_pde import KAN, LBFGS, MLP, RBF, Adam, Mixture, compare, registry
from gmnm_pde.compare import tune
from gmnm_pde.plots.comparison import colours, draw_curves
from gmnm_pde.plots.style import logarithmic, panels, styled

MODELS = {
    "gmnm": [Mixture(components=900, widths=width) for width in (2.0, 6.0, 12.0)],
    "kan": lambda: KAN([2, 10, 10, 1], grid=31),
    "mlp tanh": lambda: MLP([2, 46, 46, 46, 1]),
    "mlp relu": lambda: MLP([2, 46, 46, 46, 1], activation="relu"),
    "rbf": [lambda scale=scale: RBF(2, 1, 1125, scale=scale) for scale in (2.0, 6.0, 12.0)],
}
SMALL = {
    "gmnm": [Mixture(components=90, widths=width) for width in (2.0, 8.0)],
    "kan": lambda: KAN([2, 4, 4, 1], grid=12),
    "mlp tanh": lambda: MLP([2, 19, 19, 1]),
    "mlp relu": lambda: MLP([2, 19, 19, 1], activation="relu"),
    "rbf": [lambda scale=scale: RBF(2, 1, 112, scale=scale) for scale in (2.0, 8.0)],
}
RATES = (1e-3, 1e-2, 1e-1)

parser = argparse.ArgumentParser(description="Figure 2 of arXiv 2510.06660.")
parser.add_argument("--quick", action="store_true", help="small models, a fraction of a second for each run")
parser.add_argument("--method", default="adam", choices=("adam", "lbfgs"))
parser.add_argument("--steps", type=int, default=10**6, help="the most for each run, where the time does not end it")
parser.add_argument("--time-limit", type=float, default=120.0, help="seconds for each run")
parser.add_argument("--levels", type=int, nargs="+", default=[1, 2, 3, 4])
parser.add_argument("--samples", type=int, default=4000)
parser.add_argument("--noise", type=float, default=0.0, help="relative to the root mean square of T")
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--device", default="cpu")
parser.add_argument("--out", type=Path, metavar="DIR", help="write rows, curves and figures there")
options = parser.parse_args()
if options.quick:
    options.time_limit, options.levels, options.samples, options.seeds = 0.4, [1, 4], 500, 1

models = SMALL if options.quick else MODELS


# %%
# What a network starts from and its learning rate matter as much as its kind. Both are chosen for each model and level
# by the training loss of short runs: for GMNM and RBF network the width of the components at the start, for all of them
# the rate. L-BFGS has no rate.
def fit(level):
    problem = registry.load("regression_2d", level=level, samples=options.samples, noise=options.noise)
    shared = {"device": options.device}
    adam, many = options.method == "adam", 10**6
    tries = [Adam(many, lr=rate) for rate in RATES] if adam else [LBFGS(many)]
    chosen, tuned = tune(problem, models, tries, time_limit=max(0.1, options.time_limit / 10), **shared)
    methods = {name: Adam(options.steps, lr=one.lr) if adam else LBFGS(options.steps) for name, one in tuned.items()}
    return compare(
        problem, chosen, methods=methods, seeds=range(options.seeds), time_limit=options.time_limit, **shared
    )


found = {level: fit(level) for level in options.levels}
for level, compared in found.items():
    print(f"level {level}: {compared}\n")


# %%
# The target, the training loss and the test error by level. From level 2 on the values of :math:`T` reach 270, and the
# jump of level 3 is 0.067 high: a test error below 1e-4 has to see it.
def surface(axes: Axes, level):
    line = torch.linspace(-4, 4, 161, dtype=torch.float64)
    x, y = torch.meshgrid(line, line, indexing="xy")
    fields, _ = registry.load("regression_2d", level=level).exact_columns((x.reshape(-1), y.reshape(-1)))
    values = fields["u"].reshape(x.shape).numpy()
    top = np.abs(values).max()
    drawn = axes.pcolormesh(line.numpy(), line.numpy(), values, cmap="RdBu_r", vmin=-top, vmax=top, rasterized=True)
    axes.figure.colorbar(drawn, ax=axes, pad=0.02)
    axes.set_aspect("equal")
    axes.set_title(f"level {level}: target", loc="left")


def curves(axes: Axes, compared, column):
    for name, colour in zip(compared.names, colours(compared.names), strict=True):
        runs = []
        for run in compared.runs(name):
            factor = 1.0 if column == "loss" else run.report.mse / run.report.relative_l2**2
            values = factor * np.array(run.history[column]) ** (1 if column == "loss" else 2)
            runs.append((np.array(run.history["seconds"]), values))
        draw_curves(axes, runs, name, colour)
    logarithmic(axes)
    axes.set_xlabel("seconds")
    axes.set_title("training loss (MSE)" if column == "loss" else "test error (MSE)", loc="left")


@styled
def picture():
    figure, rows = panels(len(found), 3, width=3.1, height=2.5)
    for (level, compared), (target, training, test) in zip(found.items(), rows, strict=True):
        surface(target, level)
        curves(training, compared, "loss")
        curves(test, compared, "relative_l2")
    rows[0][1].legend(fontsize=7)
    return figure


figure = picture()

# %%
# With ``--out DIR`` everything is written.
if options.out is not None:
    for level, compared in found.items():
        compared.write(options.out / f"level_{level}")
    figure.savefig(options.out / "figure2.png")

# sphinx_gallery_thumbnail_path = "images/gallery/regression_figure2.jpg"
