"""Intervals with fewer conditions than their equations take are told, however smooth the answer is."""

import pytest

import gmnm_pde as g
from gmnm_pde import diff
from gmnm_pde.scrutiny.posed.ends import missing_at_ends

LINE = g.Interval(x=(0, 2))
RIGHT = LINE.face(x=2)

pytestmark = pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")


def stiff(u, x):
    return diff(u, x, x) - 900 * u + x


def two(u, v, x):
    return diff(u, x) - v, diff(v, x) - 900 * u + x


def coupled(u, v, x):
    return diff(u, x, x) - u + v, diff(v, x, x) - v + x


def tied(u, v, x):
    """The same unknown twice: of order one, not two."""
    return diff(u, x) - diff(v, x), diff(u, x) - diff(v, x) + u + v - x


def test_the_free_solution_is_a_layer_that_no_mixture_shows():
    report = g.solve(g.Problem(LINE, stiff, [g.Dirichlet(u=2 / 900, on=RIGHT)]), tol=1e-6).report
    assert report.status == "not_unique" and report.error_estimate >= 1
    assert "1 condition(s) hold on the interval, and its equations take 2" in report.reason


@pytest.mark.parametrize(
    "equation, conditions, found",
    [
        (stiff, [g.Observations([[0.5]], u=[0.5 / 900])], (1, 2)),
        (two, [g.Dirichlet(u=1, on=RIGHT)], (1, 2)),
        (coupled, [g.Dirichlet(u=0), g.Dirichlet(v=0, on=RIGHT)], (3, 4)),
        (lambda u, x: diff(u, x, x, x, x) - 1e6 * u + x, [g.Dirichlet(u=0)], (2, 4)),
        (lambda u, x: diff(u, x, x) - u**3, [g.Neumann(u=0, on=RIGHT)], (1, 2)),
    ],
)
def test_too_few(equation, conditions, found):
    assert missing_at_ends(g.Problem(LINE, equation, conditions)) == found


@pytest.mark.parametrize(
    "equation, conditions",
    [
        (stiff, [g.Dirichlet(u=0)]),
        (stiff, [g.Observations([[0.5], [0.7]], u=[0.0, 0.0])]),
        (two, [g.Dirichlet(u=1)]),
        (tied, [g.Dirichlet(u=1, on=RIGHT)]),
        (lambda u, x: diff(u, x) - u, [g.Dirichlet(u=1, on=RIGHT)]),
        (lambda u, x: diff(u, x, x) + diff(u, x) / x + u, [g.Dirichlet(u=1, on=RIGHT)]),  # Bessel's: smooth at 0
        (lambda u, x: (2 - x) * diff(u, x, x) - diff(u, x) - u + 1, [g.Dirichlet(u=0, on=LINE.face(x=0))]),
        (lambda u, v, x: (diff(u, x) - v, diff(v, x) + v / x + u), [g.Dirichlet(u=1, on=RIGHT)]),
    ],
)
def test_enough(equation, conditions):
    assert missing_at_ends(g.Problem(LINE, equation, conditions)) is None
