r"""
A shock in blocks and patches
=============================

Burgers' equation carries a sine towards the middle, where it steepens to a shock,

.. math:: u_t + u u_x = \nu u_{xx}, \qquad u(x, 0) = -\sin \pi x, \qquad \nu = 0.01 / \pi .

The shock is about :math:`4 \nu = 0.013` wide, on an interval of length 2. Components of one width cannot serve both.
"""

# %%
# One mixture says so: its error estimate is poor.
import sys

import numpy as np
import torch
from matplotlib.colors import LogNorm

from gmnm_pde import Mixture, registry, solve
from gmnm_pde.plots.patches import boxes_of, draw_boxes, edges_of
from gmnm_pde.plots.style import ERROR, INK, SIGNED, label, panels, styled

quick = "--quick" in sys.argv[1:]
problem = registry.load("burgers")
one = solve(problem, Mixture(components=400, widths=4.0), points=1200)
print(one)

# %%
# Patches are mixtures in boxes of their own. Boxes are halved where the residual on points that were not fitted is
# large, and only along the coordinate along which the solution bends: here across the shock. Blocks follow one another
# in time: each begins with what the last one ends with, and with its boxes.
#
# ``solve(problem)`` goes on to this by itself where one mixture leaves a poor estimate; asking for blocks saves the
# time that it takes to find that out.
tol = 1e-2 if quick else 1e-4
solution = solve(problem, Mixture(components=100), blocks=True, tol=tol)
print(solution)

# %%
# The smallest boxes are about half as wide as the shock, and there are few of them.
boxes = np.array(boxes_of(solution))
widths = boxes[:, 0, 1] - boxes[:, 0, 0]
print("blocks begin and end at t =", np.round(edges_of(solution), 3))
print(f"{len(boxes)} patches, from {widths.min():.3g} to {widths.max():.3g} wide")


# %%
# The field, the boxes over it, the error, and the shock from near at the end.
@styled
def picture():
    figure, ((field, error), (tiles, near)) = panels(2, 2, width=4.2, height=2.9)
    # points are dense where the shock is
    x = np.sinh(np.linspace(-1, 1, 401) * 6) / np.sinh(6)
    t = np.linspace(0, 1, 201)
    u = solution(x[:, None], t)
    exact = problem.exact_columns([torch.tensor(c) for c in np.broadcast_arrays(x[:, None], t)])[0]["u"].numpy()
    drawn = field.pcolormesh(x, t, u.T, cmap=SIGNED, vmin=-1, vmax=1, shading="gouraud", rasterized=True)
    figure.colorbar(drawn, ax=field, pad=0.02)
    label(field, ("x", "t"), "u")

    off = np.abs(u - exact)
    least = off.max() / 1e5
    drawn = error.pcolormesh(
        x,
        t,
        off.T.clip(least),
        cmap=ERROR,
        norm=LogNorm(off.max() * 1e-5, off.max()),
        shading="gouraud",
        rasterized=True,
    )
    figure.colorbar(drawn, ax=error, pad=0.02)
    label(error, ("x", "t"), f"|error of u|, relative L2 {solution.report.relative_l2:.1e}")

    draw_boxes(tiles, solution)
    label(tiles, ("x", "t"), f"{len(boxes)} patches in {len(edges_of(solution)) - 1} blocks")

    close = np.linspace(-0.03, 0.03, 301)
    shown = [k for k in boxes if k[1, 1] > 1 - 1e-9]
    for a in {end for k in shown for end in k[0] if abs(end) < 0.03}:
        near.axvline(a, color="0.8", lw=0.8)
    last = np.ones_like(close)
    near.plot(close, one(close, last), color=INK[1], lw=1.2, label="one mixture of 400")
    near.plot(close, solution(close, last), color=INK[0], lw=1.6, label="patches")
    truth = problem.exact_columns([torch.tensor(close[::20]), torch.tensor(last[::20])])[0]["u"]
    near.plot(close[::20], truth, "o", color="k", ms=3, mfc="none", label="exact")
    near.set_xlim(-0.03, 0.03)
    near.legend(loc="upper right")
    label(near, ("x", "u"), "the shock at t = 1; grey: edges of boxes")
    return figure


figure = picture()

# sphinx_gallery_thumbnail_path = "images/gallery/shock.jpg"
