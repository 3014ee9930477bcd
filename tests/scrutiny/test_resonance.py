"""At an eigenvalue of its equations a problem has many answers, however simple the one is that data ask for."""

import pytest
import torch
from conftest import PI

import gmnm_pde as g
from gmnm_pde import registry, solve
from gmnm_pde.scrutiny.posed.resonance import half_waves

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
DISK = g.Disk(center=(0, 0), radius=1)
CUBE = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))


def helmholtz(square, domain=SQUARE, value=lambda x, y: x * y):
    """A problem that a harmonic function solves, at whatever wave number."""
    equation = lambda u, x, y: g.laplacian(u) + square * (u - value(x, y))  # noqa: E731
    return g.Problem(domain, equation, [g.Dirichlet(u=value)], exact={"u": value})


AT_RESONANCE = {
    "square": helmholtz(2 * PI**2),
    "square, to be approximated": helmholtz(2 * PI**2, value=lambda x, y: torch.exp(x) * torch.cos(y)),
    "square, waves 2 and 3": helmholtz(13 * PI**2),
    "interval, 20 half waves": g.Problem(
        g.Interval(x=(0, 1)),
        lambda u, x: g.diff(u, x, x) + (20 * PI) ** 2 * (u - x),
        [g.Dirichlet(u=lambda x: x)],
    ),
    "annulus": helmholtz(3.19657838081064**2, g.Annulus(center=(0, 0), inner=1, outer=2), lambda x, y: x),
    "boxes": helmholtz(82 * PI**2, value=lambda x, y: x),
    "heat without a beginning": g.Problem(
        g.Interval(x=(0, 1)) * g.Time(t=(0, 1)), lambda u, x, t: g.diff(u, t) - g.diff(u, x, x) + 2, [g.Dirichlet(u=0)]
    ),
    "disk": helmholtz(5.783185962946785, DISK, lambda x, y: x),
    "wave": g.Problem(SQUARE, lambda u, x, y: g.diff(u, x, x) - g.diff(u, y, y), [g.Dirichlet(u=lambda x, y: x * y)]),
    "mixed": g.Problem(
        SQUARE,
        lambda u, x, y: g.laplacian(u) + PI**2 * (u - y),
        [
            g.Dirichlet(u=lambda y: y, on=SQUARE.face(x=0) | SQUARE.face(x=1)),
            g.Neumann(u=-1, on=SQUARE.face(y=0)),
            g.Neumann(u=1, on=SQUARE.face(y=1)),
        ],
    ),
    "plate": g.Problem(
        SQUARE,
        lambda u, x, y: g.biharmonic(u) - 4 * PI**4 * (u - x),
        [g.Dirichlet(u=lambda x: x), g.Condition(lambda u, x, y: g.laplacian(u), on=SQUARE.boundary)],
    ),
    "system": g.Problem(
        SQUARE,
        lambda u, v, x, y: (g.laplacian(u) + 2 * PI**2 * (v - x), g.laplacian(v) + 2 * PI**2 * (u - x)),
        [g.Dirichlet(u=lambda x: x, v=lambda x: x)],
    ),
}


_DEAR = ("boxes", "mixed", "plate", "square, to be approximated", "system")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in _DEAR else []) for name in AT_RESONANCE]
)
def test_a_mode_can_be_added_to_a_simple_answer(name):
    report = solve(AT_RESONANCE[name], tol=1e-5, time_limit=20).report
    assert not report.converged and report.status == "not_unique" and "one of many" in report.reason


@pytest.mark.slow
def test_in_a_cube():
    problem = g.Problem(
        CUBE, lambda u, x, y, z: g.laplacian(u) + 3 * PI**2 * (u - x), [g.Dirichlet(u=lambda x, y, z: x)]
    )
    assert solve(problem, tol=1e-5, time_limit=30).report.status == "not_unique"


@pytest.mark.parametrize("apart", [1e-1, 1e-3, 1e-5])
def test_beside_resonance_the_answer_is_the_one(apart):
    solution = solve(helmholtz(2 * PI**2 * (1 + apart)), tol=1e-6, time_limit=20)
    assert solution.report.converged
    assert solution.report.relative_l2 <= 3 * solution.report.error_estimate


@pytest.mark.parametrize(("square", "waves"), [(8 * PI**2, 8**0.5), (1.0, 1 / PI)])
def test_half_waves_are_those_of_the_equation(square, waves):
    assert half_waves(helmholtz(square)) == pytest.approx(waves)


@pytest.mark.parametrize("name", ["poisson", "poisson_screened", "l_shape", "heat", "wave", "burgers"])
def test_what_pulls_back_or_begins_at_a_time_has_no_resonance(name):
    assert half_waves(registry.load(name)) is None
