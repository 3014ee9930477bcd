r"""
A hundred dimensions: values at one point
=========================================

Three equations of the literature, backward or forward in time, each in all of space with a hundred coordinates. What is
asked for is one value. Points are taken where a diffusion that begins there comes to; the value is corrected, and its
error told, by random paths.

.. math:: u_t = \Delta u + u - u^3, \qquad u_t + \Delta u = |\nabla u|^2, \qquad
   u_t + \tfrac{\sigma^2}{2} \sum_i x_i^2 u_{ii} = r (u - x \cdot \nabla u).

This page runs the script with ``--quick``: ten coordinates, and few steps.
"""

# %%
# Nobody writes a hundred names: ``("x", 100)`` stands for x_1 to x_100, which functions ask for as one vector ``x``.
# The first problem is stated here, as ``registry.load("allen_cahn_nd")`` states it.
import argparse
import time

import torch

from gmnm_pde import GMNM, MLP, Adam, DiffusionCone, Initial, LeastSquares, Problem, diff, laplacian, registry, solve

parser = argparse.ArgumentParser(description="Values at one point of equations in a hundred dimensions.")
parser.add_argument("--quick", action="store_true", help="ten dimensions, few steps and paths")
options = parser.parse_args()
dimension, steps, paths = (10, 150, 400) if options.quick else (100, 2500, 4000)

allen_cahn = Problem(
    DiffusionCone(apex=0.3, t=(0, 0.3), coordinates=("x", dimension)),
    lambda u: diff(u, "t") - laplacian(u) - u + u**3,
    [Initial(u=lambda x: 1 / (2 + 0.4 * (x @ x)))],
    name="Allen-Cahn",
)


# %%
# Gaussian bumps that are wide and near the center depend on the distance above all, as the solution does: least squares
# solves for their weights, by Newton steps.
def bumps(count: int) -> GMNM:
    """Wide Gaussian bumps around the center of space, at all times."""
    model, generator = GMNM(dimension + 1, 1, count, form="diagonal"), torch.Generator().manual_seed(0)
    places = 2 * torch.rand(count, dimension + 1, generator=generator) - 1
    with torch.no_grad():
        model.centers.copy_(places * torch.tensor([0.18] * dimension + [1.2]))
        model.kernel.set_slopes(torch.tensor([2.5 / dimension**0.5] * dimension + [1.0]).expand(count, -1))
    return model.double()


def told(name: str, point: object, reference: float, started: float) -> None:
    """Print a value beside what is known of it."""
    seconds = time.process_time() - started
    known = f"; the literature has {reference:g}" if dimension == 100 else ""
    print(f"{name}: {point}{known}; {seconds:.0f} s of the processor")


started = time.process_time()
count = 60 if options.quick else 200
solution = solve(allen_cahn, bumps(count), LeastSquares(), points={"interior": 6 * count, "boundary": 3 * count})
first = solution.at_point(x=0.0, t=0.3, paths=paths, steps=20)
told("Allen-Cahn", first, 0.0528, started)

# %%
# A network is trained on second derivatives along sixteen random directions, others at each step, in place of a hundred
# second derivatives: ``Adam(directions=16)``. |grad u|^2 is exact.
started = time.process_time()
torch.manual_seed(0)
hjb = registry.load("hjb_nd", dimension=dimension)
solution = solve(
    hjb,
    MLP([dimension + 1, 32, 32, 1]),
    Adam(steps, lr=5e-3, schedule="cosine", batch=256, directions=min(16, dimension // 2)),
    points={"interior": 4000, "boundary": 4000},
    weights={"boundary": 10.0},
)
second = solution.at_point(x=0.0, t=0.0, paths=paths // 2)
told("Hamilton-Jacobi-Bellman", second, 4.5901, started)
print(f"  relative L2 error of the network where the paths are: {solution.report.relative_l2:.1e}")

# %%
# Of a linear equation the paths have the value even where the model is poor; the better it is, the less they scatter.
started = time.process_time()
prices = [1.0 if k % 2 == 0 else 0.5 for k in range(dimension)]
black_scholes = registry.load("black_scholes_nd", dimension=dimension)
solution = solve(black_scholes, bumps(count), LeastSquares(), points={"interior": 6 * count, "boundary": 3 * count})
third = solution.at_point(x=prices, t=0.0, paths=paths // 4, steps=100)
told("Black-Scholes", third, 77.105, started)
