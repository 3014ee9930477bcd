"""What tracing finds out of a residual, whatever the size of its numbers, and what it refuses."""

import pytest
import torch

import gmnm_pde as g

ROD = g.Interval(x=(0, 1))


def stated(equation, *conditions, **more):
    return g.Problem(ROD, equation, conditions or [g.Dirichlet(u=0)], **more)


def hidden(u):
    with torch.no_grad():
        square = u**2
    return g.laplacian(u) + square


NONLINEAR = {
    "a small cube": lambda u: 1e-8 * g.laplacian(u) - 1e-18 * u**3,
    "radiation in SI units": lambda u: g.diff(u, "x") + 2e-17 * (u**4 - 300.0**4),
    "a ramp": lambda u: g.laplacian(u) + torch.relu(u - 5),
    "a far ramp": lambda u: g.laplacian(u) + torch.relu(u - 1e11),
    "stairs": lambda u: g.laplacian(u) + torch.floor(u / 50),
    "a bound": lambda u, x: g.laplacian(u) + torch.minimum(u, 7 + 0 * x),
    "a root": lambda u: g.laplacian(u) + torch.sqrt(u),
    "a quotient": lambda u: g.laplacian(u) + 1 / u,
    "a logarithm": lambda u: g.laplacian(u) + torch.log(u),
    "a sine": lambda u: g.laplacian(u) + torch.sin(u),
    "a steep step": lambda u: g.laplacian(u) + torch.tanh(u / 1e-6),
    "a sign": lambda u: g.laplacian(u) + torch.sign(u),
}


@pytest.mark.parametrize("name", NONLINEAR)
def test_nonlinear_terms_are_seen_at_every_size(name):
    assert not stated(NONLINEAR[name]).linear


LINEAR = {
    "a coefficient that jumps": lambda u, x: g.laplacian(u) + torch.where(x > 0.5, 1.0, 2.0) * u,
    "coefficients of all sizes": lambda u, x: 1e-12 * g.laplacian(u) + 1e9 * torch.exp(-x) * u - 1e30,
    "products that cancel": lambda u, x: (torch.sin(x) ** 2 + torch.cos(x) ** 2 - 1) * u + g.laplacian(u),
    "a flux": lambda u, x: g.diff((1 + x**2) * g.diff(u, x), x) + 1 / x,
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_terms_stay_linear(name):
    assert stated(LINEAR[name]).linear


def test_values_that_conditions_prescribe_are_looked_at():
    def melting(u):
        return g.laplacian(u) + torch.exp(-((u - 273.15) ** 2))

    ends = [g.Dirichlet(u=250, on=ROD.face(x=0)), g.Dirichlet(u=350, on=ROD.face(x=1))]
    assert not stated(melting, *ends).linear


REFUSED = {
    "detach": (lambda u: g.laplacian(u) + u.detach(), "otherwise than its derivatives say"),
    "data": (lambda u: g.laplacian(u) * u.data, "otherwise than its derivatives say"),
    "no_grad": (hidden, "otherwise than its derivatives say"),
    "one of the points": (lambda u: g.laplacian(u) + u[0], "depends on other points"),
    "a mean": (lambda u: g.laplacian(u) + u.mean(), "depends on other points"),
    "a small mean": (lambda u: g.laplacian(u) + 1e-7 * u.mean(), "depends on other points"),
    "a sum of those before": (lambda u: g.laplacian(u) + torch.cumsum(u, 0), "depends on other points"),
    "a neighbour": (lambda u: g.laplacian(u) + torch.roll(u, 1, 0), "depends on other points"),
    "noise": (lambda u, x: g.laplacian(u) + torch.rand(len(x)), "from one evaluation to the next"),
    "dropout": (lambda u: g.laplacian(u) + torch.nn.functional.dropout(u.tensor), "from one evaluation to the next"),
    "a step of torch": (lambda u, x: g.laplacian(u) + torch.heaviside(u.tensor, x.tensor), "can differentiate"),
    "complex numbers": (lambda u: 1j * g.laplacian(u), "real numbers, got complex128"),
    "truth values": (lambda u: g.laplacian(u) > 0, "real numbers, got bool"),
    "whole numbers": (lambda u: g.laplacian(u).int(), "real numbers, got int32"),
    "one without an unknown": (lambda u, x: (g.laplacian(u), 2 * x), "'equation_2' does not depend on any unknown"),
    "a division by zero": (lambda u: u * (1 / 0), "ZeroDivisionError"),
    "a name that is not there": (lambda u: u * missing, "NameError"),  # noqa: F821
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_residual_is_refused(name):
    equation, words = REFUSED[name]
    with pytest.raises(g.GmnmError, match=words):
        stated(equation)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_tracing_records_whatever_is_switched_off(mode):
    with mode():
        assert not stated(lambda u: g.laplacian(u) + u**3).linear
