"""What the shape of a domain lets be added: fields around holes, and what only one of several pieces fixes."""

import pytest

import gmnm_pde as g
from gmnm_pde import solve

SQUARE = g.Rectangle(x=(-1, 1), y=(-1, 1))
RING = g.Annulus(center=(0, 0), inner=0.4, outer=1)
HOLE = g.Disk(center=(0, 0), radius=0.4)
FIRST, SECOND = g.Disk(center=(0, 0), radius=1), g.Disk(center=(3, 0), radius=1)
SHELL = g.SphericalShell(center=(0, 0, 0), inner=0.5, outer=1)


def across(u, v, x, y, normal):
    """The normal component is that of (x, -y)."""
    return (u - x) * normal[:, 0] + (v + y) * normal[:, 1]


def along(u, v, x, y, normal):
    """The tangential component is that of (x, -y)."""
    return (u - x) * normal[:, 1] - (v + y) * normal[:, 0]


def div_curl(domain, *conditions):
    """Without sources and curl; (x, -y) meets all conditions."""
    equations = lambda u, v, x, y: (g.diff(u, x) + g.diff(v, y), g.diff(v, x) - g.diff(u, y))  # noqa: E731
    exact = {"u": lambda x, y: x + 0 * y, "v": lambda x, y: -y + 0 * x}
    return g.Problem(domain, equations, conditions, exact=exact)


def in_two_disks(*conditions, equation=lambda u: g.laplacian(u)):
    return g.Problem(FIRST | SECOND, equation, conditions, exact={"u": lambda x, y: x + 0 * y})


def stokes(*places):
    """A turning flow in two disks, with the pressure given at some places."""
    equations = lambda u, v, p, x, y: (  # noqa: E731
        g.laplacian(u) - g.diff(p, x) + 1,
        g.laplacian(v) - g.diff(p, y),
        g.diff(u, x) + g.diff(v, y),
    )
    pins = [g.Observations([[x, 0.0]], p=[x]) for x in places]
    return g.Problem(FIRST | SECOND, equations, [g.Dirichlet(u=lambda y: y, v=lambda x: -x), *pins])


def tangential_in_a_shell():
    def t(u, v, w, x, y, z, normal):
        a, b, c, n = u - y, v - x, w, normal
        return {
            "1": a * n[:, 1] - b * n[:, 0],
            "2": b * n[:, 2] - c * n[:, 1],
            "3": c * n[:, 0] - a * n[:, 2],
        }

    def equations(u, v, w, x, y, z):
        curl = (g.diff(w, y) - g.diff(v, z), g.diff(u, z) - g.diff(w, x), g.diff(v, x) - g.diff(u, y))
        return (g.diff(u, x) + g.diff(v, y) + g.diff(w, z), *curl)

    return g.Problem(SHELL, equations, [g.Condition(t, name="t")])


ONE = g.Dirichlet(u=lambda x: x, on=FIRST.boundary)
SLOPE = g.Condition(lambda u, normal: g.normal_derivative(u) - normal[:, 0], on=SECOND.boundary, name="slope")
J01 = 2.404825557695773
INTERVALS = g.Interval(x=(0, 1)), g.Interval(x=(2, 3))

FREE = {
    "ring, normal": lambda: div_curl(RING, g.Condition(across, name="across")),
    "ring, tangential": lambda: div_curl(RING, g.Condition(along, name="along")),
    "plate with a hole": lambda: div_curl(SQUARE - HOLE, g.Condition(across, name="across")),
    "shell": tangential_in_a_shell,
    "a piece by its slope": lambda: in_two_disks(ONE, SLOPE),
    "nonlinear": lambda: in_two_disks(
        ONE, SLOPE, equation=lambda u, x, y: g.div((1 + g.diff(u, x) ** 2 + g.diff(u, y) ** 2) * g.grad(u))
    ),
    "a piece at its resonance": lambda: g.Problem(
        g.Disk(center=(0, 0), radius=0.8) | SECOND,
        lambda u, x, y: g.laplacian(u) + J01**2 * (u - x * y),
        [g.Dirichlet(u=lambda x, y: x * y)],
    ),
    "pressure in one piece": lambda: stokes(0.0),
    "intervals": lambda: g.Problem(
        INTERVALS[0] | INTERVALS[1],
        lambda u, x: g.diff(u, x, x) - 2,
        [
            g.Dirichlet(u=lambda x: x**2, on=INTERVALS[0].boundary),
            g.Condition(
                lambda u, x, normal: g.normal_derivative(u) - 2 * x * normal[:, 0],
                on=INTERVALS[1].boundary,
                name="slope",
            ),
        ],
    ),
    "ring at resonance": lambda: g.Problem(
        g.Annulus(center=(0, 0), inner=0.1, outer=1),
        lambda u, x, y: g.laplacian(u) + 3.3139387150533373**2 * (u - x * y),
        [g.Dirichlet(u=lambda x, y: x * y)],
    ),
}

UNIQUE = {
    "a piece by its slope where u pulls": lambda: in_two_disks(
        ONE, SLOPE, equation=lambda u, x: g.laplacian(u) - u + x
    ),
    "values on both": lambda: in_two_disks(g.Dirichlet(u=lambda x: x)),
    "normal outside, tangential at the hole": lambda: div_curl(
        SQUARE - HOLE,
        g.Condition(across, on=SQUARE.boundary, name="across"),
        g.Condition(along, on=HOLE.boundary, name="along"),
    ),
    "all at the hole": lambda: div_curl(
        SQUARE - HOLE,
        g.Condition(across, on=SQUARE.boundary, name="across"),
        g.Dirichlet(u=lambda x: x, v=lambda y: -y, on=HOLE.boundary),
    ),
    "beside the resonance of a piece": lambda: in_two_disks(
        g.Dirichlet(u=lambda x: x), equation=lambda u, x: g.laplacian(u) + (J01 + 1e-3) ** 2 * (u - x)
    ),
}


@pytest.mark.parametrize("name", FREE)
def test_what_can_be_added_is_told(name):
    report = solve(FREE[name](), tol=1e-4, time_limit=30).report
    assert not report.converged and report.status == "not_unique" and "one of many" in report.reason


@pytest.mark.slow
def test_a_square_hole():
    domain = SQUARE - g.Rectangle(x=(-0.4, 0.4), y=(-0.4, 0.4))
    report = solve(div_curl(domain, g.Condition(across, name="across")), tol=1e-4, time_limit=30).report
    assert report.status == "not_unique" and "around the hole near x=" in report.reason


@pytest.mark.parametrize("name", UNIQUE)
def test_the_one_answer_is_believed(name):
    solution = solve(UNIQUE[name](), tol=1e-4, time_limit=30)
    assert solution.report.converged
    errors = solution.report.relative_l2
    assert max(errors.values() if isinstance(errors, dict) else [errors]) < 1e-4


def test_the_piece_is_named():
    reason = solve(stokes(0.0), tol=1e-4, time_limit=30).report.reason
    assert "any constant in p" in reason and "< x < 4" in reason
