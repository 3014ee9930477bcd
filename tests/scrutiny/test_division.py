"""Problems whose data jump on planes are divided there, unless something else is sharp or nothing says what holds."""

import pytest
import torch

from gmnm_pde import Dirichlet, Interval, Neumann, Problem, Rectangle, Time, diff, solve
from gmnm_pde.scrutiny import divided, look

LINE = Interval(x=(0, 1))
SQUARE = Rectangle(x=(0, 1), y=(0, 1))


def step(x, place, low, high):
    return torch.where(x > place, high, low)


def stacked():
    """k = 1.38 below y = 0.5 and 400 above, heated from above."""

    def exact(x, y):
        return torch.where(y < 0.5, 293.15 + 200 * y / 1.38, 293.15 + 100 / 1.38 + (y - 0.5) / 2)

    def equation(T, x, y):
        k = step(y, 0.5, 1.38, 400.0)
        return diff(k * diff(T, x), x) + diff(k * diff(T, y), y)

    sides = Neumann(T=0, on=SQUARE.face(x=0) | SQUARE.face(x=1))
    ends = [Dirichlet(T=293.15, on=SQUARE.face(y=0)), Neumann(T=0.5, on=SQUARE.face(y=1))]
    return Problem(SQUARE, equation, [*ends, sides], exact=exact)


def half_loaded():
    def exact(x):
        return torch.where(x > 0.5, -((x - 0.5) ** 2) / 2, 0.0) + x / 8

    return Problem(LINE, lambda u, x: diff(u, x, x) + step(x, 0.5, 0.0, 1.0), [Dirichlet(u=0)], exact=exact)


def found(problem):
    return divided(problem, look(problem))


@pytest.mark.parametrize(("make", "tol", "at"), [(stacked, 1e-6, "y = 0.5"), (half_loaded, None, "x = 0.5")])
def test_a_jump_on_a_plane_is_solved_on_both_sides(make, tol, at):
    report = solve(make(), tol=tol).report
    assert report.converged
    assert report.relative_l2 < min(1e-6, 10 * report.error_estimate)
    assert f"divided at {at}" in report.reason


def test_several_places_make_several_parts():
    def layers(x):
        return step(x, 0.25, 1.0, 10.0) + step(x, 0.5, 0.0, 5.0) + step(x, 0.75, 0.0, -14.0)

    problem = Problem(LINE, lambda u, x: diff(layers(x) * diff(u, x), x) + 1, [Dirichlet(u=0)])
    parted, told = found(problem)
    assert len(parted.domain.parts) == 4
    assert all(f"x = {place}" in told for place in (0.25, 0.5, 0.75))


def test_a_product_with_time_is_divided_in_space():
    domain = LINE * Time(t=(0, 1))

    def equation(u, x, t):
        return diff(u, t) - diff(step(x, 0.3, 1.0, 2.0) * diff(u, x), x)

    problem = Problem(domain, equation, [Dirichlet(u=0)])
    parted, _ = found(problem)
    assert len(parted.domain.parts) == 2


NOT = {
    "smooth": lambda: Problem(LINE, lambda u, x: diff(u, x, x) + torch.sin(x), [Dirichlet(u=0)]),
    "jumps in time": lambda: Problem(
        LINE * Time(t=(0, 1)), lambda u, x, t: diff(u, t) - diff(u, x, x) - step(t, 0.5, 0.0, 1.0), [Dirichlet(u=0)]
    ),
    "no flux": lambda: Problem(LINE, lambda u, x: step(x, 0.3, 1.0, 9.0) * diff(u, x, x) + 1, [Dirichlet(u=0)]),
    "fourth order": lambda: Problem(
        LINE, lambda u, x: diff(u, x, x, x, x) - step(x, 0.5, 0.0, 1.0), [Dirichlet(u=0), Neumann(u=0)]
    ),
    "a circle": lambda: Problem(
        SQUARE,
        lambda u, x, y: diff(u, x, x) + diff(u, y, y) + step((x - 0.5) ** 2 + (y - 0.5) ** 2, 0.1, 0.0, 1.0),
        [Dirichlet(u=0)],
    ),
}


@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
@pytest.mark.parametrize("name", NOT)
def test_others_stay_as_they_are(name):
    assert found(NOT[name]()) is None


def test_a_slight_jump_is_divided_too():
    """What is differentiated is looked at itself where a coefficient jumps by little."""
    k = 1 + 1e-6
    problem = Problem(LINE, lambda u, x: diff(step(x, 0.4, 1.0, k) * diff(u, x), x), [Dirichlet(u=lambda x: x)])
    flux = 1 / (0.4 + 0.6 / k)
    report = solve(problem).report
    assert report.converged and "divided at x = 0.4" in report.reason
    x = torch.linspace(0, 1, 101, dtype=torch.float64)
    exact = torch.where(x < 0.4, flux * x, flux * 0.4 + flux / k * (x - 0.4))
    assert (solve(problem)(x) - exact).abs().max() < 1e-11


def test_equations_with_several_residuals_are_divided():
    def equations(u, v, x):
        return {"one": diff(step(x, 0.4, 1.0, 3.0) * diff(u, x), x) + 1, "two": diff(v, x, x) - u}

    _, told = found(Problem(LINE, equations, [Dirichlet(u=0, v=0)], fields=("u", "v")))
    assert "x = 0.4" in told


def test_a_place_with_many_digits_is_kept():
    """Coefficients are looked at a few roundings beside an interface, so that its place must be right to these."""
    place, domain = 0.6783338322075878, Interval(x=(-1, 2))
    equation = lambda u, x: diff(step(x, place, 1.0, 0.03) * diff(u, x), x)  # noqa: E731
    parted, _ = found(Problem(domain, equation, [Dirichlet(u=lambda x: x)]))
    (low, high), _ = (part.bounds[0] for part in parted.domain.parts.values())
    assert low == -1 and abs(high - place) < 2e-15
