r"""
Poisson's equation in ten lines
===============================

State an equation, solve it, and read what the solution says about itself. The equation is

.. math:: \Delta u = -2 \pi^2 \sin(\pi x) \sin(\pi y) \quad\text{on } [-1, 1]^2, \qquad u = 0 \text{ on the boundary,}

whose solution is :math:`u = \sin(\pi x) \sin(\pi y)`.
"""

# %%
# An equation is a function that returns its residual. Its arguments are bound by name: ``x`` and ``y`` are the
# coordinates of the domain, so ``u`` is the unknown field.
import torch

from gmnm_pde import Dirichlet, Problem, Rectangle, laplacian, solve

pi = torch.pi


def poisson(u, x, y):
    return laplacian(u) + 2 * pi**2 * torch.sin(pi * x) * torch.sin(pi * y)


problem = Problem(
    domain=Rectangle(x=(-1, 1), y=(-1, 1)),
    equations=poisson,
    conditions=[Dirichlet(u=0)],
    exact=lambda x, y: torch.sin(pi * x) * torch.sin(pi * y),
)

# %%
# The exact solution serves only to judge. ``verify`` puts it through the equation and the condition, so that a wrong
# sign is found before anything is solved.
print(problem.verify())

# %%
# The equation is linear, so each fit is one linear least squares problem. The number of components grows until the
# error estimate, which does not use the exact solution, is small.
solution = solve(problem)
print(solution)

# %%
# A solution is a function: numbers in, numbers out, broadcast like arrays.
print(solution(x=0.3, y=[0.1, 0.2]))

# %%
# The field, its error and the residual of the equation. The errors stand at the level of rounding.
figure = solution.plot()

# %%
# The same quantities over the course of the solve, one mark for each fit.
curves = solution.history.plot()

# sphinx_gallery_thumbnail_path = "images/gallery/poisson_in_ten_lines.jpg"
