r"""
A surface in a solid
====================

The gyroid is a surface that divides space into two mazes. It is nearly where

.. math:: g = \sin x \cos y + \sin y \cos z + \sin z \cos x

is zero, and :math:`\Delta g = -2 g`. Here :math:`g` is found from its values on the faces of a cube, by
:math:`\Delta u - u = -3 g`: three coordinates are stated as two are.
"""

# %%
import torch

from gmnm_pde import Box, Dirichlet, Problem, laplacian, solve


def gyroid(x, y, z):
    return torch.sin(x) * torch.cos(y) + torch.sin(y) * torch.cos(z) + torch.sin(z) * torch.cos(x)


problem = Problem(
    domain=Box(x=(-3, 3), y=(-3, 3), z=(-3, 3)),
    equations=lambda u, x, y, z: laplacian(u) - u + 3 * gyroid(x, y, z),
    conditions=[Dirichlet(u=gyroid)],
    exact=gyroid,
    name="gyroid",
)
solution = solve(problem, tol=1e-2)
print(solution)

# %%
# Surfaces of one value; by default three between the least and the greatest.
figure = solution.plot_isosurfaces(levels=[0.0])

# %%
# A cut, with the error and the residual in it.
cut = solution.plot(at={"z": 1.0})

# %%
# By the symmetry of the gyroid its mean is zero, and so is that of the solution.
print(f"mean {solution.integral() / 6**3:.1e}")

# sphinx_gallery_thumbnail_path = "images/gallery/three_dimensions.jpg"
