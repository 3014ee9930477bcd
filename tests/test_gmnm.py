import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gmnm_pde as g
from gmnm_pde.models.hermite import hermite

FORMS = ("affine", "literal", "diagonal", "full")


def test_parameter_counts_of_the_paper():
    def count(*args, **kwargs):
        return sum(p.numel() for p in g.GMNM(*args, **kwargs).parameters())

    assert count(2, 1, 900) == 4500
    assert count(2, 1, 900, form="diagonal") == 4500
    assert count(2, 1, 900, form="full") == 900 * (2 + 4 + 1)
    assert count(2, 1, 900, form="literal") == 900 * (2 + 4 + 2 + 2 + 1 + 1)
    assert count(2, 1, 900, trainable_centers=False) == 2700


def test_fixed_centers_are_saved_but_not_trained():
    model = g.GMNM(3, 2, 5, trainable_centers=False)
    assert "centers" in model.state_dict()
    assert "centers" not in dict(model.named_parameters())


@given(seed=st.integers(0, 10**6), d=st.integers(1, 4))
def test_full_form_is_the_mahalanobis_distance(seed, d):
    """For any covariance S, A = chol(S^-1)^T gives exp(-(x - mu).S^-1 (x - mu) / 2)."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(d, d, dtype=torch.float64, generator=generator)
    covariance = root @ root.T + 0.3 * torch.eye(d, dtype=torch.float64)
    model = g.GMNM(d, 1, 1, form="full").double()
    with torch.no_grad():
        model.kernel.A.copy_(torch.linalg.cholesky(torch.linalg.inv(covariance)).T)
    x = torch.randn(6, d, dtype=torch.float64, generator=generator)
    z = x - model.centers
    expected = torch.exp(-0.5 * (z @ torch.linalg.inv(covariance) * z).sum(-1))
    torch.testing.assert_close(model.features(x)[:, 0], expected, rtol=1e-9, atol=1e-12)
    assert (torch.linalg.eigvalsh(model.kernel.precisions()[0]) >= -1e-12).all()


def test_affine_form_is_a_ridge_and_a_singular_full_form():
    torch.manual_seed(0)
    model = g.GMNM(2, 1, 4).double()
    x = torch.randn(5, 2, dtype=torch.float64)
    across = torch.stack([-model.kernel.a[0, 1], model.kernel.a[0, 0]])
    torch.testing.assert_close(model.features(x)[:, 0], model.features(x + 3 * across)[:, 0])
    full = g.GMNM(2, 1, 4, form="full").double()
    with torch.no_grad():
        full.centers.copy_(model.centers)
        full.kernel.A.zero_()
        full.kernel.A[:, 0, :] = model.kernel.a
    torch.testing.assert_close(full.features(x), model.features(x))


def test_literal_form_is_the_paper_s_two_stages():
    torch.manual_seed(0)
    model = g.GMNM(3, 1, 4, form="literal").double()
    kernel = model.kernel
    with torch.no_grad():
        kernel.b.normal_()
        kernel.beta.normal_()
    x = torch.randn(5, 3, dtype=torch.float64)
    projections = torch.einsum("jnk,ijk->ijn", kernel.A, x[:, None] - model.centers) + kernel.b
    y = (kernel.alpha * projections).sum(-1) + kernel.beta
    torch.testing.assert_close(model.features(x), torch.exp(-0.5 * y**2))


@pytest.mark.parametrize("form", FORMS)
def test_it_is_a_layer_like_any_other(form):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(7, 4), g.GMNM(4, 3, 20, form=form))
    x = torch.randn(2, 5, 7)
    assert net(x).shape == (2, 5, 3)
    assert net(x[0, 0]).shape == (3,)
    net(x).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())
    torch.testing.assert_close(net(x)[1, 2], net(x[1, 2]))


@pytest.mark.parametrize("form", FORMS)
def test_it_traces_without_graph_breaks(form):
    """Dynamo takes the whole module as one graph; the code generator itself is not run, it needs a compiler."""
    torch.manual_seed(0)
    model = g.GMNM(2, 1, 8, form=form)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    x = torch.rand(5, 2)
    torch.testing.assert_close(compiled(x), model(x))


def test_training_lowers_a_loss():
    torch.manual_seed(0)
    model = g.GMNM(1, 1, 20, scale=4.0)
    x = torch.linspace(-1, 1, 64)[:, None]
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(150):
        loss = (model(x) - torch.sin(3 * x)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


def test_hermite_polynomials():
    y = torch.linspace(-2, 2, 9, dtype=torch.float64)
    for order, expected in {
        1: y,
        2: y**2 - 1,
        3: y**3 - 3 * y,
        4: y**4 - 6 * y**2 + 3,
        5: y**5 - 10 * y**3 + 15 * y,
    }.items():
        torch.testing.assert_close(hermite(y, order), expected)


@given(st.integers(1, 12), st.floats(-3, 3))
def test_hermite_recurrence_of_derivatives(order, y):
    """He_n' = n He_{n-1}."""
    point = torch.tensor(y, dtype=torch.float64, requires_grad=True)
    value = hermite(point, order + 1)
    (slope,) = torch.autograd.grad(value, point)
    expected = (order + 1) * hermite(point, order).item()
    assert slope.item() == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_a_mixture_s_leading_components_are_a_smaller_mixture():
    recipe = g.Mixture()
    small, large = (recipe.draw(2, 1, n, (2.0, 3.0), seed=4) for n in (20, 50))
    torch.testing.assert_close(large.centers[:20], small.centers)
    torch.testing.assert_close(large.kernel.a[:20], small.kernel.a)


@pytest.mark.parametrize("form", ["affine", "diagonal", "full"])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_mixtures_have_the_widths_asked_for(form, d):
    model = g.Mixture(form=form).draw(d, 2, 64, [2.0] * d, seed=0)
    sizes = torch.linalg.eigvalsh(model.kernel.precisions()).amax(-1).sqrt()
    torch.testing.assert_close(sizes, torch.full_like(sizes, 2.0), rtol=1e-9, atol=1e-9)
    assert not model.weights.any()


BAD = {
    "form": (lambda: g.GMNM(2, 1, 5, form="afine"), "Did you mean 'affine'"),
    "components": (lambda: g.GMNM(2, 1, 0), "components to be a positive integer, got 0"),
    "inputs": (lambda: g.GMNM(2.5, 1, 3), "in_features"),
    "wrong input": (lambda: g.GMNM(2, 1, 3)(torch.zeros(4, 3)), r"x of shape \[..., 2\]"),
    "mixture size": (lambda: g.Mixture(components=-3), "positive number of components"),
    "mixture form": (lambda: g.Mixture(form="literal"), "a form"),
    "mixture widths": (lambda: g.Mixture(widths=(1.0, math.nan)), "positive widths"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    function, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        function()
