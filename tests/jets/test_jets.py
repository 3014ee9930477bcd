"""Three engines, each the others' oracle; derivatives of anything computed from fields."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gmnm_pde as g
from gmnm_pde.jets import feature_combination, output_jet

FORMS = ("affine", "literal", "diagonal", "full")


def gmnm(form="affine", d=2, out=1, components=12, seed=0):
    torch.manual_seed(seed)
    return g.GMNM(d, out, components, form=form).double()


def points(n=9, d=2, seed=1):
    return torch.rand(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Plain(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.net = torch.nn.Sequential(torch.nn.Linear(2, 9), torch.nn.Tanh(), torch.nn.Linear(9, 1)).double()

    def forward(self, x):
        return self.net(x)


@given(
    form=st.sampled_from(FORMS),
    d=st.integers(1, 3),
    seed=st.integers(0, 10**6),
    order=st.integers(0, 4),
    data=st.data(),
)
def test_closed_form_agrees_with_autograd_to_order_four(form, d, seed, order, data):
    model, x = gmnm(form, d, out=2, seed=seed), points(7, d, seed)
    axes = data.draw(st.lists(st.integers(0, d - 1), min_size=order, max_size=order))
    alpha = tuple(axes.count(k) for k in range(d))
    closed, reverse = (output_jet(model, x, [alpha], engine)[alpha] for engine in ("closed", "reverse"))
    assert (closed - reverse).abs().max() <= 1e-12 * max(1.0, reverse.abs().max().item())


@pytest.mark.parametrize("form", FORMS)
def test_feature_combinations_agree_between_engines(form):
    model, x = gmnm(form), points()
    coefficients = {
        (2, 0): torch.tensor(1.5, dtype=torch.float64),
        (0, 2): x[:, 0] ** 2,
        (1, 1): torch.tensor(-0.5, dtype=torch.float64),
        (0, 1): x[:, 1],
        (0, 0): torch.tensor(2.0, dtype=torch.float64),
    }
    closed, forward, reverse = (
        feature_combination(model, x, coefficients, e) for e in ("closed", "forward", "reverse")
    )
    torch.testing.assert_close(closed, reverse, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(forward, reverse, rtol=1e-12, atol=1e-12)


def test_a_plain_module_goes_forward_and_reverse():
    model, x = Plain(), points()
    alphas = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 1)]
    forward, reverse = (output_jet(model, x, alphas, engine) for engine in ("forward", "reverse"))
    for alpha in alphas:
        torch.testing.assert_close(forward[alpha], reverse[alpha], rtol=1e-10, atol=1e-12)
    with pytest.raises(g.GmnmError, match="closed-form"):
        output_jet(model, x, alphas, "closed")


@pytest.mark.parametrize("engine", ["closed", "forward", "reverse"])
@pytest.mark.parametrize("form", FORMS)
def test_gradients_reach_the_weights_through_a_jet(form, engine):
    model, x = gmnm(form), points()
    u = g.jet(model, x, coordinates=("x", "y"), engine=engine)
    (g.laplacian(u) ** 2).sum().backward()
    expected = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    v = g.jet(model, x, coordinates=("x", "y"), engine="reverse")
    (g.laplacian(v) ** 2).sum().backward()
    found = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(found) == len(expected) > 2
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


def quantities(u, x, y):
    """Anything an equation may do, with the derivative that calculus gives for it."""
    k = 1 + x**2
    return {
        "product rule": (g.diff(k * g.diff(u, x), x), 2 * x * g.diff(u, x) + k * g.diff(u, x, x)),
        "square": (g.diff(u**2, y), 2 * u * g.diff(u, y)),
        "chain rule": (g.diff(torch.sin(u), x, x), torch.cos(u) * g.diff(u, x, x) - torch.sin(u) * g.diff(u, x) ** 2),
        "flux": (g.div(k * g.diff(u, x), k * g.diff(u, y)), 2 * x * g.diff(u, x) + k * g.laplacian(u)),
        "of a Laplacian": (g.laplacian(g.laplacian(u)), g.biharmonic(u)),
        "coordinates alone": (g.diff(torch.exp(2 * x) * y, x), 2 * torch.exp(2 * x) * y),
        "no dependence": (g.diff(1.0 * x, y), 0 * x),
        "mixed": (g.diff(u, x, y), g.diff(g.diff(u, y), x)),
        "gradient": (g.div(*g.grad(u)), g.laplacian(u)),
    }


@pytest.mark.parametrize("engine", ["closed", "forward", "reverse"])
@pytest.mark.parametrize("case", [
    "product rule", "square", "chain rule", "flux", "of a Laplacian", "coordinates alone", "no dependence", "mixed",
    "gradient",
])  # fmt: skip
def test_derivatives_of_expressions(case, engine):
    u = g.jet(gmnm(), points(), coordinates=("x", "y"), engine=engine)
    found, expected = quantities(u, u.frame.coordinates["x"], u.frame.coordinates["y"])[case]
    torch.testing.assert_close(found.tensor, expected.tensor, rtol=1e-9, atol=1e-9)


def test_operators_on_several_outputs_and_in_three_dimensions():
    x = points(5, 3)
    u, v, w = g.jet(gmnm(d=3, out=3), x, coordinates=("x", "y", "z"))
    curl = g.curl(u, v, w)
    torch.testing.assert_close(g.div(*curl).tensor, torch.zeros(5, dtype=torch.float64), atol=1e-12, rtol=0)
    for part in g.curl(*g.grad(u)):
        torch.testing.assert_close(part.tensor, torch.zeros(5, dtype=torch.float64), atol=1e-12, rtol=0)


def test_laplacian_leaves_time_alone():
    u = g.jet(gmnm(), points(), coordinates=("x", "t"), time=("t",))
    torch.testing.assert_close(g.laplacian(u).tensor, g.diff(u, "x", "x").tensor)
    assert len(g.grad(u)) == 1


def test_fields_act_like_tensors():
    import numpy as np

    u = g.jet(gmnm(), points(), coordinates=("x", "y"))
    x = u.frame.coordinates["x"]
    for found, expected in {
        "arithmetic": ((2 - u / 3 + u * u**2).tensor, 2 - u.tensor / 3 + u.tensor**3),
        "tensor on the left": ((torch.ones(9).double() * u).tensor, u.tensor),
        "torch function": (torch.where(x > 0, u, -u).tensor, torch.where(x.tensor > 0, u.tensor, -u.tensor)),
        "numpy function": (np.exp(u).tensor, u.tensor.exp()),
        "numpy number": ((np.float64(2) * u).tensor, 2 * u.tensor),
        "method": (u.abs().tensor, u.tensor.abs()),
        "stack": (torch.stack([u, x]).tensor, torch.stack([u.tensor, x.tensor])),
    }.values():
        torch.testing.assert_close(found, expected)
    assert len(u) == 9 and u.shape == (9,) and "Field" in repr(u)


BAD = {
    "no coordinate": (lambda u, x: g.diff(u, u), "coordinate"),
    "an expression": (lambda u, x: g.diff(u, 2 * x), "coordinate"),
    "a misspelt name": (lambda u, x: g.diff(u, "xx"), "Did you mean 'x'"),
    "nothing to differentiate by": (lambda u, x: g.diff(u), "at least one coordinate"),
    "no field": (lambda u, x: g.diff(3.0, x), "a field"),
    "if": (lambda u, x: 1 if x > 0 else 2, "torch.where"),
    "math.sin": (lambda u, x: math.sin(x), "torch.sin"),
    "normal inside": (lambda u, x: g.normal_derivative(u), "boundary"),
    "too few components": (lambda u, x: g.div(u), "2 components"),
    "another jet": (lambda u, x: u + g.jet(gmnm(), points(), coordinates=("x", "y")), "different point sets"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_use_is_one_clear_error(case):
    function, message = BAD[case]
    u = g.jet(gmnm(), points(), coordinates=("x", "y"))
    with pytest.raises(g.GmnmError, match=message):
        function(u, u.frame.coordinates["x"])


def test_wrong_points_or_engine():
    with pytest.raises(g.GmnmError, match=r"\[n, 3\]"):
        g.jet(gmnm(), points(), coordinates=("x", "y", "z"))
    with pytest.raises(g.GmnmError, match="Did you mean 'forward'"):
        g.jet(gmnm(), points(), coordinates=("x", "y"), engine="foward")
