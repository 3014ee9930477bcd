import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gmnm_pde as g
from gmnm_pde.jets import output_jet
from gmnm_pde.models.mixtures import bumps, kernels, ridges
from gmnm_pde.models.mixtures.hermite import hermite

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


OPERATORS = {
    "values": lambda x: {(0, 0): 1.0},
    "laplacian": lambda x: {(2, 0): 1.0, (0, 2): torch.tensor(1.0).to(x)},
    "heat": lambda x: {(0, 1): 1.0, (2, 0): -0.1},
    "biharmonic and lower": lambda x: {(4, 0): 0.1, (2, 2): 0.2, (0, 4): 0.1, (0, 0): -1.5, (1, 0): 2.0},
    "varying": lambda x: {(0, 0): x[:, 1], (2, 0): x[:, 0], (1, 1): 0.3, (0, 2): x[:, 1] ** 2, (0, 1): 1.0},
    "varying of third order": lambda x: {(3, 0): x[:, 0], (1, 2): x[:, 1], (1, 0): torch.cos(x[:, 0])},
    "nothing": lambda x: {},
}


def gmnm_and_points(form="affine", outputs=3, points=50, **arguments):
    torch.manual_seed(3)
    model = g.GMNM(2, outputs, 11, form=form, **arguments).double()
    with torch.no_grad():
        for parameter in model.kernel.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model, torch.rand(points, 2, dtype=torch.float64) * 2 - 1


def gradients_of(model, outputs):
    trained = [p for p in model.parameters() if p.requires_grad]
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=torch.float64).reshape(outputs.shape).to(outputs)
    return torch.autograd.grad((weights * outputs).sum(), trained, materialize_grads=True)


@pytest.fixture
def small_pieces(monkeypatch):
    for module in (ridges, bumps):
        monkeypatch.setattr(module, "_CACHED_BYTES", 1)  # the least piece, 16 points


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("form", FORMS)
def test_operators_on_outputs_against_reverse_mode(form, operator, small_pieces):
    model, x = gmnm_and_points(form, trainable_centers=operator != "heat")
    coefficients = OPERATORS[operator](x)
    found = model.output_combination(x, coefficients)
    jets = output_jet(model, x, tuple(coefficients), "reverse")
    expected = sum(
        (torch.as_tensor(c, dtype=x.dtype)[..., None] * jets[alpha] for alpha, c in coefficients.items()),
        torch.zeros_like(found),
    )
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    if coefficients:
        gradients = gradients_of(model, expected)
        for one, other in zip(gradients_of(model, found), gradients, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)
    single = model.float().output_combination(x.float(), OPERATORS[operator](x.float()))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=1e-3, atol=1e-3 * (1 + expected.abs().max().item()))
    if coefficients:
        for one, other in zip(gradients_of(model, single), gradients, strict=True):
            torch.testing.assert_close(one.double(), other, rtol=1e-3, atol=1e-4 * (1 + other.abs().max().item()))


ORDERS = st.sets(st.integers(0, 5), min_size=1)


@given(
    orders=ORDERS, d=st.integers(1, 5), columns=st.integers(1, 7), points=st.integers(0, 40), seed=st.integers(0, 99)
)
def test_sums_of_ridges_against_autograd(orders, d, columns, points, seed):
    draw = torch.Generator().manual_seed(seed)
    x, a, b = (torch.randn(*shape, dtype=torch.float64, generator=draw) for shape in ((points, d), (6, d), (6,)))
    mixing = {k: torch.randn(columns, 6, dtype=torch.float64, generator=draw) for k in orders}
    leaves = [a, b, *mixing.values()]
    for leaf in leaves:
        leaf.requires_grad_()
    orders = tuple(sorted(orders))
    found = ridges.ridge_sums(x, a, b, mixing)
    expected = ridges._plain(x, a, b, orders, [mixing[k] for k in orders])
    bars = [torch.randn(points, columns, dtype=torch.float64, generator=draw) for _ in orders]
    for k, sums in zip(orders, expected, strict=True):
        torch.testing.assert_close(found[k], sums, rtol=1e-10, atol=1e-10)
    ours = torch.autograd.grad([found[k] for k in orders], leaves, bars)
    for one, other in zip(ours, torch.autograd.grad(expected, leaves, bars), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-9)


def test_second_derivatives_by_the_parameters():
    """A gradient that is differentiated again is made by autograd."""
    model, x = gmnm_and_points(points=5)
    a, b, weights = model.kernel.a.detach(), torch.randn(11).double(), model.weights.detach()
    inputs = [tensor.clone().requires_grad_() for tensor in (a, b, weights, weights)]

    def sums(a, b, m, other):
        return tuple(ridges.ridge_sums(x, a, b, {0: m, 2: other}).values())

    assert torch.autograd.gradcheck(sums, inputs)
    assert torch.autograd.gradgradcheck(sums, inputs)


@pytest.mark.parametrize("form", FORMS)
def test_gradients_of_gradients_in_pieces(form, small_pieces):
    model, x = gmnm_and_points(form)
    found = []
    for points in (x, x.clone().requires_grad_()):  # the second one is left to autograd
        value = model.output_combination(points, {(2, 0): 1.0, (0, 1): x[:, 0]}).square().sum()
        slopes = torch.autograd.grad(value, list(model.parameters()), create_graph=True)
        found.append(torch.autograd.grad(sum(s.square().sum() for s in slopes), list(model.parameters())))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_jets_in_pieces(form, small_pieces):
    model, x = gmnm_and_points(form)
    alphas = ((2, 0), (0, 0), (1, 1), (0, 2))
    assert model.output_jet(x, ()) == {}
    found, expected = model.output_jet(x, alphas), output_jet(model, x, alphas, "reverse")
    for alpha in alphas:
        torch.testing.assert_close(found[alpha], expected[alpha], rtol=1e-11, atol=1e-11)
    ours, theirs = (gradients_of(model, torch.stack([jets[alpha] for alpha in alphas])) for jets in (found, expected))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_operators_where_only_some_parameters_are_trained(small_pieces):
    model, x = gmnm_and_points()
    coefficients = {(2, 0): 1.0, (0, 1): x[:, 0]}
    every = dict(
        zip(dict(model.named_parameters()), gradients_of(model, model.output_combination(x, coefficients)), strict=True)
    )
    for trained in ({"weights"}, {"centers"}, {"kernel.a", "weights"}):
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in trained)
        found = gradients_of(model, model.output_combination(x, coefficients))
        for name, one in zip([name for name in every if name in trained], found, strict=True):
            torch.testing.assert_close(one, every[name])


def test_operators_under_transforms_and_compiled():
    model, x = gmnm_and_points()
    coefficients = {(2, 0): 1.0, (0, 2): x[:, 0]}
    expected = model.output_combination(x, coefficients)
    torch._dynamo.reset()
    compiled = torch.compile(model.output_combination, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, coefficients), expected)
    each = torch.func.vmap(lambda at, c: model.output_combination(at[None], {(2, 0): 1.0, (0, 2): c[None]})[0])
    torch.testing.assert_close(each(x, x[:, 0]), expected)
    moved = torch.func.jvp(lambda at: model.output_combination(at, {(0, 0): 1.0}), (x,), (torch.ones_like(x),))[1]
    torch.testing.assert_close(moved, model.output_combination(x, {(1, 0): 1.0, (0, 1): 1.0}))
    leaf = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(model.output_combination(leaf, {(1, 0): 1.0})[:, 0].sum(), leaf)
    torch.testing.assert_close(slope[:, 1], model.output_combination(x, {(1, 1): 1.0})[:, 0])


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("form", FORMS)
def test_rows_against_reverse_mode(form, operator, small_pieces, monkeypatch):
    monkeypatch.setattr(kernels, "_COPIED_POINTS", 7)
    model, x = gmnm_and_points(form, points=20, trainable_centers=operator != "heat")
    coefficients = OPERATORS[operator](x)
    rows = model.output_rows(x, coefficients, 1)
    trained = dict(model.named_parameters())
    assert list(rows) == list(trained)
    assert not any(found.requires_grad for found in rows.values())
    jets = output_jet(model, x, ((0, 0), *coefficients), "reverse")
    outputs = 0 * jets[0, 0] + sum(
        torch.as_tensor(c, dtype=x.dtype)[..., None] * jets[alpha] for alpha, c in coefficients.items()
    )
    for k, value in enumerate(outputs[:, 1]):
        gradients = torch.autograd.grad(value, trained.values(), retain_graph=True, materialize_grads=True)
        for found, gradient in zip(rows.values(), gradients, strict=True):
            torch.testing.assert_close(found[k], gradient, rtol=1e-10, atol=1e-10)
    single = model.float().output_rows(x.float(), OPERATORS[operator](x.float()), 1)
    for name, found in single.items():
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), rows[name], rtol=1e-3, atol=1e-4 * (1 + rows[name].abs().max()))


@pytest.mark.parametrize("form", FORMS)
def test_rows_where_only_some_parameters_are_trained(form):
    model, x = gmnm_and_points(form)
    coefficients = {(2, 0): 1.0, (0, 1): x[:, 0], (0, 0): torch.tensor(0.5)}
    every = model.output_rows(x, coefficients, 2)
    for frozen in every:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name != frozen)
        rows = model.output_rows(x, coefficients, 2)
        assert list(rows) == [name for name in every if name != frozen]
        for name, found in rows.items():
            torch.testing.assert_close(found, every[name])


@given(d=st.integers(1, 4), orders=st.lists(st.integers(0, 4), min_size=4, max_size=4), seed=st.integers(0, 99))
def test_rows_against_finite_differences(d, orders, seed):
    torch.manual_seed(seed)
    form = FORMS[seed % 4]
    model = g.GMNM(d, 1, 3, form=form, scale=1.0).double()
    x = torch.rand(4, d, dtype=torch.float64)
    alpha = tuple(min(order, max(0, 4 - sum(orders[:k]))) for k, order in enumerate(orders[:d]))
    coefficients = {alpha: x[:, 0], (0,) * d: 0.7}
    rows = model.output_rows(x, coefficients, 0)
    step = 1e-5
    for name, parameter in model.named_parameters():
        towards = torch.randn_like(parameter)
        with torch.no_grad():
            parameter += step * towards
            ahead = model.output_combination(x, coefficients)[:, 0]
            parameter -= 2 * step * towards
            difference = (ahead - model.output_combination(x, coefficients)[:, 0]) / (2 * step)
            parameter += step * towards
        found = (rows[name] * towards).flatten(1).sum(1)
        torch.testing.assert_close(found, difference, rtol=1e-5, atol=1e-5 * (1 + difference.abs().max().item()))


def test_numbers_are_not_rounded_to_single_precision():
    for form in FORMS:
        model, x = gmnm_and_points(form)
        torch.testing.assert_close(
            model.output_combination(x, {(2, 0): 0.1}),
            model.output_combination(x, {(2, 0): torch.tensor(0.1, dtype=torch.float64)}),
            rtol=1e-13,
            atol=1e-13,
        )


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
