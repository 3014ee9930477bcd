r"""
An unknown conductivity from sensors
====================================

A rod cools: :math:`u_t = \kappa u_{xx}` on :math:`[0, 1]`, :math:`u = 0` at both ends, :math:`u(x, 0) = \sin \pi x`.
The conductivity :math:`\kappa` is not known. It is found together with the temperature from values at 30 sensors.
"""

# %%
# ``parameters`` names the unknown scalars and gives an initial guess for each. The exact solution here is
# :math:`e^{-\pi^2 \kappa t} \sin \pi x` with :math:`\kappa = 0.2`.
import torch

from gmnm_pde import Dirichlet, Initial, Interval, Mixture, Observations, Problem, Time, diff, solve

pi, true_kappa = torch.pi, 0.2
generator = torch.Generator().manual_seed(3)
sensors = torch.rand(30, 2, generator=generator, dtype=torch.float64)
noise = torch.randn(30, generator=generator, dtype=torch.float64)


def temperature(x, t):
    return torch.exp(-(pi**2) * true_kappa * t) * torch.sin(pi * x)


def cooling(noise_level):
    measured = temperature(*sensors.T) + noise_level * noise
    return Problem(
        domain=Interval(x=(0, 1)) * Time(t=(0, 1)),
        equations=lambda u, x, t, kappa: diff(u, t) - kappa * diff(u, x, x),
        conditions=[
            Dirichlet(u=0),
            Initial(u=lambda x: torch.sin(pi * x)),
            Observations(sensors, u=measured),
        ],
        parameters={"kappa": 1.0},
        exact=lambda x, t: {"u": temperature(x, t), "kappa": true_kappa},
        name=f"cooling rod, noise {noise_level:g}",
    )


# %%
# With exact data. The product :math:`\kappa u_{xx}` of two unknowns makes the problem nonlinear, so Newton's method is
# used. ``estimates`` holds an error estimate for the parameter too.
solution = solve(cooling(0.0), tol=1e-6)
print(solution)
print(f"kappa = {solution.parameters['kappa']:.10f}, estimated error {solution.report.estimates['kappa']:.1e}")

# %%
# With noise of standard deviation 0.01 the data contradict the equation. At full weight the fit bends the field
# towards the sensors; a small weight on the data lets the equation hold, and the data choose :math:`\kappa` alone.
noisy = {}
for weight in (1.0, 1e-8):
    found = noisy[weight] = solve(cooling(0.01), Mixture(components=150), weights={"data": weight})
    print(f"weight {weight:g}: kappa = {found.parameters['kappa']:.4f}, residual {found.report.residual:.1e}")
    print(f"    error of u {found.report.relative_l2:.1e}, estimated {found.report.error_estimate:.1e}")

# %%
# The error estimate speaks of the discretisation. It does not know that the data are noisy: with the small weight the
# estimate is small, and the error that the noise leaves in :math:`\kappa` and :math:`u` is not in it.
figure = noisy[1e-8].plot()

# sphinx_gallery_thumbnail_path = "images/gallery/inverse_conductivity.jpg"
