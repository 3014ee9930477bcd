"""Solutions of other problems as initial and boundary values, sources and coefficients."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.jets import Frame
from gmnm_pde.statement.fingerprint import difference, fingerprint

PI = math.pi
ROD = g.Interval(x=(0, 1))
SMALL = g.Mixture(components=60, widths=2.0)


def bump(x):
    return torch.sin(PI * x)


@pytest.fixture(scope="module")
def heat():
    """u = exp(-0.1 t) sin(pi x) on times 0 to 1."""
    domain = ROD * g.Time(t=(0, 1))

    def equation(u, x, t):
        return g.diff(u, t) - 0.1 / PI**2 * g.diff(u, x, x)

    return g.solve(g.Problem(domain, equation, [g.Dirichlet(u=0), g.Initial(u=bump)]), g.Mixture(components=150))


@pytest.fixture(scope="module")
def steady():
    """k = 1 + x^2, and w = x."""
    return g.solve(g.Problem(ROD, lambda k, w, x: (k - 1 - x**2, w - x)), SMALL)


@pytest.fixture(scope="module")
def conduction():
    """k = 1 + x^2 alone."""
    return g.solve(g.Problem(ROD, lambda k, x: k - 1 - x**2), SMALL)


def prescribed(problem, name, x):
    """What a term prescribes at the points x of its region."""
    (term,) = (term for term in problem.terms if term.name == name)
    columns = [x] if len(problem.domain.coordinates) == 1 else [x, torch.full_like(x, problem.domain.bounds[1][0])]
    value = term.data.value(Frame(problem.domain.coordinates, torch.stack(columns, 1)).coordinates)
    return value.tensor.detach()


X = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
TIMES = {"within": (0.5, 0.5), "at the end": (1.0, 1.0), "beyond": (3.0, 1.0)}


@pytest.mark.parametrize("when", TIMES)
def test_a_solution_is_an_initial_value_where_the_new_time_begins_or_at_its_end(heat, when):
    start, taken = TIMES[when]
    domain = ROD * g.Time(t=(start, start + 1))
    conditions = [g.Dirichlet(u=0), g.Initial(u=heat), g.Initial(u=heat, order=1)]
    problem = g.Problem(domain, lambda u, x, t: g.diff(u, t, t) - g.diff(u, x, x), conditions)
    assert torch.allclose(prescribed(problem, "initial_u", X), math.exp(-0.1 * taken) * bump(X), atol=1e-7)
    assert torch.allclose(prescribed(problem, "initial_dt_u", X), -0.1 * math.exp(-0.1 * taken) * bump(X), atol=1e-6)


def test_a_solution_in_a_function_of_an_initial_value(heat):
    domain = ROD * g.Time(t=(0, 1))
    first = g.Initial(u=lambda x: heat(x, torch.ones_like(x)))
    problem = g.Problem(domain, lambda u, x, t: g.diff(u, t) - g.diff(u, x, x), [g.Dirichlet(u=0), first])
    assert torch.allclose(prescribed(problem, "initial_u", X), math.exp(-0.1) * bump(X), atol=1e-7)


COEFFICIENTS = {
    "by name": lambda k: ({"k": k}, lambda u, x, k: g.diff(k * g.diff(u, x), x) - 2 - 6 * x**2),
    "called": lambda k: ({}, lambda u, x: g.diff(k(x) * g.diff(u, x), x) - 2 - 6 * x**2),
    "at another place": lambda k: ({}, lambda u, x: g.diff(k(1 - (1 - x)) * g.diff(u, x), x) - 2 - 6 * x**2),
}


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_a_solution_is_a_coefficient_with_its_derivatives(conduction, name):
    coefficients, equation = COEFFICIENTS[name](conduction)
    problem = g.Problem(ROD, equation, [g.Dirichlet(u=lambda x: x**2)], coefficients=coefficients)
    assert problem.linear
    assert abs(g.solve(problem, SMALL)(0.5) - 0.25) < 1e-6


def test_derivatives_of_every_order_are_the_models(heat):
    frame = Frame(("x", "t"), torch.rand(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    x, t = frame.coordinates["x"], frame.coordinates["t"]
    made = g.diff(heat(x, t) * x, x, x, t).tensor
    u = heat.jet(*frame.points.unbind(1))
    right = frame.points[:, 0] * g.diff(u, "x", "x", "t").tensor + 2 * g.diff(u, "x", "t").tensor
    assert torch.allclose(made, right, rtol=1e-10)
    inner = g.diff(heat(x * t, 0.5), x, x).tensor
    assert torch.allclose(inner, frame.points[:, 1] ** 2 * g.diff(heat.jet(*torch.stack(
        [frame.points.prod(1), torch.full((6,), 0.5, dtype=torch.float64)])), "x", "x").tensor)  # fmt: skip


def test_tensors_that_require_gradients_get_them(conduction):
    x = torch.tensor([0.2, 0.7], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(conduction(x).sum(), x)
    assert torch.allclose(slope, 2 * x.detach(), atol=1e-6)
    assert not conduction(x.detach()).requires_grad


def test_boundary_values_and_the_field_of_the_same_name(steady):
    problem = g.Problem(ROD, lambda w: g.laplacian(w), [g.Dirichlet(w=steady)])
    assert abs(g.solve(problem, SMALL)(0.25) - 0.25) < 1e-6


def test_boundary_values_follow_the_time(heat):
    domain = g.Interval(x=(0.25, 0.75)) * g.Time(t=(0, 1))

    def equation(u, x, t):
        return g.diff(u, t) - 0.1 / PI**2 * g.diff(u, x, x)

    problem = g.Problem(domain, equation, [g.Dirichlet(u=heat), g.Initial(u=heat)])
    solution = g.solve(problem, g.Mixture(components=20, widths=1.0), hard="initial")
    assert abs(solution(0.5, 0.8) - math.exp(-0.08)) < 1e-3


def test_a_problem_with_a_solution_in_it_has_a_fingerprint(conduction, steady):
    def stated(known):
        return g.Problem(
            ROD, lambda u, x, k: g.diff(k * g.diff(u, x), x), [g.Dirichlet(u=0)], coefficients={"k": known}
        )

    one, same, other = (fingerprint(stated(known)) for known in (conduction, conduction, lambda x: 1 + x))
    assert not difference(one, same) and difference(one, other)


def refuse(make, words):
    with pytest.raises(g.GmnmError, match=words):
        make()


def test_what_a_solution_cannot_be(heat, steady):
    line = g.Interval(y=(0, 1))
    refuse(lambda: g.Problem(line, lambda u: g.laplacian(u), [g.Dirichlet(u=heat)]), "one with 'x'")
    refuse(lambda: g.Problem(ROD, lambda u: g.laplacian(u), [g.Dirichlet(u=steady)]), "a solution with the field 'u'")
    wide = g.Interval(x=(0, 2))
    refuse(lambda: g.Problem(wide, lambda u, x: g.laplacian(u) - heat(x, 0.5), [g.Dirichlet(u=0)]), "outside, such as")
    waves = ROD * g.Time(t=(0, 1))
    start = g.Initial(w=steady, order=1)
    refuse(lambda: g.Problem(waves, lambda w, t: g.diff(w, t, t), [g.Initial(w=0), start]), "a solution with time")


def test_a_solve_goes_on_to_a_later_end(heat):
    later = heat.extended(t=2.0)
    assert later.domain.bounds == ((0.0, 1.0), (1.0, 2.0))
    assert [term.name for term in later.terms] == ["equation", "dirichlet_u", "initial_u"]
    x = torch.tensor([0.5], dtype=torch.float64)
    assert torch.allclose(prescribed(later, "initial_u", x), math.exp(-0.1) * bump(x), atol=1e-7)
    solution = g.solve(later, g.Mixture(components=150))
    assert abs(solution(0.5, 2.0) - math.exp(-0.2)) < 1e-6
    assert solution.extended(t=2.5).domain.bounds[1] == (2.0, 2.5)


def test_second_order_parameters_and_vectors_go_on():
    clock = g.Time(t=(0, 1))
    times = torch.linspace(0.1, 1, 10, dtype=torch.float64)[:, None]
    start = [g.Initial(y=[1, 0], order=0), g.Condition(lambda y: g.diff(y[0], "t"), on=clock.initial)]

    def equation(t, y, square):
        return [g.diff(y[0], t, t) + square * y[0], g.diff(y[1], t) - y[0]]

    problem = g.Problem(clock, equation, start, fields=("y", 2), constants={"square": 4.0}, name="spring")
    later = g.solve(problem, g.Mixture(components=40)).extended(t=1.5)
    assert later.name == "spring" and later.constants == {"square": 4.0}
    solution = g.solve(later, g.Mixture(components=40))
    assert abs(solution(1.5)["y_1"] - math.cos(3)) < 1e-6
    found = [*start, g.Observations(times, y_1=torch.cos(2 * times[:, 0]))]
    inverse = g.Problem(clock, equation, found, fields=("y", 2), parameters={"square": 3.0})
    refuse(lambda: g.solve(inverse, g.Mixture(components=40)).extended(t=2), "at given points")


def test_regions_are_made_anew():
    domain = ROD * g.Time(t=(0, 1))
    heated = domain.interior.where(lambda x: x < 0.5)
    conditions = [
        g.Dirichlet(u=0, on=domain.face(x=0)),
        g.Neumann(u=1, on=domain.face(x=1).where(lambda t: t > 0.2)),
        g.Condition(lambda v, u: v - u, on=heated, name="left"),
        g.Initial(u=0),
    ]
    problem = g.Problem(domain, lambda u, v, x, t: g.diff(u, t) - g.diff(u, x, x) + v, conditions)
    later = g.solve(problem, SMALL).extended(t=3)
    bounds = {
        term.name: term.region.charts[0].embed(torch.ones(1, term.region.charts[0].dimension)) for term in later.terms
    }
    assert all(places[0, 1] == (1.0 if name == "initial_u" else 3.0) for name, places in bounds.items())
    assert [term.group for term in later.terms] == ["interior", "boundary", "boundary", "interior", "initial"]


def test_what_cannot_go_on(heat, steady):
    refuse(lambda: steady.extended(t=2), "a problem in time")
    refuse(lambda: heat.extended(t=0.5), "a time after t=1")
    refuse(lambda: heat.extended(x=2), "a later end, as in t=2.0")
    refuse(lambda: heat.extended(), "a later end, as in t=2.0")
    domain = ROD * g.Time(t=(0, 1))
    final = g.Problem(
        domain,
        lambda u, x, t: g.diff(u, t) + g.diff(u, x, x),
        [g.Dirichlet(u=0), g.Condition(lambda u, x: u - bump(x), on=domain.face(t=1), name="final")],
    )
    refuse(lambda: g.solve(final, SMALL).extended(t=2), "'final' at one time")


def test_a_solution_that_is_zero_on_the_boundary_is_a_value_there():
    disk = g.Disk((0, 0), 1)
    bowl = g.solve(g.Problem(disk, lambda u, x, y: g.laplacian(u) + 4, [g.Dirichlet(u=0)]))
    same = g.solve(g.Problem(disk, lambda v, x, y: g.laplacian(v) + 4, [g.Dirichlet(v=bowl)]))
    assert same(0.0, 0.0) == pytest.approx(1, rel=1e-9)


def test_several_materials_go_on_to_a_later_time():
    def problem(end):
        domain = g.Interval(x=(0, 1)).split(at=0.3, names=("a", "b")) * g.Time(t=(0, end))
        return g.Problem(
            domain,
            lambda u, k, x, t: g.diff(u, t) - g.diff(k * g.diff(u, x), x),
            [g.Dirichlet(u=0), g.Initial(u=lambda x: torch.sin(torch.pi * x))],
            coefficients={"k": {"a": 0.1, "b": 1.0}},
        )

    whole, first = (g.solve(problem(end), tol=1e-3) for end in (0.2, 0.1))
    then = g.solve(first.extended(t=0.2), tol=1e-3)
    assert abs(then(0.4, 0.15) - whole(0.4, 0.15)) < 1e-2 * abs(whole(0.4, 0.15))


def test_lists_of_points_keep_their_digits():
    observed = g.Observations([[0.7]], u=[0.1])
    problem = g.Problem(g.Interval(x=(0, 1)), lambda u, x: g.diff(u, x, x) - 1, [observed, g.Neumann(u=0)])
    (term,) = [term for term in problem.terms if term.group == "data"]
    assert term.region.points.item() == 0.7
