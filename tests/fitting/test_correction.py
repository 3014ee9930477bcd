"""Error estimates of trained networks, from what a mixture adds to correct them."""

import math

import pytest
import torch
from torch import nn

import gmnm_pde as g
from gmnm_pde.models import Mixture, Normalized
from gmnm_pde.residuals import CorrectedSystem, ReadoutSystem
from gmnm_pde.residuals.pointwise import Placed
from gmnm_pde.sampling import sample

POINTS = {"interior": 200, "boundary": 80}


class Scaled(nn.Module):
    """No linear layer ends it."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 14), nn.Tanh(), nn.Linear(14, 1))

    def forward(self, x):
        return torch.sinh(self.layers(x))


def ratio(report):
    return report.error_estimate / report.relative_l2


@pytest.mark.parametrize("name", ["poisson", "nonlinear_poisson", "klein_gordon"])
def test_far_from_done_the_estimate_is_near_the_error(name):
    torch.manual_seed(0)
    report = g.solve(g.registry.load(name), g.MLP([2, 16, 16, 1]), g.ProximalGaussNewton(steps=8), points=POINTS).report
    assert report.relative_l2 > 0.1 and 0.9 <= ratio(report) <= 3, str(report)


def test_near_the_solution_too():
    torch.manual_seed(0)
    model, method = g.MLP([2, 16, 16, 1]), g.ProximalGaussNewton(steps=15)
    report = g.solve(g.registry.load("advection"), model, method, points=POINTS).report
    assert report.converged and 0.9 <= ratio(report) <= 6, str(report)


def test_a_module_that_ends_in_no_linear_layer_has_an_estimate():
    torch.manual_seed(0)
    report = g.solve(g.registry.load("poisson"), Scaled(), g.ProximalGaussNewton(steps=12), points=POINTS).report
    assert 0.9 <= ratio(report) <= 3, str(report)


def test_conditions_met_by_construction_and_an_unknown_parameter():
    torch.manual_seed(0)
    places = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)[:, None]
    problem = g.Problem(
        domain=g.Interval(x=(0, 1)),
        equations=lambda u, x, k: g.diff(u, x, x) + k * torch.sin(math.pi * x),
        conditions=[g.Dirichlet(u=0), g.Observations(places, u=lambda x: torch.sin(math.pi * x))],
        parameters={"k": 1.0},
        exact=lambda x: torch.sin(math.pi * x),
    )
    report = g.solve(problem, g.MLP([1, 8, 1]), g.GaussNewton(steps=3), points=60, hard=True).report
    off = abs(report.found["k"] - math.pi**2)
    assert 0.9 <= ratio(report) <= 3 and off <= 1.1 * report.estimates["k"] <= 5 * off, str(report)


def test_noise_is_not_taken_for_an_error():
    torch.manual_seed(0)
    at = torch.linspace(0, 1, 60, dtype=torch.float64)
    values = torch.sin(3 * at) + 0.1 * torch.randn(60, dtype=torch.float64)
    problem = g.Problem(domain=g.Interval(x=(0, 1)), conditions=[g.Observations(at[:, None], u=values)])
    report = g.solve(problem, g.MLP([1, 4, 1]), g.GaussNewton(steps=20)).report
    assert report.error_estimate < 0.5


def test_the_corrected_residual_is_that_of_the_sum():
    problem = g.registry.load("nonlinear_poisson")
    bounds, generator = problem.domain.bounds, torch.Generator().manual_seed(0)
    known = Normalized(g.MLP([2, 7, 1]).double(), bounds)
    mixture = Normalized(Mixture().draw(2, 1, 20, (2.0, 2.0), seed=0), bounds)
    placed = [Placed(term, sample(term.region, 12, "sobol", seed=1)) for term in problem.terms]
    corrected = CorrectedSystem(problem, mixture, placed, known=known)
    theta = torch.randn(20, generator=generator, dtype=torch.float64)

    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.known, self.mixture = known, mixture

        def forward(self, x):
            return self.known(x) + self.mixture(x)

    found = corrected.residual(theta)
    expected = ReadoutSystem(problem, Sum(), placed, engine="reverse").residual(theta[:0])
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    step = 1e-6 * torch.randn(20, generator=generator, dtype=torch.float64)
    moved = corrected.residual(theta + step) - found
    linear = torch.cat([A @ step for A, _ in corrected.blocks(theta)])
    torch.testing.assert_close(moved, linear, rtol=1e-4, atol=1e-9)
