r"""
The Navier-Stokes equations as a system
=======================================

Kovasznay flow, the steady flow behind a grid, is an exact solution of

.. math:: (\mathbf u \cdot \nabla) \mathbf u + \nabla p = \frac{1}{Re} \Delta \mathbf u,
          \qquad \nabla \cdot \mathbf u = 0.

Several unknown fields, several named residuals and a nonlinearity need nothing new in the statement.
"""

# %%
# One function may return several residuals as a dict. The names come back in reports, weights and curves. The fields
# are ``u``, ``v`` and ``p``, in the order in which the arguments name them.
import math

import torch

from gmnm_pde import Dirichlet, Observations, Problem, Rectangle, curl, diff, laplacian, solve

reynolds = 40.0
decay = reynolds / 2 - math.sqrt(reynolds**2 / 4 + 4 * math.pi**2)


def navier_stokes(u, v, p, x, y):
    return {
        "momentum_x": u * diff(u, x) + v * diff(u, y) + diff(p, x) - laplacian(u) / reynolds,
        "momentum_y": u * diff(v, x) + v * diff(v, y) + diff(p, y) - laplacian(v) / reynolds,
        "mass": diff(u, x) + diff(v, y),
    }


def kovasznay(x, y):
    u = 1 - torch.exp(decay * x) * torch.cos(2 * math.pi * y)
    v = decay / (2 * math.pi) * torch.exp(decay * x) * torch.sin(2 * math.pi * y)
    return {"u": u, "v": v, "p": (1 - torch.exp(2 * decay * x)) / 2}


# %%
# The velocity is given on the boundary. The pressure is free up to a constant, so its value at one point is given too.
problem = Problem(
    domain=Rectangle(x=(-0.5, 1), y=(-0.5, 0.5)),
    equations=navier_stokes,
    conditions=[
        Dirichlet(u=lambda x, y: kovasznay(x, y)["u"], v=lambda x, y: kovasznay(x, y)["v"]),
        Observations([[0.0, 0.0]], p=[0.0]),
    ],
    exact=kovasznay,
    name="Kovasznay flow",
)
print(problem.verify())

# %%
# The fields share their components and have mixture weights of their own. Newton's method linearises the residuals at
# every point; each step is a linear least squares problem.
solution = solve(problem, tol=1e-6)
print(solution)
figure = solution.plot()

# %%
# Any derived quantity follows from the solution's derivatives: the vorticity at a point, and its exact value.
fields = solution.jet(x=0.1, y=0.2)
vorticity = curl(fields["u"], fields["v"]).tensor.item()
exact_vorticity = decay * reynolds * math.exp(decay * 0.1) * math.sin(2 * math.pi * 0.2) / (2 * math.pi)
print(f"vorticity {vorticity:.9f}, exact {exact_vorticity:.9f}")

# sphinx_gallery_thumbnail_path = "images/gallery/navier_stokes_system.jpg"
