"""Tabulated values in equations: by a table, or by indices made of coordinates."""

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

import gmnm_pde as g
from gmnm_pde.jets import Frame

T = g.Time(t=(0, 1))
PLACES = torch.tensor([0.0, 0.1, 0.35, 0.5, 0.9, 1.0], dtype=torch.float64)
VALUES = torch.tensor([1.0, 3.0, -1.0, 0.5, 0.0, 2.0], dtype=torch.float64)
AT = torch.cat([torch.linspace(-0.2, 1.2, 30, dtype=torch.float64), PLACES])


def test_a_linear_table_is_that_of_numpy():
    assert np.allclose(g.table(PLACES, VALUES)(AT), np.interp(AT, PLACES, VALUES), atol=1e-14)


def test_a_cubic_table_is_that_of_scipy_and_stays_at_its_ends():
    right = CubicSpline(PLACES, VALUES, bc_type="not-a-knot")(AT.clamp(0, 1))
    assert np.allclose(g.table(PLACES, VALUES, "cubic")(AT), right, atol=1e-12)


def test_values_stay_until_the_next_one():
    steps = g.table(PLACES, VALUES, "previous")
    assert steps(np.array([-1.0, 0.0, 0.09, 0.1, 0.99, 1.0, 2.0])).tolist() == [1, 1, 1, 3, 0, 2, 2]
    assert steps(0.2) == 3.0 and steps.breaks == tuple(PLACES.tolist())


@pytest.mark.parametrize("kind", ["linear", "cubic"])
def test_tables_have_derivatives(kind):
    frame = Frame(("t",), torch.linspace(0.02, 0.97, 40, dtype=torch.float64)[:, None])
    made, h = g.table(PLACES, VALUES, kind), 1e-6
    slope = g.diff(made(2 * frame.coordinates["t"]), "t").tensor
    points = 2 * frame.points[:, 0]
    assert torch.allclose(slope, (made(points + h) - made(points - h)) / h, atol=1e-5)


STEPS = torch.arange(10.0, dtype=torch.float64)
DRIVES = {
    "indices": lambda u, t: g.diff(u, t) - STEPS[torch.clamp((t * 10).long(), 0, 9)],
    "a numpy array": lambda u, t: g.diff(u, t) - STEPS.numpy()[torch.clamp((t * 10).long(), 0, 9)],
    "searchsorted": lambda u, t: g.diff(u, t) - VALUES[torch.searchsorted(PLACES, t).clamp(0, 5)],
    "bucketize": lambda u, t: g.diff(u, t) - u * VALUES[torch.bucketize(t, PLACES).clamp(0, 5)],
    "a table": lambda u, t: g.diff(u, t) - g.table(PLACES, VALUES)(t),
    "a table of a multiple": lambda u, t: g.diff(u, t) - u * g.table(PLACES, VALUES, "cubic")(0.5 * t),
}


@pytest.mark.parametrize("name", DRIVES)
def test_tables_in_equations(name):
    problem = g.Problem(T, DRIVES[name], [g.Initial(u=0)])
    assert problem.linear
    breaks = [term.trace.breaks for term in problem.terms]
    assert breaks == [tuple(PLACES.tolist()) if name == "a table" else (), ()]


def test_tables_are_coefficients_and_values():
    drive = g.table(PLACES, VALUES, "cubic")
    domain = g.Interval(x=(0, 1)) * T

    def drive_of_time(t):
        return drive(t)

    def equation(u, x, t, k):
        return g.diff(u, t) - g.diff(k * g.diff(u, x), x)

    conditions = [g.Dirichlet(u=drive_of_time), g.Initial(u=lambda x: 1 + 0 * x)]
    coefficients = {"k": lambda x: 2 + drive(x) ** 2}
    problem = g.Problem(domain, equation, conditions, coefficients=coefficients)
    assert problem.linear and problem.terms[1].trace.breaks == drive.breaks


REFUSED = {
    "places that fall": (lambda: g.table([0, 2, 1], [1, 2, 3]), "increasing places, got 1 after 2"),
    "other numbers of them": (lambda: g.table([0, 1], [1, 2, 3]), "as many values as places"),
    "too few": (lambda: g.table([0, 1, 2], [1, 2, 3], "cubic"), "at least 4"),
    "another kind": (lambda: g.table([0, 1], [1, 2], "quintic"), "a kind of table"),
    "gaps": (lambda: g.table([0, 1], [1, float("nan")]), "NaN or infinity"),
    "no numbers": (lambda: g.table("ab", [1, 2]), "numbers"),
    "a matrix": (lambda: g.table([[0], [1]], [1, 2]), r"shape \(2, 1\)"),
    "numpy": (
        lambda: g.Problem(T, lambda u, t: g.diff(u, t) - np.interp(t, PLACES, VALUES), [g.Initial(u=0)]),
        r"gmnm_pde.table\(places, values\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_tables_that_cannot_be(name):
    make, words = REFUSED[name]
    with pytest.raises(g.GmnmError, match=words):
        make()
