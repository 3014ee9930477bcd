"""Calls that do not fit say what should be; errors in users' functions show the users' lines."""

import traceback
import warnings

import numpy as np
import pytest
import torch

import gmnm_pde as g

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))


def equation(u, x, y):
    return g.laplacian(u) + 1


def stated():
    return g.Problem(SQUARE, equation, [g.Dirichlet(u=0)])


PLAIN = {
    "Interval(0, 1)": (lambda: g.Interval(0, 1), "Interval(x=(0, 1))"),
    "Interval((0, 1))": (lambda: g.Interval((0, 1)), "Interval(x=(0, 1))"),
    "Time(0, 2)": (lambda: g.Time(0, 2), "Time(t=(0, 2))"),
    "corners": (lambda: g.Rectangle((0, 0), (1, 2)), "Rectangle(x=(0, 1), y=(0, 2))"),
    "arrays": (lambda: g.Rectangle(np.zeros(2), torch.ones(2)), "Rectangle(x=(0, 1), y=(0, 1))"),
    "either way": (lambda: g.Rectangle((0, 1), (0, 1)), "Rectangle(x=(0, 1), y=(0, 1))"),
    "corners in space": (lambda: g.Box((0, 0, 0), (1, 2, 3)), "Box(x=(0, 1), y=(0, 2), z=(0, 3))"),
    "intervals in space": (lambda: g.Box((0, 1), (0, 2), (0, 3)), "Box(x=(0, 1), y=(0, 2), z=(0, 3))"),
    "an array as a center": (lambda: g.Disk(np.zeros(2), 1.0), "Disk(center=(0, 0), radius=1)"),
    "arrays of radii": (lambda: g.Ellipse((0, 0), np.array([2, 1])), "Ellipse(center=(0, 0), radii=(2, 1))"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_plainly_meant_works(name):
    make, written = PLAIN[name]
    assert str(make()) == written


REFUSED = {
    "two meanings": (lambda: g.Rectangle((0, 1), (2, 3)), r"two.*Rectangle\(x=\(0, 1\), y=\(2, 3\)\) or "),
    "turned round": (lambda: g.Interval(1, 0), "low < high"),
    "one number": (lambda: g.Interval(1), r"As in Interval\(x=\(0, 1\)\)"),
    "four numbers": (lambda: g.Rectangle(0, 1, 0, 1), r"As in Rectangle\("),
    "half with names": (lambda: g.Rectangle((0, 0), y=(0, 1)), "1 without one"),
    "no center": (lambda: g.Disk(radius=1), r"expected center, got none. As in Disk\(center=\(0, 0\), radius=1\)"),
    "a radius alone": (lambda: g.Ball(1), "expected radius"),
    "corners one by one": (lambda: g.Polygon((0, 0), (1, 0), (0, 1)), "at most 1 by position, got 3"),
    "a list of corners": (lambda: g.Triangle([(0, 0), (1, 0), (0, 1)]), "expected second and third"),
    "an unknown argument": (lambda: g.Disk((0, 0), r=1), "got 'r'"),
    "of a mixture": (lambda: g.solve(stated(), components=900), r"solve\(problem, Mixture\(components=900\)\)"),
    "of a method": (lambda: g.solve(stated(), lr=1e-3), r"method=Adam\(lr=0.001\)"),
    "another library's": (lambda: g.Adam(epochs=3), "Did you mean 'steps'"),
    "another library's problem": (lambda: g.Problem(SQUARE, equation, bcs=[]), "Did you mean 'conditions'"),
    "misspelt": (lambda: g.Mixture(component=9), "Did you mean 'components'"),
    "of solve": (lambda: g.LeastSquares(tol=1e-3), "It is an argument of solve"),
    "too many": (lambda: g.Problem(SQUARE, equation, [], 3), "at most 3 by position, got 4"),
    "widths one by one": (lambda: g.MLP(2, 20, 1), r"As in MLP\(\["),
    "no equations": (lambda: g.Problem(SQUARE), "equations, or conditions, got neither"),
    "no domain": (lambda: g.Problem(), "expected domain"),
    "no points": (lambda: g.Observations(), "expected points"),
    "values by position": (lambda: g.Observations(np.zeros((3, 2)), np.zeros(3)), r"As in Observations\(points, u"),
    "no coefficients": (lambda: g.Robin(u=0), "expected alpha and beta"),
    "a region as a value": (lambda: g.Dirichlet(u=0, boundary=SQUARE.boundary), "Where it holds is on="),
    "a face by position": (lambda: SQUARE.face("x", 0), "arguments by name"),
    "no models": (lambda: g.compare(stated()), "expected models"),
    "no name": (lambda: g.registry.load(), "expected name"),
    "scipy's count": (lambda: g.eigenmodes(stated(), k=3), "Did you mean 'count'"),
    "a solution as a model": (lambda: g.solve(stated(), g.solve(stated(), g.Mixture(components=9))), "a Solution"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_calls_that_do_not_fit_are_explained(name):
    call, words = REFUSED[name]
    with pytest.raises(g.GmnmError, match=words):
        call()


def test_a_type_error_of_the_users_stays_one():
    def takes_two(a, b):
        return a + b

    with pytest.raises(TypeError, match="missing 1 required") as caught:
        g.Problem(SQUARE, lambda u, x, y: g.laplacian(u) + takes_two(x), [g.Dirichlet(u=0)])
    assert isinstance(caught.value, g.GmnmError)


def undefined(u, x, y):
    return g.laplacian(u) + torch.sin(absent * x)  # noqa: F821


USERS = {
    "a name": (NameError, lambda: g.Problem(SQUARE, undefined, [g.Dirichlet(u=0)]), "absent * x"),
    "shapes": (
        RuntimeError,
        lambda: g.Problem(SQUARE, lambda u, x, y: g.laplacian(u) + x * torch.ones(7), [g.Dirichlet(u=0)]),
        "torch.ones(7)",
    ),
    "a value": (
        NameError,
        lambda: g.Problem(SQUARE, equation, [g.Dirichlet(u=lambda x: absent * x)]),  # noqa: F821
        "absent * x",
    ),
    "an exact solution": (
        ZeroDivisionError,
        lambda: g.solve(g.Problem(SQUARE, equation, [g.Dirichlet(u=0)], exact=lambda x, y: 1 / 0)),
        "1 / 0",
    ),
    "an operator": (
        g.GmnmError,
        lambda: g.Problem(SQUARE, lambda u, x, y: g.diff(u, "z"), [g.Dirichlet(u=0)]),
        'g.diff(u, "z")',
    ),
}


@pytest.mark.parametrize("name", USERS)
def test_tracebacks_end_with_the_users_line(name):
    kind, call, line = USERS[name]
    with pytest.raises(kind) as caught:
        call()
    shown = traceback.extract_tb(caught.value.__traceback__)
    assert line in shown[-1].line
    assert sum("gmnm_pde" in frame.filename and "tests" not in frame.filename for frame in shown) == 1
    assert caught.value.__cause__ is None


def test_refusals_have_one_line_of_the_library():
    with pytest.raises(g.GmnmError) as caught:
        g.solve(stated(), tol=-1)
    assert len(traceback.extract_tb(caught.value.__traceback__)) == 2


def test_whole_tracebacks_can_be_had(monkeypatch):
    monkeypatch.setenv("GMNM_PDE_FULL_TRACEBACK", "1")
    with pytest.raises(NameError) as caught:
        g.Problem(SQUARE, undefined, [g.Dirichlet(u=0)])
    assert len(traceback.extract_tb(caught.value.__traceback__)) > 5


def test_faults_of_the_library_are_left_whole(monkeypatch):
    def fails(*_):
        raise RuntimeError("inside")

    fails.__code__ = fails.__code__.replace(co_filename=g.solve.__globals__["__file__"].replace("solve", "inner"))
    monkeypatch.setattr("gmnm_pde.statement.problem.read_conditions", fails)
    with pytest.raises(RuntimeError) as caught:
        stated()
    assert len(traceback.extract_tb(caught.value.__traceback__)) > 3


def test_warnings_are_at_the_users_line():
    line = g.solve(g.Problem(g.Interval(0, 1), lambda u, x: g.diff(u, x, x), [g.Dirichlet(u=1)]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line(7.0)
        line.diff("x")([7.0])
    assert [warning.filename for warning in caught] == [__file__] * 2


def test_keys_and_odd_errors_keep_their_kind():
    def with_error(error):
        def fails(u, x, y):
            raise error

        with pytest.raises(g.GmnmError) as caught:
            g.Problem(SQUARE, fails, [g.Dirichlet(u=0)])
        return caught.value

    class Odd(Exception):
        def __init__(self, one, two):
            super().__init__(one, two)

    assert isinstance(with_error(KeyError("k")), KeyError)
    assert isinstance(with_error(Odd(1, 2)), Odd)
