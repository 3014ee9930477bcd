"""Estimates of marches hold where errors grow, and where data do not fit at a corner; what they are made of."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.models.modes import Cells, Waves


@pytest.mark.parametrize(
    ("name", "tol"),
    [
        pytest.param("kdv", 1e-3, marks=pytest.mark.slow),
        pytest.param("kuramoto_sivashinsky", 1e-4, marks=pytest.mark.slow),
        ("sine_gordon", 1e-4),
    ],
)
def test_they_are_above_the_error(name, tol):
    report = g.solve(g.registry.load(name), tol=tol).report
    assert report.converged and report.relative_l2 < report.error_estimate < tol


def test_moments_of_events_are_no_errors_of_fields():
    """A ball's velocity jumps where it bounces; times apart by rounding would count as its root."""
    ball = g.Problem(
        g.Time(t=(0, 3.0)),
        lambda h, v, t: (g.diff(h, t) - v, g.diff(v, t) + 9.81),
        [g.Initial(h=1.0, v=0.0)],
        events=g.Event(lambda h: h, direction=-1, change={"v": lambda v: -0.8 * v}),
    )
    report = g.solve(ball, tol=1e-8).report
    assert report.converged and report.error_estimate < 1e-9


@pytest.mark.parametrize("line", [Cells([0.0, 0.001, 0.01, 0.5, 2.0], 5, 2), Waves((0.0, 2.0), 6)])
def test_places_are_spread_over_cells(line):
    unit = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    places, shares = line.spread(unit)
    assert bool((places.diff() > 0).all()) and 0 < places[0] and places[-1] < 2
    assert shares.mean().item() == pytest.approx(1, rel=1e-12)
    assert (shares * torch.exp(places)).mean().item() == pytest.approx((math.exp(2) - 1) / 2, rel=1e-5)
    if isinstance(line, Cells):
        assert (places < 0.001).double().mean() > 0.12
