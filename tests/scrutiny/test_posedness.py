"""What an ill-posed problem hides is part of its estimate; well-posed ones are not suspected."""

import math

import pytest
import torch

from gmnm_pde import (
    Ball,
    Condition,
    Dirichlet,
    Disk,
    Initial,
    Interval,
    Mixture,
    Periodic,
    Polygon,
    Problem,
    Rectangle,
    Time,
    diff,
    laplacian,
    solve,
)
from gmnm_pde.scrutiny.posed.growth import grows_without_bound

PI = math.pi
LINE = Interval(x=(0, 1))


def strip(end):
    return LINE * Time(t=(0, end))


def wave(number, at_end):
    """A sine along x, of which ``at_end`` is left at the end of heat, or there at its beginning."""
    return lambda x, t: at_end * torch.exp((number * PI) ** 2 * t) * torch.sin(number * PI * x)


def backwards(number, hidden, end):
    """Heat backwards in time: a slow wave, and one of size ``hidden`` where the values are given."""
    domain, slow, fast = strip(end), wave(1, 1.0), wave(number, hidden)

    def exact(x, t):
        return slow(x, end - t) + fast(x, end - t)

    given = Condition(lambda u, x: u - exact(x, torch.full_like(x, end)), on=domain.face(t=end))
    sides = Dirichlet(u=0, on=domain.face(x=0) | domain.face(x=1))
    return Problem(domain, lambda u: diff(u, "t") - diff(u, "x", "x"), [sides, given], exact=exact)


def forwards(number, hidden, end):
    """The same with time the other way, so that the values are at the beginning."""
    domain, slow, fast = strip(end), wave(1, 1.0), wave(number, hidden)

    def exact(x, t):
        return slow(x, t) + fast(x, t)

    sides = Dirichlet(u=0, on=domain.face(x=0) | domain.face(x=1))
    given = Initial(u=lambda x: exact(x, torch.zeros_like(x)))
    return Problem(domain, lambda u: diff(u, "t") + diff(u, "x", "x"), [sides, given], exact=exact)


def test_few_components_fear_what_they_do_not_see():
    report = solve(backwards(4, 4e-8, 0.1), tol=1e-3, model=Mixture(components=60)).report
    assert not report.converged and "ill-posed" in report.reason
    assert report.relative_l2 < report.error_estimate


@pytest.mark.slow
@pytest.mark.parametrize("stated", [backwards, forwards])
@pytest.mark.parametrize(("number", "hidden", "end", "tol"), [(4, 4e-8, 0.1, 1e-3), (5, 1e-6, 0.05, 1e-2)])
def test_parts_that_the_data_hardly_show_are_found_or_feared(stated, number, hidden, end, tol):
    """Of a ten millionth where the values are given, and a third at the other end."""
    report = solve(stated(number, hidden, end), tol=tol).report
    assert "ill-posed" in report.reason
    assert report.relative_l2 < 2 * report.error_estimate
    assert not report.converged or report.relative_l2 < tol


def test_a_disk_cools_backwards():
    domain = Disk((0, 0), 1.0) * Time(t=(0, 0.1))
    conditions = [Dirichlet(u=0), Condition(lambda u, x, y: u - 1 + x**2 + y**2, on=domain.face(t=0.1))]
    assert grows_without_bound(Problem(domain, lambda u: diff(u, "t") - laplacian(u), conditions))


def in_time(equation, *more, end=1.0):
    domain = strip(end)
    return Problem(domain, equation, [Dirichlet(u=0), Initial(u=lambda x: torch.sin(PI * x)), *more])


@pytest.mark.parametrize(
    "space",
    [
        Disk((0, 0), 1.0),
        Rectangle(x=(0, 1), y=(0, 1)) - Disk((0.5, 0.5), 0.2),
        Polygon([(0, 0), (1, 0), (0.3, 0.8)]),
        Ball((0, 0, 0), 1.0),
        Rectangle(x=(0, 1), y=(0, 1)).split(by=Disk((0.5, 0.5), 0.2), names=("a", "b")),
    ],
)
def test_shapes_of_all_kinds_are_looked_at(space):
    """Their points are not as many as are asked for."""
    domain = space * Time(t=(0, 0.1))
    for sign in (1, -1):
        given = [Dirichlet(u=0), Initial(u=0)]
        problem = Problem(domain, lambda u, s=sign: diff(u, "t") - s * laplacian(u), given)
        assert grows_without_bound(problem) == (sign < 0)


HADAMARD = in_time(lambda u: diff(u, "t", "t") + diff(u, "x", "x"), Initial(order=1, u=0))
WELL = {
    "heat": in_time(lambda u: diff(u, "t") - diff(u, "x", "x")),
    "a fast reaction": in_time(lambda u: diff(u, "t") - diff(u, "x", "x") - 1e6 * u),
    "a wave": in_time(lambda u: diff(u, "t", "t") - diff(u, "x", "x"), Initial(order=1, u=0)),
    "long waves alone": Problem(
        Interval(x=(0, 2000)) * Time(t=(0, 2000)),
        lambda u: diff(u, "t") + diff(u, "x", "x") + diff(u, "x", "x", "x", "x"),
        [Periodic("x"), Initial(u=lambda x: torch.sin(2 * PI * x / 2000))],
    ),
    "transport": in_time(lambda u: diff(u, "t") + diff(u, "x")),
    "a beam": in_time(lambda u: diff(u, "t", "t") + diff(u, "x", "x", "x", "x"), Initial(order=1, u=0)),
    "a plasma": Problem(
        strip(1.0),
        {"a": lambda u, v: diff(u, "t") - diff(v, "x", "x"), "b": lambda u, v: diff(v, "t") + diff(u, "x", "x")},
        [Dirichlet(u=0, v=0), Initial(u=0, v=0)],
    ),
}


def test_waves_of_elliptic_equations_grow():
    assert grows_without_bound(HADAMARD)


@pytest.mark.parametrize("name", WELL)
def test_well_posed_ones_are_not_suspected(name):
    assert not grows_without_bound(WELL[name])
