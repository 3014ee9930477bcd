"""The four problems in Scimba (its PyTorch side), on domains of the plane: time is the second coordinate.

On rectangles the network is put into a formula that meets all conditions, as Scimba's strong conditions are stated; on
the square with holes they are weak. Default: its ``PinnsElliptic``, with Adam. Best: its natural gradient (``ENG``).
Both draw new points in every step, and are in float64, as Scimba is by default.
"""

import math
from importlib.metadata import version

import torch
from budgets import CENTERS, RADIUS, VISCOSITY, Run
from scimba_torch.approximation_space.nn_space import NNxSpace
from scimba_torch.domain.meshless_domain.domain_2d import Disk2D, Square2D
from scimba_torch.integration.monte_carlo import DomainSampler, TensorizedSampler
from scimba_torch.integration.monte_carlo_parameters import UniformParametricSampler
from scimba_torch.neural_nets.coordinates_based_nets.mlp import GenericMLP
from scimba_torch.numerical_solvers.elliptic_pde.pinns import NaturalGradientPinnsElliptic, PinnsElliptic
from scimba_torch.physical_models.elliptic_pde.abstract_elliptic_pde import StrongFormEllipticPDE
from scimba_torch.utils.scimba_tensors import LabelTensor

BOUNDS = {"poisson": [(-1, 1), (-1, 1)], "wave": [(0, 1), (0, 1)], "burgers": [(-1, 1), (0, 1)]}


def combine(u, first, second):
    """The equation's left side from u, its two slopes, and its unmixed second derivatives."""
    if run.problem == "wave":
        return second[1] - 4 * second[0]
    if run.problem == "burgers":
        return first[1] + u * first[0] - VISCOSITY * second[0]
    return second[0] + second[1]


def meet_conditions(out, a, b):
    """A function that meets all conditions, from the network's output."""
    if run.problem == "poisson":
        return out * (1 - a**2) * (1 - b**2)
    if run.problem == "wave":
        return torch.sin(math.pi * a) + 0.5 * torch.sin(4 * math.pi * a) + out * b**2 * a * (1 - a)
    return -torch.sin(math.pi * a) + out * b * (1 - a**2)


def in_batches(out, x, mu):
    return meet_conditions(out, *x.get_components())


def at_a_point(func, x, mu, theta):
    return meet_conditions(func(x, mu, theta), x[0], x[1])


class Equation(StrongFormEllipticPDE):
    """The equation of the problem, and Dirichlet conditions where they are weak."""

    def rhs(self, w, x, mu):
        a, b = x.get_components()
        if run.problem == "poisson":
            return -2 * math.pi**2 * torch.sin(math.pi * a) * torch.sin(math.pi * b)
        return torch.zeros_like(a)

    def operator(self, w, x, mu):
        u = w.get_components()
        first = tuple(self.grad(u, x))
        second = [tuple(self.grad(first[k], x))[k] for k in range(2)]
        return combine(u, first, second)

    def functional_operator(self, func, x, mu, theta):
        slopes = torch.func.jacrev(func, 0)
        first, second = slopes(x, mu, theta), torch.func.jacrev(slopes, 0)(x, mu, theta)
        return combine(func(x, mu, theta), first.unbind(-1), [second[..., k, k] for k in range(2)])

    def bc_rhs(self, w, x, n, mu):
        a, b = x.get_components()
        return (torch.maximum(a.abs(), b.abs()) > 0.45).to(a)

    def bc_operator(self, w, x, n, mu):
        return w.get_components()

    def functional_operator_bc(self, func, x, n, mu, theta):
        return func(x, mu, theta)


def look(_):
    """Writes values at the budgets, and stops the training when the time is up; called before every step."""
    if run.step(values):
        solver.max_epochs = 0


def values():
    x = LabelTensor(torch.from_numpy(run.points))
    mu = LabelTensor(torch.zeros((len(run.points), 0)))
    return space.evaluate(x, mu).w.detach()


run = Run()
torch.manual_seed(0)
holes = run.problem == "four_holes"
domain = Square2D([(-0.5, 0.5), (-0.5, 0.5)] if holes else BOUNDS[run.problem], is_main_domain=True)
for center in CENTERS if holes else ():
    domain.add_hole(Disk2D(center, RADIUS, is_main_domain=False))
sampler = TensorizedSampler([DomainSampler(domain), UniformParametricSampler([])])
formula = {} if holes else {"post_processing": in_batches}
space = NNxSpace(1, 0, GenericMLP, domain, sampler, layer_sizes=[20, 20, 20], activation_type="tanh", **formula)
equation = Equation(space, linear=run.problem != "burgers", residual_size=1, bc_residual_size=1)
settings = {"bc_type": "weak" if holes else "strong", "create_quantities_for_loss": look}
if run.best and not holes:
    settings["functional_post_processing"] = at_a_point
solver = (NaturalGradientPinnsElliptic if run.best else PinnsElliptic)(equation, **settings)
words = "natural gradient" if run.best else "Adam"
try:
    solver.solve(epochs=10**6, n_collocation=2000, n_bc_collocation=1000, silent=True)
except torch.linalg.LinAlgError:
    words += f" (ended after {run.seconds:.0f} s: its matrix is singular)"
    space.load_from_best_approx()
    run.record(values)
run.finish(version("scimba"), f"{words}, float64, 2-20-20-20-1, 2,000 points anew in every step")
