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

from gmnm_pde import MLP, Adam, DiffusionCone, Initial, Mixture, Problem, diff, laplacian, registry, solve

parser = argparse.ArgumentParser(description="Values at one point of equations in a hundred dimensions.")
parser.add_argument("--quick", action="store_true", help="ten dimensions, few steps and paths")
options = parser.parse_args()
dimension, steps, paths, seconds = (10, 150, 400, None) if options.quick else (100, 2500, 2000, 20)
mixture = Mixture(components=150 if options.quick else None)

allen_cahn = Problem(
    DiffusionCone(apex=0.3, t=(0, 0.3), coordinates=("x", dimension)),
    lambda u: diff(u, "t") - laplacian(u) - u + u**3,
    [Initial(u=lambda x: 1 / (2 + 0.4 * (x @ x)))],
    name="Allen-Cahn",
)


# %%
# Least squares for the weights of a mixture need nothing else: points of the cone are all that is different.
def told(name: str, point: object, reference: float, started: float) -> None:
    """Print a value beside what is known of it."""
    seconds = time.process_time() - started
    known = f"; the literature has {reference:g}" if dimension == 100 else ""
    print(f"{name}: {point}{known}; {seconds:.0f} s of the processor")


started = time.process_time()
solution = solve(allen_cahn, mixture, time_limit=seconds)
first = solution.at_point(x=0.0, t=0.3, paths=paths, steps=20)
told("Allen-Cahn", first, 0.0528, started)

started = time.process_time()
hjb = registry.load("hjb_nd", dimension=dimension)
solution = solve(hjb, mixture, time_limit=seconds)
second = solution.at_point(x=0.0, t=0.0, paths=paths, steps=20)
told("Hamilton-Jacobi-Bellman", second, 4.5901, started)
report = solution.report
print(f"  relative L2 error where paths are {report.relative_l2:.1e}, estimate {report.error_estimate:.1e}")

# %%
# A network is trained on second derivatives along sixteen random directions, others at each step, in place of a hundred
# second derivatives: ``Adam(directions=16)``. The square of the gradient is exact.
started = time.process_time()
torch.manual_seed(0)
network = solve(
    hjb,
    MLP([dimension + 1, 32, 32, 1]),
    Adam(steps, lr=5e-3, schedule="cosine", batch=256, directions=min(16, dimension // 2)),
    points={"interior": 4000, "boundary": 4000},
    weights={"boundary": 10.0},
)
trained = network.at_point(x=0.0, t=0.0, paths=paths)
told("The same by a network", trained, 4.5901, started)
print(f"  relative L2 error where paths are {network.report.relative_l2:.1e}")

# %%
# Prices of the Black-Scholes equation go farther than a cone of normal distributions, and what a mixture has out there
# no equation binds: paths would say so by a large error. The solution's own value is the better one.
started = time.process_time()
prices = [1.0 if k % 2 == 0 else 0.5 for k in range(dimension)]
solution = solve(registry.load("black_scholes_nd", dimension=dimension), mixture, time_limit=seconds)
third = solution(x=prices, t=0.0)
told("Black-Scholes", f"{third:.6g}", 77.105, started)
print(
    f"  relative L2 error in the cone {solution.report.relative_l2:.1e}, estimate {solution.report.error_estimate:.1e}"
)

# sphinx_gallery_thumbnail_path = "images/gallery/hundred_dimensions.jpg"

# %%
# A function of a hundred coordinates that is a sum of functions of pairs: of 4,950 pairs those that act together are
# found by what ridges on single coordinates leave, and ridges lie on these.
started = time.process_time()
two_body = registry.load("two_body_nd", dimension=dimension)
report = solve(two_body, tol=1e-3).report
print(f"Two bodies: error {report.relative_l2:.1e}, estimate {report.error_estimate:.1e}", end="; ")
print(f"{time.process_time() - started:.0f} s of the processor")
