"""Two conditions that say different things of the same are named, and keep an answer from being converged."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.scrutiny.posed.contradictions import contradictory

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
ROD = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))
RIGHT = SQUARE.face(x=1)

pytestmark = pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")


def poisson(*conditions):
    return g.Problem(SQUARE, lambda u: g.laplacian(u) + 1, conditions)


def heat(*conditions):
    return g.Problem(ROD, lambda u, x, t: g.diff(u, t) - g.diff(u, x, x), [g.Dirichlet(u=0), *conditions])


def first(x):
    return torch.sin(torch.pi * x)


def test_two_initial_values_that_differ_by_a_hundredth():
    """A march takes what is between them, and two marches agree on that to eight digits."""
    report = g.solve(heat(g.Initial(u=first), g.Initial(u=lambda x: 1.01 * first(x))), tol=1e-6).report
    assert report.status == "unsolved" and report.error_estimate > 1e-3
    assert "'initial_u' is stated twice on t=0" in report.reason


def test_two_fluxes_on_one_side():
    """One mixture shows it: nothing else is tried."""
    others = SQUARE.face(x=0) | SQUARE.face(y=0) | SQUARE.face(y=1)
    stated = poisson(g.Dirichlet(u=0, on=others), g.Neumann(u=0, on=RIGHT), g.Neumann(u=-0.2, on=RIGHT, name="other"))
    report = g.solve(stated, tol=1e-6).report
    assert not report.converged and "'neumann_u' and 'other' on x=1 contradict each other" in report.reason
    assert "patches" not in report.reason and "boxes" not in report.method


def test_what_contradicts_and_what_does_not():
    lower, upper = (RIGHT.where(lambda y, s=sign: s * (y - 0.5) > 0) for sign in (-1, 1))
    for problem in (
        poisson(g.Dirichlet(u=0), g.Dirichlet(u=1, on=RIGHT)),
        poisson(g.Dirichlet(u=0), g.Robin(2.0, 0.0, u=1, on=RIGHT)),
        heat(g.Initial(u=first), g.Initial(u=lambda x: x * (1 - x))),
    ):
        assert contradictory(problem) is not None, problem
    for problem in (
        poisson(g.Dirichlet(u=0), g.Dirichlet(u=0, on=RIGHT)),
        poisson(g.Dirichlet(u=0), g.Neumann(u=1, on=RIGHT)),
        poisson(g.Dirichlet(u=1), g.Robin(2.0, 0.0, u=2, on=RIGHT)),
        poisson(g.Dirichlet(u=0, on=lower), g.Dirichlet(u=1, on=upper)),
        heat(g.Initial(u=first)),
    ):
        assert contradictory(problem) is None, problem


def test_what_differs_by_rounding_alone_is_solved():
    wave = g.Dirichlet(u=lambda x, y: torch.sin(torch.pi * x))
    assert g.solve(poisson(wave, g.Dirichlet(u=0, on=RIGHT)), tol=1e-4).report.converged
