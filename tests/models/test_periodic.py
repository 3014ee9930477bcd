"""Ridges wound around periodic coordinates."""

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gmnm_pde as g
from gmnm_pde.jets import derivatives, output_jet
from gmnm_pde.models.mixtures.periodic import _bell_terms

AXES = {1: [(0,)], 2: [(0,), (1,), (0, 1)], 3: [(0, 2)]}


def drawn(d, axes, seed=0):
    return g.Mixture().draw(d, 2, 12, (3.0,) * d, seed=seed, periodic=axes)


@pytest.mark.parametrize(("d", "axes"), [(d, axes) for d, each in AXES.items() for axes in each])
def test_derivatives_are_those_of_autograd(d, axes):
    model = drawn(d, axes)
    model.set_readout(torch.randn(2, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))
    x = 2 * torch.rand(30, d, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1
    alphas = [alpha for alpha in product(range(5), repeat=d) if sum(alpha) <= 4]
    closed, slow = output_jet(model, x, alphas), derivatives(model, x, alphas)
    for alpha in alphas:
        assert torch.allclose(closed[alpha], slow[alpha], rtol=1e-9, atol=1e-10 * slow[alpha].abs().max().item()), alpha


@given(st.integers(0, 1000), st.floats(-1, 1), st.integers(-2, 2))
def test_a_period_is_two(seed, y, turns):
    model = drawn(2, (0,), seed)
    x = torch.linspace(-1, 1, 9, dtype=torch.float64)
    here = torch.stack([x, torch.full_like(x, y)], dim=1)
    there = here + torch.tensor([2.0 * turns, 0.0], dtype=torch.float64)
    assert torch.allclose(model.features(here), model.features(there), atol=1e-12)


def test_the_components_tell_points_of_the_circle_apart():
    x = torch.linspace(-1, 1, 101, dtype=torch.float64)[:-1, None]
    features = g.Mixture().draw(1, 1, 60, (3.0,), seed=0, periodic=(0,)).features(x)
    target = torch.exp(torch.sin(torch.pi * x)) + torch.cos(3 * torch.pi * x)
    readout = torch.linalg.lstsq(features, target, driver="gelsd", rcond=1e-15).solution
    assert (features @ readout - target).norm() / target.norm() < 1e-8


def test_bell_polynomials_count_set_partitions():
    stirling = {(4, 1): 1, (4, 2): 7, (4, 3): 6, (4, 4): 1, (5, 2): 15, (5, 3): 25}
    for (order, count), number in stirling.items():
        assert sum(ways for ways, _ in _bell_terms(order, count)) == number


def test_training_moves_every_parameter():
    model = drawn(2, (0,))
    model.set_readout(torch.ones(2, 12, dtype=torch.float64))
    x = torch.rand(8, 2, dtype=torch.float64)
    model.output_combination(x, {(2, 0): 1.0, (0, 1): -1.0}).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())


def test_a_periodic_mixture_is_saved_with_its_axes():
    from gmnm_pde.models import rebuild

    model = g.GMNM(2, 1, 5, periodic=(1,))
    again = rebuild("GMNM", model.config())
    again.load_state_dict(model.state_dict())
    x = torch.rand(4, 2)
    assert torch.equal(model(x), again(x))


@pytest.mark.parametrize(("axes", "form"), [((2,), "affine"), ((-1,), "affine"), ((0,), "full")])
def test_bad_axes_are_refused(axes, form):
    with pytest.raises(g.GmnmError, match="periodic"):
        g.GMNM(2, 1, 5, form=form, periodic=axes)
