"""What is linear is told by what a function does, too: dips near some value are seen by no number that is drawn."""

import torch

import gmnm_pde as g

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))


def linear(equation):
    return g.Problem(SQUARE, equation, [g.Dirichlet(u=0)]).linear


def test_narrow_coefficients_are_not_linear():
    assert not linear(lambda u: g.div((1 - 0.9999 * torch.exp(-(((u - 0.5) / 1e-3) ** 2))) * g.grad(u)))
    assert not linear(lambda u: g.laplacian(u) - torch.where((u > 2) & (u < 2.001), 1.0, 0.0))


def test_functions_of_coordinates_are_coefficients():
    assert linear(lambda u, x, y: g.div(torch.exp(torch.abs(x)) * g.grad(u)) - u / torch.sqrt(1 + y**2))
    assert linear(lambda u, x: g.laplacian(u) - torch.where(x > 0.5, u, 2 * u))
