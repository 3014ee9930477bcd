r"""
Shapes put together
===================

A spanner is a bar and a disk, less a round hole and a flower that a function of the coordinates describes. On it,

.. math:: \Delta u = -13 \sin 2x \cos 3y,

with values on the outer edge and the flux through the two holes. The solution is :math:`u = \sin 2x \cos 3y`.
"""

# %%
# Shapes are joined by ``|``, cut to what they share by ``&`` and cut out by ``-``. A shape that has no name of its own
# is a function, negative inside and positive outside; it need not be a true distance.
import numpy as np
import torch

from gmnm_pde import Condition, Dirichlet, Disk, Problem, Rectangle, SignedDistance, laplacian, normal_derivative, solve
from gmnm_pde.geometry import Region
from gmnm_pde.plots.style import INK, SIGNED, label, panels, styled
from gmnm_pde.sampling import sample


def flower(x, y):
    return torch.hypot(x - 1.5, y) - 0.4 - 0.08 * torch.cos(5 * torch.atan2(y, x - 1.5))


bar = Rectangle(x=(-1.6, 1.2), y=(-0.35, 0.35))
head = Disk(center=(1.5, 0), radius=0.8)
eye = Disk(center=(-1.3, 0), radius=0.15)
nut = SignedDistance(flower, x=(0.9, 2.1), y=(-0.6, 0.6))
spanner = (bar | head) - eye - nut
print(f"area {spanner.interior.measure:.3f}, of which the flower took {nut.interior.measure:.3f}")


# %%
# The boundary of a shape that took part selects what is left of it, with normals that point out of the whole: here into
# the holes. A condition may ask for the ``normal``, [n, 2].
def exact(x, y):
    return torch.sin(2 * x) * torch.cos(3 * y)


def flux(u, x, y, normal):
    slope = (
        2 * torch.cos(2 * x) * torch.cos(3 * y) * normal[:, 0] - 3 * torch.sin(2 * x) * torch.sin(3 * y) * normal[:, 1]
    )
    return normal_derivative(u) - slope


problem = Problem(
    domain=spanner,
    equations=lambda u, x, y: laplacian(u) + 13 * torch.sin(2 * x) * torch.cos(3 * y),
    conditions=[
        Dirichlet(u=exact, on=bar.boundary, name="bar"),
        Dirichlet(u=exact, on=head.boundary, name="head"),
        Condition(flux, on=eye.boundary, name="eye"),
        Condition(flux, on=nut.boundary, name="nut"),
    ],
    exact=exact,
    name="spanner",
)
print(problem.verify())

# %%
# The exact solution is smooth across the holes, so it is found to as many digits as on a rectangle.
solution = solve(problem, tol=1e-8)
print(solution)


# %%
# The field, and normals on each part of the boundary.
@styled
def picture():
    figure, ((axes,),) = panels(1, 1, width=6.4, height=3.0)
    (left, right), (low, high) = spanner.bounds
    x, y = np.meshgrid(np.linspace(left, right, 400), np.linspace(low, high, 200))
    inside = spanner.contains(torch.tensor(np.stack([x.ravel(), y.ravel()], axis=1))).numpy().reshape(x.shape)
    field = np.full(x.shape, np.nan)
    field[inside] = solution(x[inside], y[inside])
    shown = axes.imshow(field, extent=(left, right, low, high), origin="lower", cmap=SIGNED, aspect="equal")
    for ink, term in zip(INK, problem.terms[1:], strict=False):
        assert isinstance(term.region, Region)
        cloud = sample(term.region, round(16 * term.region.measure))
        assert cloud.normals is not None
        axes.quiver(*cloud.points.T, *cloud.normals.T, color=ink, width=0.0025, scale=28, label=term.name)
    axes.set_xlim(left - 0.2, right + 0.2)
    axes.set_ylim(low - 0.2, high + 0.2)
    label(axes, ("x", "y"), "")
    figure.colorbar(shown, ax=axes, label="u")
    figure.legend(loc="outside upper center", ncols=4)
    return figure


figure = picture()

# sphinx_gallery_thumbnail_path = "images/gallery/shapes.jpg"
