"""What is narrow along a solution because fields pass certain values there."""

import math

import pytest
import torch

import gmnm_pde as g


def flame(width, domain=None):
    domain = domain or g.Interval(x=(0, 1))
    return g.Problem(
        domain,
        lambda u: g.laplacian(u) - torch.exp(-(((u - 0.5) / width) ** 2)) / width,
        [g.Dirichlet(u=lambda x: x)],
    )


@pytest.mark.parametrize("tol", [None, 1e-4])
@pytest.mark.parametrize("width", [1e-3, pytest.param(1e-4, marks=pytest.mark.slow), 1e-5])
def test_a_thin_flame_is_never_taken_for_solved(width, tol):
    # the slopes a and b on both sides of a thin flame: b^2 - a^2 = 2 sqrt(pi), and both sides together are 1 long
    solution = g.solve(flame(width), tol=tol, time_limit=5)
    a = bisected(lambda a: 0.5 / a + 0.5 / math.sqrt(a * a + 2 * math.sqrt(math.pi)) - 1, 0.5, 1.0)
    error = abs(solution(x=0.5).item() - exact(0.5, a))
    assert not solution.report.converged or error < 1e-2


def test_a_thin_flame_is_named():
    report = g.solve(flame(1e-5), tol=1e-4).report
    assert report.status == "unresolved"
    assert "where the fields pass certain values" in report.reason
    assert report.error_estimate >= 1


@pytest.mark.slow
def test_in_the_plane():
    square = g.Rectangle(x=(0, 1), y=(0, 1))
    assert not g.solve(flame(1e-4, square), tol=1e-4, time_limit=10).report.converged


@pytest.mark.parametrize("width", [0.3, 0.1])
def test_a_wide_flame_is_solved(width):
    assert g.solve(flame(width), tol=1e-6).report.converged


def exact(x, a):
    b = math.sqrt(a * a + 2 * math.sqrt(math.pi))
    return a * x if x < 0.5 / a else 1 - b * (1 - x)


def bisected(function, low, high):
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return low
