"""What is narrow in time or in the state, beside means, in materials, on sides and in many modes."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.scrutiny import look

LINE = g.Interval(x=(0, 1)) * g.Time(t=(0, 3))
WALLS = [g.Neumann(u=0, w=0), g.Initial(u=0, w=0)]


def pulse(s, width=1e-3):
    return torch.exp(-((s / width) ** 2)) / width


def ramped(law, domain=LINE, conditions=WALLS, **others):
    """A field u = t, and one that grows by what a law makes of the fields."""
    equations = lambda u, w, t: (g.diff(u, t) - g.laplacian(u) - 1, g.diff(w, t) - g.laplacian(w) - law(u, w, t))  # noqa: E731
    return g.Problem(domain, equations, conditions, **others)


def met(problem, value, tol=1e-4):
    solution = g.solve(problem, tol=tol)
    error = abs(solution(**dict.fromkeys(problem.domain.space, 0.3), t=3.0)["w"].item() - value)
    return solution.report.converged and error <= tol * value


@pytest.mark.parametrize(
    "law",
    [
        lambda u, w, t: pulse(u - 2) + 0 * g.mean(u),
        pytest.param(lambda u, w, t: pulse(g.mean(u) - 2), marks=pytest.mark.slow),
        lambda u, w, t: g.integral(pulse(u - 2)),
        pytest.param(lambda u, w, t: g.mean(pulse(u - 2 + u - g.mean(u))), marks=pytest.mark.slow),
    ],
)
def test_pulses_of_the_state_beside_means(law):
    assert met(ramped(law), math.sqrt(math.pi))


@pytest.mark.slow
def test_windows_of_a_mean():
    law = lambda u, w, t: torch.where((g.mean(u) > 2) & (g.mean(u) < 2.001), 1000.0, 0.0)  # noqa: E731
    assert met(ramped(law), 1.0, tol=1e-3)


def test_pulses_of_time_beside_means():
    problem = ramped(lambda u, w, t: pulse(t - 2, 1e-4) + 0 * g.mean(u))
    (feature,) = look(problem)
    assert feature.kind == "narrow" and feature.plane == pytest.approx((1, 2.0), abs=1e-4)
    assert met(problem, math.sqrt(math.pi), tol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("part", [pytest.param("both", marks=pytest.mark.slow), "one"])
def test_pulses_of_the_state_in_materials(part):
    domain = g.Interval(x=(0, 1)).split(at=0.5, names=("a", "b")) * g.Time(t=(0, 3))
    size = {"a": 1.0, "b": 1.0 if part == "both" else 0.0}
    problem = g.Problem(
        domain,
        lambda u, w, x, t, k: (
            g.diff(u, t) - g.diff(u, x, x) - 1,
            g.diff(w, t) - 100 * g.diff(w, x, x) - k * pulse(u - 2),
        ),
        WALLS,
        coefficients={"k": size},
    )
    assert met(problem, math.sqrt(math.pi) * sum(size.values()) / 2)


@pytest.mark.slow
def test_laws_of_a_mean_in_the_plane_are_not_taken_for_constants():
    square = g.Rectangle(x=(0, 1), y=(0, 1)) * g.Time(t=(0, 3))
    assert met(ramped(lambda u, w, t: pulse(g.mean(u) - 2), square), math.sqrt(math.pi))


def test_values_at_the_end_and_fields_beside_a_constant():
    kelvin = [g.Neumann(u=0, w=0), g.Initial(u=300, w=0)]
    assert met(ramped(lambda u, w, t: pulse(u - 302), conditions=kelvin), math.sqrt(math.pi))


def test_conditions_on_sides_are_looked_at():
    ends = {"cold": LINE.face(x=0), "far": LINE.face(x=1)}
    problem = g.Problem(
        LINE,
        lambda u, w, x, t: (g.diff(u, t) - g.diff(u, x, x) - 1, g.diff(w, t) - 100 * g.diff(w, x, x)),
        [
            g.Neumann(u=0),
            g.Neumann(w=0, on=ends["far"]),
            g.Condition(lambda u, w, x: 100 * g.diff(w, x) + pulse(u - 2), on=ends["cold"]),
            g.Initial(u=0, w=0),
        ],
    )
    solution = g.solve(problem, tol=1e-4)
    error = abs(solution(x=0.3, t=3.0)["w"].item() - math.sqrt(math.pi))
    assert not solution.report.converged or error < 1e-3


def test_integrals_in_conditions_and_materials_are_refused():
    bound = g.Condition(lambda u, x: g.diff(u, x) - g.mean(u), on=LINE.face(x=0))
    cold = g.Dirichlet(u=0, on=LINE.face(x=1))
    problem = g.Problem(LINE, lambda u, t: g.diff(u, t) - g.laplacian(u), [bound, cold, g.Initial(u=0)])
    with pytest.raises(g.GmnmError, match="does not hold everywhere"):
        g.solve(problem, tol=1e-4)
    domain = g.Interval(x=(0, 1)).split(at=0.5, names=("a", "b")) * g.Time(t=(0, 1))
    walls = [g.Neumann(u=0), g.Initial(u=0)]
    problem = g.Problem(domain, lambda u, t: g.diff(u, t) - g.laplacian(u) - g.mean(u), walls)
    with pytest.raises(g.GmnmError, match="see only that part"):
        g.solve(problem, tol=1e-4)


@pytest.mark.slow
def test_a_spot_of_initial_values_in_the_plane():
    middle, width, end = (0.37, 0.61), 1e-2, 0.1
    spot = lambda x, y: pulse(x - middle[0], width) * pulse(y - middle[1], width) / math.pi  # noqa: E731
    square = g.Rectangle(x=(0, 1), y=(0, 1)) * g.Time(t=(0, end))
    walls = [g.Neumann(u=0), g.Initial(u=spot)]
    solution = g.solve(g.Problem(square, lambda u, t: g.diff(u, t) - g.laplacian(u), walls), tol=1e-2)
    each = [
        1
        + 2
        * sum(
            math.cos(k * math.pi * at) * math.cos(k * math.pi / 2) * math.exp(-(k**2) * math.pi**2 * end)
            for k in range(1, 9)
        )
        for at in middle
    ]
    assert solution.report.converged and abs(solution(0.5, 0.5, end) - each[0] * each[1]) < 1e-2


@pytest.mark.parametrize(
    ("law", "value"),
    [
        (lambda u, w, t: pulse(u - 2, 1e-7), math.sqrt(math.pi)),
        pytest.param(lambda u, w, t: pulse(g.mean(u) - 2, 1e-7), math.sqrt(math.pi), marks=pytest.mark.slow),
        pytest.param(lambda u, w, t: (1 - torch.tanh((u - 2) / 1e-7) ** 2) / 1e-7, 2.0, marks=pytest.mark.slow),
        pytest.param(lambda u, w, t: 1 / (1 + ((u - 2) / 1e-7) ** 2) / 1e-7, math.pi, marks=pytest.mark.slow),
    ],
    ids=["exp", "exp of a mean", "tanh", "quotient"],
)
def test_pulses_of_the_state_that_no_look_falls_into(law, value):
    assert met(ramped(law), value, tol=1e-4)


@pytest.mark.slow
def test_windows_of_the_state_that_no_look_falls_into():
    assert met(ramped(lambda u, w, t: torch.where((u > 2) & (u < 2 + 1e-6), 1e6, 0.0)), 1.0, tol=1e-4)
