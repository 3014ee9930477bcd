"""Modes where the guess is a value itself, such as zero without walls."""

import math

import pytest

import gmnm_pde as g

LINE, SQUARE = g.Interval(x=(0, 1)), g.Rectangle(x=(0, 1), y=(0, 1))
WAVE = (2 * math.pi) ** 2


def free(domain, conditions, guess=0.0):
    return g.Problem(domain, lambda u, k: g.laplacian(u) + k * u, conditions, parameters={"k": guess})


@pytest.mark.parametrize(
    ("problem", "exact"),
    [
        (free(LINE, [g.Periodic("x")]), [0.0]),
        (free(LINE, [g.Periodic("x")]), [0.0, WAVE, WAVE]),
        (free(SQUARE, [g.Periodic("x"), g.Periodic("y")]), [0.0, WAVE, WAVE]),
        (free(SQUARE, [g.Neumann(u=0)], -1.0), [0.0]),
        (free(g.Annulus(center=(0, 0), inner=0.4, outer=1), [g.Neumann(u=0)], -1.0), [0.0]),
    ],
)
def test_a_value_of_zero_is_held_beside_the_next(problem, exact):
    found = g.eigenmodes(problem, len(exact), tol=1e-6)
    assert found.converged
    for value, estimate, truth in zip(found.values, found.estimates, exact, strict=True):
        assert abs(value - truth) <= estimate + 1e-10 < 1e-6 * WAVE


def test_a_guess_that_is_a_value():
    walls = g.Problem(
        LINE, lambda u, k: g.laplacian(u) + k * u, [g.Dirichlet(u=0)], parameters={"k": 4 * math.pi**2 + 1e-9}
    )
    found = g.eigenmodes(walls, 2, tol=1e-8)
    assert found.converged
    assert list(found.values) == pytest.approx([math.pi**2, 4 * math.pi**2], rel=1e-8)
