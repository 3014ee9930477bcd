r"""
Figure 3: learning curves on Poisson's equation
===============================================

Error, boundary and residual while a GMNM, a KAN and an MLP are trained on the paper's Poisson problem: the three panels
of its Figure 3 (arXiv 2510.06660), from the same points, steps and seeds for each model.

This page runs the script with ``--quick``: small models, few steps. The full figure is in
:doc:`/reproducing_the_paper`.
"""

# %%
# The loss is the paper's: the mean square of the equation's residual plus that of the boundary values.
import argparse
from pathlib import Path

from gmnm_pde import KAN, LBFGS, MLP, Adam, Mixture, compare, registry
from gmnm_pde.compare import tune

SMALL = {"gmnm": Mixture(components=60), "kan": lambda: KAN([2, 4, 1]), "mlp": lambda: MLP([2, 16, 16, 1])}

RATES = (1e-3, 3e-3, 1e-2, 3e-2)

parser = argparse.ArgumentParser(description="Figure 3 of arXiv 2510.06660.")
parser.add_argument("--quick", action="store_true", help="small models and few steps: seconds instead of hours")
parser.add_argument("--method", default="adam", choices=("adam", "lbfgs"))
parser.add_argument("--steps", type=int, default=20000)
parser.add_argument("--points", type=int, default=2500, help="in the interior")
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--time-limit", type=float, help="seconds for each run")
parser.add_argument("--device", default="cpu")
parser.add_argument("--out", type=Path, metavar="DIR", help="write rows, curves and figures there")
options = parser.parse_args()
if options.quick:
    options.steps, options.points, options.seeds = 100, 150, 2

problem = registry.load("poisson")
models = SMALL if options.quick else {name: name for name in SMALL}
conditions = {"points": options.points, "time_limit": options.time_limit, "device": options.device}

# %%
# Adam's learning rate is chosen for each model by the training loss of a short run, and falls as a cosine.
if options.method == "adam":
    tries = [Adam(max(20, options.steps // 20), lr=rate, schedule="cosine") for rate in RATES]
    _, tuned = tune(problem, models, tries, **conditions)
    methods = {name: Adam(options.steps, lr=one.lr, schedule="cosine") for name, one in tuned.items()}
else:
    methods = dict.fromkeys(models, LBFGS(options.steps))
compared = compare(problem, models, methods=methods, seeds=range(options.seeds), **conditions)
print(compared)

# %%
# Lines are geometric means over the seeds, bands reach from the least to the greatest. Boundary and residual are
# measured on points that were not trained on.
steps = compared.plot()

# %%
# The same over seconds: a step does not cost each model the same.
seconds = compared.plot(over="seconds")

# %%
# With ``--out DIR`` everything is written.
if options.out is not None:
    compared.write(options.out)
    steps.savefig(options.out / "figure3.png")
    seconds.savefig(options.out / "figure3_seconds.png")

# sphinx_gallery_thumbnail_path = "images/gallery/poisson_figure3.jpg"
