"""Problems whose data change sharply: points and boxes go there, and what is not resolved is said."""

import math

import pytest
import torch
from conftest import PI

import gmnm_pde as g
from gmnm_pde.adaptivity.partitions import first_partition
from gmnm_pde.collocation.around import with_features
from gmnm_pde.collocation.whole import Counts, hold_out, place
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.options.arguments import Arguments
from gmnm_pde.options.choice import choose
from gmnm_pde.scrutiny import look

LINE = g.Interval(x=(0, 1))
SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))


def bell(x, center, width):
    return torch.exp(-(((x - center) / width) ** 2) / 2)


def deflected(x, center, width):
    """The solution of u'' + bell = 0 on (0, 1), u = 0 at both ends."""

    def twice(z):
        s = (z - center) / width
        return width**2 * (s * math.sqrt(PI / 2) * (1 + torch.special.erf(s / math.sqrt(2))) + torch.exp(-(s**2) / 2))

    low, high = twice(torch.zeros(1, dtype=torch.float64)), twice(torch.ones(1, dtype=torch.float64))
    return low * (1 - x) + high * x - twice(x)


def poisson_1d(source, exact):
    return g.Problem(LINE, lambda u, x: g.diff(u, x, x) + source(x), [g.Dirichlet(u=0)], exact=exact)


def wells():
    return poisson_1d(
        lambda x: torch.sin(PI * x) + 100 * bell(x, 0.37, 1e-4) + 50 * bell(x, 0.8, 1e-3),
        lambda x: torch.sin(PI * x) / PI**2 + 100 * deflected(x, 0.37, 1e-4) + 50 * deflected(x, 0.8, 1e-3),
    )


def half_loaded(place=0.5):
    slope = (1 - place) ** 2 / 2
    return poisson_1d(
        lambda x: torch.where(x > place, 1.0, 0.0),
        lambda x: slope * x - torch.where(x > place, (x - place) ** 2 / 2, 0.0),
    )


def conducting(k, **options):
    """Heat that flows upward through a square, insulated at its sides."""
    return g.Problem(
        SQUARE,
        lambda u, x, y: g.div(*[k(y) * part for part in g.grad(u)]),
        [
            g.Dirichlet(u=293.15, on=SQUARE.face(y=0)),
            g.Condition(lambda u, y: k(y) * g.diff(u, "y") - 200, on=SQUARE.face(y=1)),
            g.Neumann(u=0, on=SQUARE.face(x=0) | SQUARE.face(x=1)),
        ],
        **options,
    )


def silent(report):
    """Whether a wrong answer says that it is right."""
    return report.converged and report.relative_l2 > 10 * report.error_estimate


def test_a_conductivity_that_jumps_is_named_and_not_converged():
    steel = 293.15 + 200 / 1.38 * 0.5
    problem = conducting(
        lambda y: torch.where(y > 0.5, 400.0, 1.38),
        exact=lambda x, y: torch.where(y < 0.5, 293.15 + 200 * y / 1.38, steel + 0.5 * (y - 0.5)),
    )
    report = g.solve(problem, g.Mixture(components=200), tol=1e-3).report  # by hand: not divided at the jump
    assert not report.converged and report.status == "unresolved"
    assert report.error_estimate >= 1 and report.relative_l2 > 0.1
    assert "the coefficient of u_xx in 'equation' jumps at y = 0.5" in report.reason and "materials" in report.reason


def test_a_conductivity_that_jumps_on_a_line_is_named():
    problem = g.Problem(
        LINE,
        lambda u, x: g.diff(torch.where(x > 1 / 3, 10.0, 1.0) * g.diff(u, x), x),
        [g.Dirichlet(u=lambda x: x)],
    )
    report = g.solve(problem, g.Mixture(components=60)).report
    assert not report.converged and "the coefficient of u_xx" in report.reason and "x = 0.333333" in report.reason


def test_a_coefficient_that_jumps_outside_of_derivatives_is_solved():
    problem = g.Problem(LINE, lambda u, x: torch.where(x > 0.5, 10.0, 1.0) * g.diff(u, x, x) + 1, [g.Dirichlet(u=0)])
    solution = g.solve(problem, tol=1e-4)
    assert solution.report.converged and abs(solution(x=0.5) - 0.06875) < 1e-5  # continuous with its first derivative


@pytest.mark.slow
def test_tiny_wells_are_solved():
    report = g.solve(wells(), tol=1e-5).report
    assert report.converged and report.relative_l2 < 1e-5 and not silent(report)


def test_a_load_on_half_of_a_line_is_solved():
    report = g.solve(half_loaded(), tol=1e-5).report
    assert report.converged and report.relative_l2 < 1e-5 and not silent(report)


@pytest.mark.parametrize("seed", range(3))
def test_a_load_on_a_part_of_a_line_with_one_mixture_is_no_silent_error(seed):
    report = g.solve(half_loaded(1 / 3), g.Mixture(components=60), seed=seed).report
    assert not silent(report)


@pytest.mark.slow
def test_a_source_that_no_ordinary_point_sees_is_solved():
    problem = poisson_1d(lambda x: 1e5 * bell(x, 0.37, 1e-5), lambda x: 1e5 * deflected(x, 0.37, 1e-5))
    report = g.solve(problem).report
    assert report.relative_l2 < 1e-3 and not silent(report)


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.05, 0.005, 0.001])
def test_a_load_near_a_point_of_a_beam_is_solved_or_said(width):
    def exact(x):
        k = PI * torch.arange(1, 4001, 2, dtype=torch.float64)
        part = 2 * math.sqrt(2 * PI) * torch.exp(-((k * width) ** 2) / 2) * torch.sin(k / 2) / k**4
        return torch.sin(x[:, None] * k) @ part

    beam = g.Problem(
        LINE,
        lambda u, x: g.diff(u, x, x, x, x) - bell(x, 0.5, width) / width,
        [g.Dirichlet(u=0), g.Condition(lambda u, x: g.diff(u, x, x), on=LINE.boundary)],
        exact=exact,
    )
    report = g.solve(beam, tol=1e-4).report
    assert not silent(report) and (report.converged or "the source of 'equation' has a feature" in report.reason)


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.01, 0.003])
def test_a_smoothed_jump_of_a_conductivity_is_solved_or_said(width):
    s = torch.linspace(0, 1, 200_001, dtype=torch.float64)
    rise = torch.cumulative_trapezoid(200 / (200.69 + 199.31 * torch.tanh((s - 0.5) / width)), s)
    rise = torch.cat([rise.new_zeros(1), rise])

    def exact(x, y):
        return 293.15 + rise[(y * 200_000).round().long()]

    report = g.solve(
        conducting(lambda y: 200.69 + 199.31 * torch.tanh((y - 0.5) / width), exact=exact), tol=1e-4
    ).report
    assert not silent(report)


@pytest.mark.slow
def test_a_bump_in_the_plane_is_solved():
    def exact(x, y):
        n = torch.arange(1, 900, dtype=torch.float64)
        along = [
            2 * 3e-3 * math.sqrt(2 * PI) * torch.exp(-((n * PI * 3e-3) ** 2) / 2) * torch.sin(n * PI * c)
            for c in (0.3, 0.6)
        ]
        parts = 1000 * along[0][:, None] * along[1] / ((n[:, None] ** 2 + n**2) * PI**2)
        bump = ((torch.sin(x[:, None] * n * PI) @ parts) * torch.sin(y[:, None] * n * PI)).sum(dim=1)
        return bump + torch.sin(PI * x) * torch.sin(PI * y) / (2 * PI**2)

    def source(x, y):
        return torch.sin(PI * x) * torch.sin(PI * y) + 1000 * bell(x, 0.3, 3e-3) * bell(y, 0.6, 3e-3)

    problem = g.Problem(SQUARE, lambda u, x, y: g.laplacian(u) + source(x, y), [g.Dirichlet(u=0)], exact=exact)
    report = g.solve(problem, tol=1e-4).report
    assert report.converged and report.relative_l2 < 1e-3 and not silent(report)


@pytest.mark.slow
@pytest.mark.parametrize("radius", [0.01, 0.001])
def test_a_tiny_hole_is_solved_or_said(radius):
    ring = g.Disk((0, 0), 1.0) - g.Disk((0, 0), radius)
    exact = lambda x, y: torch.log(x**2 + y**2) / (2 * math.log(radius))  # noqa: E731
    problem = g.Problem(ring, lambda u: g.laplacian(u), [g.Dirichlet(u=exact)], exact=exact)
    assert not silent(g.solve(problem, tol=1e-3).report)


# Where points and boxes go


def setup_of(problem) -> Setup:
    return choose(Arguments(problem=problem)).setup


def test_points_lie_around_what_is_narrow_at_all_distances():
    problem = wells()
    placed = place(problem, Counts(100), seed=0)
    more = with_features(placed, problem, look(problem), seed=0)
    distance = (more[0].cloud.points[:, 0] - 0.37).abs()
    assert all((distance < reach).sum() >= 3 for reach in (3e-4, 3e-3, 3e-2))
    assert torch.equal(more[0].cloud.points[: len(placed[0].cloud)], placed[0].cloud.points)
    held_out = with_features(hold_out(problem, Counts(100), seed=0), problem, look(problem), seed=1)
    assert not torch.isin(held_out[0].cloud.points, more[0].cloud.points).any()


def test_points_of_a_condition_lie_around_its_features_on_it():
    strip = g.Interval(x=(-1, 1)) * g.Time(t=(0, 1))
    problem = g.Problem(
        strip,
        lambda u, x, t: g.diff(u, t) - g.diff(u, x, x),
        [g.Dirichlet(u=0), g.Initial(u=lambda x: bell(x, 0.2, 1e-3))],
    )
    more = with_features(place(problem, Counts(100), seed=0), problem, look(problem), seed=0)
    initial = next(placed for placed in more if placed.term.group == "initial")
    assert ((initial.cloud.points[:, 0] - 0.2).abs() < 3e-3).sum() > 5 and not initial.cloud.points[:, 1].any()
    side = next(placed for placed in more if placed.term.group == "boundary")
    assert (side.cloud.points[:, 0].abs() == 1).all()


def test_boxes_shrink_toward_what_is_narrow_and_have_faces_where_something_jumps():
    narrow = first_partition(wells(), None, 0, look(wells()))
    at = torch.tensor([[2 * 0.37 - 1], [2 * 0.8 - 1], [0.2]], dtype=torch.float64)
    sizes = narrow.sizes[narrow.owner(at), 0] / 2
    assert sizes[0] < 1e-3 and 1e-3 < sizes[1] < 1e-2 and sizes[2] > 0.05
    problem = half_loaded(1 / 3)
    faces = first_partition(problem, None, 0, look(problem)).low
    assert (faces - (2 / 3 - 1)).abs().min() < 1e-15


def test_a_problem_without_features_has_the_points_and_boxes_that_it_had(poisson):
    setup = setup_of(poisson)
    assert setup.features == ()
    placed = place(poisson, Counts(100), seed=0)
    assert all(a is b for a, b in zip(with_features(placed, poisson, (), seed=0), placed, strict=True))
    assert first_partition(poisson, None, 0, ()).boxes == first_partition(poisson, None, 0).boxes
