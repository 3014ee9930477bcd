r"""
How a drum sounds
=================

A round drum vibrates in modes, each with its own frequency: :math:`\Delta u + k u = 0` on the unit disk, :math:`u = 0`
on its rim. The values :math:`k` for which there is such a :math:`u` are squared zeros of Bessel functions.
"""

# %%
# The unknown scalar is a parameter of the problem. Its guess says near which value to look.
import numpy as np
from scipy.special import jn_zeros

from gmnm_pde import Dirichlet, Disk, Problem, eigenmodes, laplacian

drum = Problem(
    Disk(center=(0, 0), radius=1),
    lambda u, k: laplacian(u) + k * u,
    [Dirichlet(u=0)],
    parameters={"k": 0.0},
    name="drum",
)
spectrum = eigenmodes(drum, count=9, tol=1e-4)
print(spectrum)

# %%
# Values that belong to two modes come twice, since the modes of a round drum can be turned.
zeros = np.sort(np.concatenate([np.repeat(jn_zeros(n, 3), 1 if n == 0 else 2) for n in range(6)]))[:9]
error = np.abs(np.array(spectrum.values) / zeros**2 - 1).max()
print(f"largest relative error, by Bessel functions: {error:.1e}")

# %%
# Each mode is a solution: a function with derivatives, figures and files.
figure = spectrum.plot()

# sphinx_gallery_thumbnail_path = "images/gallery/eigenmodes.jpg"
