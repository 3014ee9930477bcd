"""Integrals and means over space inside of equations: stated and traced, and refused where equations are pointwise."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.jets import Field, Frame, FunctionSource
from gmnm_pde.statement.fingerprint import difference, fingerprint

RING = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))
CONDITIONS = [g.Periodic("x"), g.Initial(u=lambda x: torch.sin(2 * torch.pi * x))]

EQUATIONS = {
    "a mean": (lambda u, x, t: g.diff(u, t) - g.mean(u) + u, True),
    "an integral of a source": (lambda u, x, t: g.diff(u, t) - g.integral(x * u), True),
    "a cube that is balanced": (lambda u, x, t: g.diff(u, t) + u**3 - g.mean(u**3), False),
    "a deviation times the field": (lambda u, x, t: g.diff(u, t) + u * (u - g.mean(u)), False),
    "a speed": (lambda u, x, t: g.diff(u, t) + g.diff(u * g.mean(u), x), False),
    "a mean of a rate": (lambda u, x, t: g.diff(u, t) - 0.5 * g.mean(g.diff(u, t)) + u, True),
}


def stated(equation, **more):
    return g.Problem(RING, equation, CONDITIONS, **more)


@pytest.mark.parametrize("name", EQUATIONS)
def test_they_are_traced(name):
    equation, linear = EQUATIONS[name]
    problem = stated(equation)
    assert problem.linear == linear
    assert [term.trace.over_space for term in problem.terms] == [True] + [False] * (len(problem.terms) - 1)
    other = stated(lambda u, x, t: g.diff(u, t) + 2 * g.mean(u) + u)
    assert not difference(fingerprint(problem), fingerprint(stated(equation)))
    assert difference(fingerprint(problem), fingerprint(other))


def test_a_frame_that_integrates_is_asked():
    frame = Frame(("x", "t"), torch.rand(50, 2, dtype=torch.float64), time=("t",))
    frame.integrate = lambda values: (2 * values.mean()).expand(50).detach().requires_grad_()
    u = Field(frame, FunctionSource([frame.leaves[0] ** 2], frame), 0)
    whole = u.tensor.mean().detach()
    assert torch.allclose(g.integral(u).tensor, 2 * whole) and torch.allclose(g.mean(u).tensor, whole)
    assert torch.allclose(g.mean(torch.stack([u, 2 * u]))[1].tensor, 2 * whole)
    assert torch.allclose(g.diff(u * g.mean(u), "x").tensor, 2 * frame.leaves[0] * whole)
    assert len(frame.integrals) == 5 and torch.equal(frame.integrals[0].integrand, u.tensor)


def test_invariants_are_integrals():
    problem = stated(EQUATIONS["a mean"][0], invariants={"mass": lambda u: g.integral(u)})
    assert problem.invariants["mass"].trace.over_space


REFUSED = {
    "a solve for all times": (
        lambda: g.solve(stated(EQUATIONS["a mean"][0]), method="least-squares"),
        "a problem that is marched in time",
    ),
    "time alone": (
        lambda: g.Problem(g.Time(t=(0, 1)), lambda u, t: g.diff(u, t) - g.mean(u), [g.Initial(u=1)]),
        "a problem without space",
    ),
    "a number": (lambda: g.mean(1.0), "a field, or something computed"),
    "a time derivative of one": (lambda: stated(lambda u, t: g.diff(g.mean(u), t) + u), r"mean\(diff\(u, t\)\)"),
    "a mean over points": (lambda: stated(lambda u, t: g.diff(u, t) - u.mean()), "depends on other points"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_where_there_are_none(name):
    make, words = REFUSED[name]
    with pytest.raises(g.GmnmError, match=words):
        make()
