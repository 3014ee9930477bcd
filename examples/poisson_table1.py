r"""
Table 1: three models on Poisson's equation
===========================================

The paper (arXiv 2510.06660, Table 1) compares a GMNM of 900 components, a KAN and an MLP on

.. math:: \Delta u = -2 \pi^2 \sin(\pi x) \sin(\pi y) \quad\text{on } [-1, 1]^2, \qquad u = 0 \text{ on the boundary,}

and reports the least "L2" of each. What a model reaches depends on the method as much as on the model. So the table is
made three times: by Adam, by L-BFGS, and by the method that gets the most digits out of each model.

This page runs the script with ``--quick``: small models, few steps. The full table is in :doc:`/reproducing_the_paper`.
"""

# %%
# The paper does not say what "L2" is. A mean squared error (MSE) fits its figures best; here both the MSE and the
# relative L2 error are printed, each by its name. For this problem the MSE is a quarter of the squared relative error.
import argparse
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from gmnm_pde import KAN, LBFGS, MLP, Adam, Comparison, GaussNewton, LeastSquares, Mixture, compare, registry
from gmnm_pde.compare import tune
from gmnm_pde.plots.comparison import colours
from gmnm_pde.plots.style import panels, styled

PAPER = {"gmnm": 5.1e-9, "kan": 3.6e-8, "mlp": 1.5e-7}
TITLES = {"adam": "Adam", "lbfgs": "L-BFGS", "best": "each its best"}
SMALL = {"gmnm": Mixture(components=60), "kan": lambda: KAN([2, 4, 1]), "mlp": lambda: MLP([2, 16, 16, 1])}

RATES = (1e-3, 3e-3, 1e-2, 3e-2)

parser = argparse.ArgumentParser(description="Table 1 of arXiv 2510.06660.")
parser.add_argument("--quick", action="store_true", help="small models and few steps: seconds instead of hours")
parser.add_argument("--steps", type=int, default=20000, help="of Adam")
parser.add_argument("--lbfgs-steps", type=int, default=5000)
parser.add_argument("--gauss-newton-steps", type=int, default=1000)
parser.add_argument("--best-time-limit", type=float, default=120.0, help="seconds for each run of its own best")
parser.add_argument("--points", type=int, default=2500, help="in the interior")
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--time-limit", type=float, help="seconds for each run")
parser.add_argument("--device", default="cpu")
parser.add_argument("--models", default="gmnm,kan,mlp")
parser.add_argument("--parts", default="adam,lbfgs,best", help="which of the three tables")
parser.add_argument("--out", type=Path, metavar="DIR", help="write rows, curves and figures there")
options = parser.parse_args()
if options.quick:
    options.steps, options.lbfgs_steps, options.gauss_newton_steps, options.points, options.seeds = 100, 40, 10, 150, 2

problem = registry.load("poisson")
names = options.models.split(",")
models = {name: SMALL[name] if options.quick else name for name in names}
conditions = {
    "seeds": range(options.seeds),
    "points": options.points,
    "time_limit": options.time_limit,
    "device": options.device,
}

# %%
# Every model gets the same points, steps and seeds. Adam's learning rate is chosen for each model, by the training loss
# after a short run; it falls to zero as a cosine.
found = {}
if "adam" in options.parts:
    tries = [Adam(max(20, options.steps // 20), lr=rate, schedule="cosine") for rate in RATES]
    _, tuned = tune(problem, models, tries, **{**conditions, "seeds": (0,)})
    adam = {name: Adam(options.steps, lr=one.lr, schedule="cosine") for name, one in tuned.items()}
    found["adam"] = compare(problem, models, methods=adam, **conditions)
    print(found["adam"], end="\n\n")

# %%
# L-BFGS, a quasi-Newton method, has no learning rate to choose.
if "lbfgs" in options.parts:
    found["lbfgs"] = compare(problem, models, methods=LBFGS(options.lbfgs_steps), **conditions)
    print(found["lbfgs"], end="\n\n")

# %%
# Each model's own best. The GMNM keeps its components as they are drawn and solves one linear least squares problem for
# its weights. The networks are trained by Gauss-Newton, on fewer points: a step costs the square of their number. The
# KAN is trained on a coarse grid of splines of order 7, in which the second derivative is smooth, and the grid is
# refined at the end, as KANs are, to the paper's number of parameters; that keeps the function as it is.
few = {"points": {"interior": 400, "boundary": 80}, "weights": {"boundary": 100.0}}
more = {"points": {"interior": 900, "boundary": 160}, "weights": {"boundary": 100.0}}
newton = GaussNewton(options.gauss_newton_steps)


def best(name):
    limits = {key: conditions[key] for key in ("seeds", "device")} | {"time_limit": options.best_time_limit}
    if name == "gmnm":
        return compare(problem, {name: models[name]}, methods=LeastSquares(), **limits)
    if name == "mlp":
        return compare(problem, {name: models[name]}, methods=newton, **limits, **few)
    widths, grids = ([2, 4, 1], (3, 6)) if options.quick else ([2, 10, 10, 1], (3, 72))
    coarse = compare(problem, {name: lambda: KAN(widths, grid=grids[0], order=7)}, methods=newton, **limits, **more)
    rows = []
    for row, solution in zip(coarse.rows, coarse.solutions, strict=True):
        fine = solution.model.inner.extended(grids[1])
        rows.append(replace(row, parameters=sum(weights.numel() for weights in fine.parameters())))
    return Comparison(coarse.problem, tuple(rows), coarse.solutions)


if "best" in options.parts:
    each = [best(name) for name in names]
    rows, solutions = (tuple(chain.from_iterable(getattr(one, part) for one in each)) for part in ("rows", "solutions"))
    found["best"] = Comparison(problem.name, rows, solutions)
    print(found["best"], end="\n\n")


# %%
# The paper's figures beside ours: geometric means over the seeds.
def table():
    heads = [f"{TITLES[part]}: {error}" for part in found for error in ("MSE", "relative L2")]
    lines = ["| " + " | ".join(["model", "parameters", "paper's L2", *heads]) + " |", "| --- " * (3 + len(heads)) + "|"]
    for name in names:
        spreads = [compared.summary()[name] for compared in found.values()]
        errors = [f"{spread[key].mean:.1e}" for spread in spreads for key in ("mse", "relative_l2")]
        parameters = next(iter(found.values())).of(name)[0].parameters
        lines.append("| " + " | ".join([name, f"{parameters}", f"{PAPER[name]:.1e}", *errors]) + " |")
    return "\n".join(lines)


print(table())


# %%
# As a picture: the error by method, one colour a model, with bars from the least to the greatest over the seeds. The
# dashes are the paper's figures, for models of the full size.
@styled
def picture():
    figure, ((axes,),) = panels(1, 1, width=5.0, height=3.2)
    inks = dict(zip(names, colours(names), strict=True))
    for k, name in enumerate(names):
        x = np.arange(len(found)) + 0.16 * (k - (len(names) - 1) / 2)
        spreads = [compared.summary()[name]["mse"] for compared in found.values()]
        axes.vlines(x, [s.min for s in spreads], [s.max for s in spreads], color=inks[name], lw=1.5)
        axes.plot(x, [s.mean for s in spreads], "o", ms=5, color=inks[name], label=name)
        axes.axhline(PAPER[name], color=inks[name], ls="--", lw=0.9, alpha=0.8)
        axes.text(len(found) - 0.42, PAPER[name], "paper", color=inks[name], fontsize=7, va="bottom", ha="right")
    axes.set_yscale("log")
    axes.set_xlim(-0.4, len(found) - 0.4)
    axes.set_xticks(range(len(found)), [TITLES[part] for part in found])
    axes.set_ylabel("mean squared error")
    axes.grid(axis="y", alpha=0.25, lw=0.5)
    figure.legend(loc="outside upper center", ncols=len(names))
    return figure


figure = picture()

# %%
# With ``--out DIR`` everything is written.
if options.out is not None:
    for part, compared in found.items():
        compared.write(options.out / part)
    (options.out / "table1.md").write_text(table() + "\n")
    figure.savefig(options.out / "table1.png", dpi=200)

# sphinx_gallery_thumbnail_path = "images/gallery/poisson_table1.jpg"
