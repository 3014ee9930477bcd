"""Proximal Gauss-Newton: to more digits than other steps, the same digits after a file, and its limits."""

import pytest
import torch

import gmnm_pde as g

PI = torch.pi


def line():
    return g.Problem(
        g.Interval(x=(-1, 1)),
        lambda u, x: g.diff(u, x, x) + PI**2 * torch.sin(PI * x),
        [g.Dirichlet(u=0)],
        exact=lambda x: torch.sin(PI * x),
    )


def test_it_comes_to_ten_digits():
    torch.manual_seed(0)
    report = g.solve(line(), g.MLP([1, 12, 12, 1]), g.ProximalGaussNewton(50), points=40).report
    assert report.relative_l2 < 5e-9 and report.converged
    assert report.relative_l2 < report.error_estimate < 100 * report.relative_l2
    usual = g.solve(line(), g.MLP([1, 12, 12, 1]), g.GaussNewton(50), points=40).report
    assert report.relative_l2 < 0.1 * usual.relative_l2


def test_it_is_what_networks_get_by_default():
    torch.manual_seed(0)
    report = g.solve(line(), g.MLP([1, 8, 1]), points=40).report
    assert report.method.startswith("ProximalGaussNewton(") and "LeastSquares" in report.method
    assert report.relative_l2 < 1e-6


def test_what_does_not_fit_into_memory_is_refused():
    with pytest.raises(g.GmnmError, match="a Jacobian of at most"):
        g.solve(line(), g.MLP([1, 8, 1]), g.ProximalGaussNewton(2, memory=100.0), points=40)
    with pytest.raises(g.GmnmError, match="below 1"):
        g.ProximalGaussNewton(cut=1.0)


def test_moving_averages_are_left_where_they_are_better():
    torch.manual_seed(0)
    network, options = g.MLP([1, 10, 1]), {"points": 30}
    plain = g.solve(line(), network, g.Adam(600, lr=0.05, batch=8), **options)
    averaged = g.solve(line(), network, g.Adam(600, lr=0.05, batch=8, average=0.9), **options)
    assert averaged.history["loss"][-1] < 0.9 * plain.history["loss"][-1]
    with pytest.raises(g.GmnmError, match="between 0 and 1"):
        g.SOAP(average=1.5)
