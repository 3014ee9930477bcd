"""Shapes, corners and layers on boxes of several sizes, against exact solutions."""

import math

import pytest
import torch

import gmnm_pde as g

SQUARE = g.Rectangle(x=(-1, 1), y=(-1, 1))


def exact(x, y):
    return torch.exp(x) * torch.cos(2 * y)


def varying(domain, name):
    """A conductivity that varies, with values given everywhere."""
    return g.Problem(
        domain,
        lambda u, x, y: g.div((1 + x * x) * g.grad(u)) + (3 + 3 * x * x - 2 * x) * exact(x, y),
        [g.Dirichlet(u=exact)],
        exact=exact,
        name=name,
    )


def flux_on_a_hole():
    """A hole through which a given flux leaves."""
    outer, hole = g.Disk(center=(0, 0), radius=1), g.Disk(center=(0.3, 0.1), radius=0.25)

    def flux(u, x, y, normal):
        given = exact(x, y) * normal[:, 0] - 2 * torch.exp(x) * torch.sin(2 * y) * normal[:, 1]
        return g.normal_derivative(u) - given

    conditions = [g.Dirichlet(u=exact, on=outer.boundary), g.Condition(flux, on=hole.boundary)]
    return g.Problem(
        outer - hole, lambda u, x, y: g.laplacian(u) + 3 * exact(x, y), conditions, exact=exact, name="hole"
    )


def tiny_hole():
    """A hole of a hundredth of the disk."""
    domain = g.Disk(center=(0, 0), radius=1) - g.Disk(center=(0, 0), radius=0.01)

    def logarithm(x, y):
        return torch.log(x * x + y * y) / (2 * math.log(0.01))

    return g.Problem(domain, lambda u: g.laplacian(u), [g.Dirichlet(u=logarithm)], exact=logarithm, name="tiny hole")


def union():
    """An L made of two rectangles, with a smooth solution."""
    return varying(g.Rectangle(x=(-1, 1), y=(0, 1)) | g.Rectangle(x=(-1, 0), y=(-1, 1)), "union")


SMOOTH = {
    "disk": (lambda: varying(g.Disk(center=(0.2, 0), radius=1), "disk"), 1e-10),
    "triangle": (lambda: varying(g.Polygon([(0, 0), (2, 0.3), (0.7, 1.5)]), "triangle"), 1e-10),
    "flux on a hole": (flux_on_a_hole, 1e-9),
    "square without a square": (
        lambda: varying(SQUARE - g.Rectangle(x=(-0.5, 0.25), y=(-0.25, 0.5)), "frame"),
        1e-6,
    ),
    "union": (union, 1e-6),
    "tiny hole": (tiny_hole, 1e-8),
}


SLOW = {"square without a square", "tiny hole"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in SMOOTH])
def test_shapes_are_solved(name):
    make, bound = SMOOTH[name]
    report = g.solve(make(), method="boxes", tol=1e-4 if bound > 1e-8 else 1e-7).report
    assert report.status == "met" and "boxes" in report.method
    assert report.relative_l2 < bound
    assert report.relative_l2 < report.error_estimate


def test_errors_in_a_shape_fall_with_the_degree():
    problem = varying(g.Disk(center=(0, 0), radius=1), "disk")
    errors = [g.solve(problem, method=g.Boxes(counts=2, degree=n)).report.relative_l2 for n in (6, 9, 12)]
    assert errors[1] < 0.05 * errors[0] and errors[2] < 0.05 * errors[1]


def test_a_re_entrant_corner_has_small_boxes():
    solution = g.solve(g.registry.load("l_shape"), tol=1e-4)
    assert solution.report.status == "met" and "boxes" in solution.report.method
    assert solution.report.relative_l2 < solution.report.error_estimate
    sides = [high - low for box in solution.approximator.boxes for low, high in box]
    assert max(sides) > 1000 * min(sides)


@pytest.mark.slow
def test_layers_have_thin_boxes():
    solution = g.solve(g.registry.load("boundary_layer", eps=1e-3, dimension=2), tol=1e-6)
    assert solution.report.status == "met" and "boxes" in solution.report.method
    assert solution.report.relative_l2 < 1e-6


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::gmnm_pde.NumericalWarning")
def test_values_that_jump_at_a_corner():
    domain = g.Rectangle(x=(0, 1), y=(0, 1))

    def angle(x, y):
        return torch.atan2(y, x) / (math.pi / 2)

    far = domain.face(x=1) | domain.face(y=1)
    conditions = [
        g.Dirichlet(u=0, on=domain.face(y=0)),
        g.Dirichlet(u=1, on=domain.face(x=0)),
        g.Dirichlet(u=angle, on=far),
    ]
    problem = g.Problem(domain, lambda u: g.laplacian(u), conditions, exact=angle, name="jump")
    report = g.solve(problem, method="boxes", tol=1e-2).report
    assert report.relative_l2 < 1e-6


def test_a_solution_in_a_shape_saves_and_plots(tmp_path):
    solution = g.solve(varying(g.Disk(center=(0.2, 0), radius=1), "disk"), method="boxes", tol=1e-3)
    solution.save(tmp_path / "hole.pt")
    again = g.load_solution(tmp_path / "hole.pt")
    at = {"x": torch.tensor([0.011, 0.5, -0.7]), "y": torch.tensor([0.0, 0.4, 0.0])}
    assert torch.equal(again(**at), solution(**at))
    from gmnm_pde.plots.patches import plot_patches

    assert plot_patches(again) is not None


def test_counts_are_kept_in_a_shape():
    report = g.solve(flux_on_a_hole(), method=g.Boxes(counts=4, degree=6)).report
    assert "16 boxes of degree 6" in report.reason


def test_a_front_on_a_line_whose_ends_are_no_binary_numbers():
    def front(x):
        return torch.tanh(x / 0.02) + x

    def bent(x):
        return -2 * torch.tanh(x / 0.02) / torch.cosh(x / 0.02) ** 2 / 0.02**2

    conditions = [g.Dirichlet(u=front)]
    problem = g.Problem(
        g.Interval(x=(-1, 1.3)), lambda u, x: g.diff(u, x, x) - bent(x), conditions, exact=front, name="front"
    )
    report = g.solve(problem, tol=1e-8).report
    assert report.status == "met" and "boxes" in report.method
    assert report.relative_l2 < report.error_estimate
