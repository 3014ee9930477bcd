"""Systems, nonlinear equations and equations of fourth order on boxes, against exact solutions."""

import box_cases as cases
import pytest
import torch

import gmnm_pde as g
from gmnm_pde.adaptivity.boxes.lines import halved
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.foresight import Level
from gmnm_pde.boxes.glued import glued
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.newton import NonlinearSystem
from gmnm_pde.boxes.reading import read
from gmnm_pde.boxes.units import units_of


def solved(problem, counts, degree):
    return g.solve(problem, method=g.Boxes(counts=counts, degree=degree)).report


def by_field(figures):
    return list(figures.values()) if isinstance(figures, dict) else [figures]


SYSTEMS = {
    "elasticity": (lambda: g.registry.load("cantilever"), (3, 1), 7, 1e-11),
    "real and imaginary parts": (lambda: cases.absorbing(2), 2, 14, 1e-6),
    "first order": (cases.first_order, 2, 9, 1e-6),
    "stokes, a pressure at a point": (lambda: g.registry.load("stokes"), 2, 6, 1e-12),
    "navier-stokes": (lambda: g.registry.load("kovasznay"), (2, 2), 14, 1e-5),
    "reactions": (cases.pair, 1, 12, 1e-7),
}
NONLINEAR = {
    "plane": (lambda: cases.cubic(1), 2, 12, 1e-7),
    "a nonlinear condition": (cases.radiating, 2, 14, 1e-10),
    "space and time": (lambda: g.registry.load("burgers", viscosity=0.05), (6, 2), 10, 1e-3),
    "fourth order": (lambda: g.registry.load("clamped_plate"), 2, 12, 1e-4),
}


@pytest.mark.parametrize(("make", "counts", "degree", "bound"), [*SYSTEMS.values(), *NONLINEAR.values()])
def test_solutions_are_right_and_estimates_say_so(make, counts, degree, bound):
    report = solved(make(), counts, degree)
    errors, estimates = by_field(report.relative_l2), by_field(report.error_estimate)
    assert max(errors) < bound
    assert max(errors) / 3 < max(estimates) < 200 * max(max(errors), 1e-13)


def test_the_degrees_of_traces_follow_the_orders():
    assert read(g.registry.load("stokes")).across == (2, 2, 1)
    assert read(cases.first_order()).across == (1, 1, 1)
    assert read(g.registry.load("clamped_plate")).across == (4,)
    assert read(cases.poisson(1)).across == (2,)


def test_units_of_fields_and_equations_do_not_matter():
    def scaled(factor):
        """A pressure in other units, and the momentum with it."""

        def equations(u, v, p, x, y):
            return {
                "along_x": factor * g.diff(p, x) - factor * g.laplacian(u),
                "along_y": factor * g.diff(p, y) - factor * g.laplacian(v),
                "mass": g.diff(u, x) + g.diff(v, y),
            }

        stated = g.registry.load("stokes")
        return g.Problem(stated.domain, equations, stated.conditions, exact=stated.exact)

    def in_units(factor):
        def equations(u, v, p, x, y):
            return {
                "along_x": g.diff(p, x) / factor - g.laplacian(u),
                "along_y": g.diff(p, y) / factor - g.laplacian(v),
                "mass": g.diff(u, x) + g.diff(v, y),
            }

        stated = g.registry.load("stokes")
        conditions = [stated.conditions[0], g.Observations([[0.0, 0.0]], p=[0.0])]
        exact = lambda x, y: {**stated.exact(x, y), "p": factor * stated.exact(x, y)["p"]}  # noqa: E731
        return g.Problem(stated.domain, equations, conditions, exact=exact)

    for problem in (scaled(1e5), in_units(1e-5), in_units(1e5)):
        assert max(by_field(solved(problem, 2, 6).relative_l2)) < 1e-11


def test_the_linearisation_is_the_derivative():
    statements, layout = read(cases.radiating()), Layout.grid([[0.0, 0.3, 1.0]])
    degrees = Degrees.of(1, 6)
    units = units_of(statements.problem, statements.equations, layout, degrees.inner[0])
    system = NonlinearSystem(statements, layout, degrees, units, {})
    theta = torch.randn(system.columns, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 0.1
    before = system.residual(theta)
    factored = system.factored(theta)
    step = factored.solution() - theta
    h = 1e-5
    slope = (system.residual(theta + h * step) - system.residual(theta - h * step)) / (2 * h)
    assert factored.misfit == pytest.approx((before + slope).norm().item(), rel=1e-6)
    assert factored.misfit < 0.5 * before.norm().item()


def test_lines_are_put_where_a_shock_is():
    solution = g.solve(g.registry.load("burgers", viscosity=0.02), method=g.Boxes(), tol=1e-5)
    report, boxes = solution.report, solution.approximator.boxes
    assert report.converged and report.relative_l2 < 1e-5
    widths = {high - low for (low, high), _ in boxes}
    assert max(widths) > 3 * min(widths)


def test_intervals_that_leave_most_are_halved():
    level = Level((2, 1), 8, ((0.0, 1.0, 2.0), (0.0, 1.0)))
    left = [torch.tensor([1.0, 1e-8]), torch.tensor([1e-9])]
    assert halved(level, left, 1e-3) == Level((3, 1), 8, ((0.0, 0.5, 1.0, 2.0), (0.0, 1.0)))


@pytest.mark.slow
@pytest.mark.parametrize("tol", [1e-3])
def test_a_cavity_is_solved_unasked(tol):
    report = g.solve(cases.lid(0.05), tol=tol).report
    assert report.converged


def test_a_pressure_without_a_value_is_one_of_many():
    with pytest.warns(g.NumericalWarning, match="any constant"):
        problem = cases.lid(0.1, pinned=False)
    report = solved(problem, 2, 8)
    assert not report.converged and report.status == "not_unique"


def test_what_newton_does_not_solve_is_not_called_solved():
    def equation(u, x):
        return g.diff(u, x, x) + 20 * torch.exp(u)  # there is no solution beyond 3.51

    domain = g.Interval(x=(0, 1))
    report = solved(g.Problem(domain, equation, [g.Dirichlet(u=0)], name="bratu"), 2, 12)
    assert not report.converged


def test_a_system_that_lacks_an_equation_is_refused():
    problem = g.Problem(cases.SQUARE, lambda u, v: g.laplacian(u) + g.laplacian(v), [g.Dirichlet(u=0, v=0)])
    with pytest.raises(g.GmnmError, match="fewer equations than fields"):
        g.solve(problem, method=g.Boxes())


def test_ends_that_meet_have_one_trace():
    report = solved(cases.periodic(), (4, 3), 12)
    assert report.relative_l2 < 1e-7
    assert report.relative_l2 / 3 < report.error_estimate < 30 * report.relative_l2
    with pytest.raises(g.GmnmError, match="two boxes at least"):
        solved(cases.periodic(), 1, 12)


@pytest.mark.parametrize("periodic", [(0,), (0, 1)])
def test_outer_faces_along_a_periodic_axis_are_inner_ones(periodic):
    layout = glued(Layout.even((3, 2), [(0, 1), (0, 1)]), periodic)
    assert all(face.axis not in periodic for face in layout.faces if face.outer)
    assert sorted(number for part in layout.dissection for number in part) == list(range(len(layout.faces)))
    assert all(len(own) == 4 for own in layout.around)
    face = next(face for face in layout.faces if face.axis == 0 and face.place == 0)
    unit = torch.zeros(1, 1, dtype=torch.float64)
    assert layout.points_of(face, face.above, unit)[0, 0] == 0 and layout.points_of(face, face.below, unit)[0, 0] == 1
