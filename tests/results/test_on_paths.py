"""Values at one point, corrected by random paths: right to within their errors, or refused."""

import math

import pytest
import torch

import gmnm_pde as g

D = 5


def trained(problem, steps=30, width=8):
    torch.manual_seed(0)
    return g.solve(problem, g.MLP([problem.domain.dimension, width, 1]), g.Adam(steps, lr=1e-2), points=200)


def forward(equation, start, exact=None):
    cone = g.DiffusionCone(apex=0.2, t=(0, 0.2), coordinates=("x", D))
    return g.Problem(cone, equation, [g.Initial(u=start)], exact=exact)


def test_a_linear_equation_whatever_the_network():
    problem = forward(lambda u, t: g.diff(u, t) - g.laplacian(u) + 0.5 * u, lambda x: 1 + x @ x)
    solution = trained(problem)
    right = math.exp(-0.1) * (1 + 2 * D * 0.2)
    found = solution.at_point(x=0.0, t=0.2, paths=4000)
    assert abs(found.uncorrected - right) > 0.3  # the network is poor
    assert abs(found.value - right) < found.error < 0.06


def test_drift_and_diffusion_that_vary_backward_in_time():
    problem = g.registry.load("black_scholes_nd", dimension=4)
    found = trained(problem).at_point(x=[1.0, 0.5, 1.0, 0.5], t=0.0, paths=8000, steps=40)
    right = math.exp(0.21) * 2.5
    assert abs(found.uncorrected - right) > 0.2
    assert abs(found.value - right) < found.error + 0.02  # steps in time move prices a little otherwise


@pytest.mark.slow
def test_a_nonlinear_equation_by_a_network_that_is_near():
    problem = g.registry.load("hjb_nd", dimension=4)
    torch.manual_seed(0)
    near = g.solve(problem, g.MLP([5, 16, 16, 1]), g.GaussNewton(steps=40), points=300)
    found = near.at_point(x=0.0, t=0.0, paths=500)
    (right,) = problem.exact_columns(torch.zeros(1, 5, dtype=torch.float64).unbind(1))[0].values()
    assert abs(found.value - right.item()) < found.error < 0.02


def test_mixed_derivatives():
    cone = g.DiffusionCone(apex=0.2, t=(0, 0.2), coordinates=("x", 2))

    def equation(u, x, t):
        return g.diff(u, t) - g.laplacian(u) - g.diff(u, "x_1", "x_2")

    solution = trained(g.Problem(cone, equation, [g.Initial(u=lambda x: x[0] * x[1] + 1)]))
    found = solution.at_point(x=0.0, t=0.2, paths=4000)
    assert abs(found.value - 1.2) < found.error < 0.05  # u = x y + t + 1


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (lambda: g.registry.load("two_body_nd", dimension=3), "in all of space"),
        (lambda: g.registry.load("heat"), "in all of space"),
    ],
)
def test_other_problems_are_refused(problem, words):
    stated = problem()
    solution = trained(stated, steps=2)
    with pytest.raises(g.GmnmError, match=words):
        solution.at_point(*[0.5] * stated.domain.dimension)


def test_counts_are_checked():
    solution = trained(forward(lambda u, t: g.diff(u, t) - g.laplacian(u), lambda x: x @ x), steps=2)
    with pytest.raises(g.GmnmError, match="paths of at least 2"):
        solution.at_point(x=0.0, t=0.2, paths=1)
    with pytest.raises(g.GmnmError, match="one point"):
        solution.at_point(x=torch.zeros(3, D), t=0.2)
