r"""
A wave in space-time
====================

A vibrating string is plucked and held at both ends:

.. math:: u_{tt} = 4 u_{xx} \quad\text{on } [0, 1] \times [0, 1],

with :math:`u = 0` at both ends, :math:`u_t = 0` at the start and :math:`u(x, 0) = \sin \pi x + \frac12 \sin 4 \pi x`.
There is no time stepping: time is a coordinate like the others, and one least squares problem covers all of it.
"""

# %%
# ``Interval * Time`` is the space-time domain. ``Initial(u=0, order=1)`` prescribes the first time derivative.
import numpy as np
import torch

from gmnm_pde import Dirichlet, Initial, Interval, Problem, Time, diff, solve

pi, speed = torch.pi, 2.0


def exact(x, t):
    slow = torch.sin(pi * x) * torch.cos(speed * pi * t)
    return slow + 0.5 * torch.sin(4 * pi * x) * torch.cos(4 * speed * pi * t)


problem = Problem(
    domain=Interval(x=(0, 1)) * Time(t=(0, 1)),
    equations=lambda u, x, t: diff(u, t, t) - speed**2 * diff(u, x, x),
    conditions=[Dirichlet(u=0), Initial(u=lambda x: exact(x, torch.zeros_like(x))), Initial(u=0, order=1)],
    exact=exact,
    name="plucked string",
)

# %%
# The solution oscillates faster in time than in space. The widths of the components are searched for each coordinate
# on its own, by the residual on points that were not fitted.
solution = solve(problem, method="least-squares", tol=1e-9)
print(solution)
figure = solution.plot()

# %%
# The energy :math:`\int u_t^2 + 4 u_x^2 \, dx` is conserved. No equation says so; how nearly it holds is a check that
# needs no exact solution. Derivatives of the solution are those of its components, in closed form.
nodes, weights = np.polynomial.legendre.leggauss(40)
x, times = (nodes + 1) / 2, np.linspace(0, 1, 6)[:, None]
u = solution.jet(x=x, t=times)
density = (diff(u, "t") ** 2 + speed**2 * diff(u, "x") ** 2).tensor.detach().numpy().reshape(6, 40)
energy = density @ weights / 2
drift = np.ptp(energy) / energy[0]
print("energy:", energy)
print(f"largest relative change: {drift:.1e}")

# %%
# Each line is the crest of one component, coloured by its weight. The histogram shows that the components are narrower
# in time than in space.
components = solution.plot_components()

# sphinx_gallery_thumbnail_path = "images/gallery/wave_in_space_time.jpg"
