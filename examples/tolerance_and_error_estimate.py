r"""
A tolerance and an error estimate
=================================

The equation is Helmholtz's, :math:`\Delta u + k^2 u = 0` on the unit square, with boundary values of two plane waves.
The exact solution is known, so the error estimate can be compared with the error. The solver itself never sees it.
"""

# %%
# Without ``tol`` the solver aims at 1e-12. With it, components are added until the estimate of the relative L2 error
# is below the tolerance.
from gmnm_pde import GmnmError, Mixture, registry, solve

problem = registry.load("helmholtz", wavelengths=2)
print("   tol  estimate     error  components")
for tol in (1e-3, 1e-6, 1e-9):
    solution = solve(problem, tol=tol)
    report = solution.report
    print(f"{tol:6.0e}  {report.error_estimate:8.1e}  {report.relative_l2:8.1e}  {report.components:10d}")

# %%
# The dashed curve in the first panel is the estimate. It follows the error over the fits of one solve.
figure = solution.history.plot()

# %%
# A tolerance that is not met is said so. Here the number of components is fixed at too few.
short = solve(problem, Mixture(components=60), tol=1e-9)
print(short.report.converged, "-", short.report.reason)

# %%
# An impossible request is an error that names the call, what was expected, and the remedy.
try:
    solve(problem, tol=1e-9, weights={"boundry": 2.0})
except GmnmError as error:
    print(error)

# sphinx_gallery_thumbnail_path = "images/gallery/tolerance_and_error_estimate.jpg"
