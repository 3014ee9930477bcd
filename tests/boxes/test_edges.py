"""Re-entrant edges in space: where they are, boxes graded towards them, and solutions that are singular there."""

import functools
import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.adaptivity.boxes.edge_grading import sides_at, toward_edges
from gmnm_pde.adaptivity.boxes.first_cells import inside
from gmnm_pde.boxes.drift import compared, moved
from gmnm_pde.boxes.fit import fit_boxes
from gmnm_pde.boxes.reading import read
from gmnm_pde.geometry.edges import Edge, reentrant_edges
from gmnm_pde.linalg.gmres import gmres
from gmnm_pde.models import Boxwise, Partition

CUBE = g.Box(x=(-1, 1), y=(-1, 1), z=(-1, 1))
WITHOUT_AN_EIGHTH = CUBE - g.Box(x=(0, 1), y=(0, 1), z=(0, 1))
PRISM = g.Box(x=(-1, 1), y=(-1, 1), z=(0, 1)) - g.Box(x=(0, 1), y=(-1, 0), z=(0, 1))
ALONG_Z = Edge(2, (0.0, 0.0), (0.0, 1.0))


def singular(x, y, z, *, power=2 / 3):
    """A harmonic function, a Bessel function of imaginary argument across the edge of the prism."""
    r, angle = torch.sqrt(x**2 + y**2), torch.atan2(y, x)
    angle = torch.where(angle < -1e-12, angle + 2 * math.pi, angle)
    series = sum((r / 2) ** (2 * k) / (math.factorial(k) * math.gamma(k + power + 1)) for k in range(12))
    return (r / 2) ** power * series * torch.sin(power * angle) * torch.cos(z)


@pytest.mark.parametrize(
    ("domain", "count"),
    [
        (CUBE, 0),
        (WITHOUT_AN_EIGHTH, 3),
        (CUBE - g.Box(x=(-0.5, 0.5), y=(-0.5, 0.5), z=(-1, 1)), 4),
        (CUBE | g.Box(x=(-0.5, 0.5), y=(-0.5, 0.5), z=(1, 2)), 4),
        (CUBE - g.Ball(center=(0, 0, 0), radius=0.5), 0),
        (WITHOUT_AN_EIGHTH - g.Ball(center=(-0.5, -0.5, -0.5), radius=0.3), 3),
    ],
)
def test_edges_with_three_quarters_inside_are_found(domain, count):
    assert len(reentrant_edges(domain)) == count


@pytest.mark.parametrize("base", ["rectangles", "polygon"])
def test_prisms_of_shapes_in_the_plane_have_the_edge_too(base):
    corners = [(-1, -1), (0, -1), (0, 0), (1, 0), (1, 1), (-1, 1)]
    cut = g.Rectangle(x=(-1, 1), y=(-1, 1)) - g.Rectangle(x=(0, 1), y=(-1, 0))
    plane = g.Polygon(corners) if base == "polygon" else cut
    assert reentrant_edges(plane * g.Interval(z=(0, 1))) == (ALONG_Z,) == reentrant_edges(PRISM)


def test_boxes_at_an_edge_are_divided_across_it_alone():
    cells = Partition.even((2, 2, 2))
    edge = Edge(2, (0.0, 0.0), (0.0, 1.0))
    assert not sides_at(cells, [edge])[:, 2].any()
    one, two = (toward_edges(cells, [edge], levels) for levels in (1, 2))
    assert (len(one), len(two)) == (32, 56)
    for finer in (one, two):
        assert finer.sizes.prod(dim=1).sum().item() == pytest.approx(8)
        assert (finer.sizes[:, 2] == 1).all()
    assert two.sizes[:, :2].min().item() == pytest.approx(0.15**2)


def test_boxes_elsewhere_and_beside_nothing_stay():
    cells = Partition.even((2, 2, 2))
    assert toward_edges(cells, [], 3) == cells
    assert toward_edges(cells, [Edge(2, (0.5, 0.0), (-1.0, 1.0))], 3) == cells  # through the middle of boxes


def test_points_on_a_side_with_nothing_beyond_it_have_the_box_before_it():
    boxes = ((0.0, 1.0), (0.0, 1.0)), ((-1.0, 0.0), (0.0, 1.0)), ((-1.0, 0.0), (-1.0, 0.0))
    model = Boxwise(boxes, 2, 1)
    points = torch.tensor([[0.9, 0.0], [0.1, 0.0], [0.0, -0.1], [0.0, 0.0]], dtype=torch.float64)
    assert model.owner(points).tolist() == [0, 0, 2, 0]


def test_gmres_ends_where_rounding_keeps_it():
    sizes = torch.linspace(1, 2, 300, dtype=torch.float64)
    found = gmres(lambda v: sizes * v, torch.ones_like(sizes), tolerance=0.0, most=200)
    assert found.products < 60 and found.left < 1e-14


def test_errors_are_by_how_far_the_solution_moved():
    problem = g.Problem(PRISM, g.laplacian, [g.Dirichlet(u=singular)], exact=singular)
    fits = []
    for levels, degree in ((0, 4), (1, 5), (2, 6)):
        coarse = Partition.grid([(-1, 0, 1), (-1, 0, 1), (-1, 1)])
        cells = toward_edges(coarse, [Edge(2, (0.0, 0.0), (-1.0, 1.0))], levels)
        fit = fit_boxes(read(problem), inside(PRISM, cells)[0], degree, seed=0)
        fits.append(compared(fit, fits[-1] if fits else None))
    first, second, third = fits
    assert moved(first, first).item() == 0 and not first.judged.moved
    assert second.judged.errors[0] >= moved(second, first).item() == second.judged.moved[0]
    points = PRISM.interior.sample(4000).points
    truth = singular(*points.unbind(1))
    error = ((third.outputs(points)[:, 0] - truth).norm() / truth.norm()).item()
    assert third.judged.moved[0] <= third.judged.errors[0] < 20 * third.judged.moved[0]
    assert error < third.judged.errors[0] < 30 * error


@pytest.mark.parametrize(("power", "tol"), [(2 / 3, 1e-3), pytest.param(1 / 3, 1e-2, marks=pytest.mark.slow)])
def test_singular_solutions_at_an_edge_are_solved_unasked(power, tol):
    exact = functools.partial(singular, power=power)
    conditions = [g.Dirichlet(u=exact)]
    if power < 0.5:  # values on one side of the edge, fluxes on the other
        wall = PRISM.boundary.where(lambda x, y, z: (x.abs() < 1e-9) & (y < 1e-9))
        others = PRISM.boundary.where(lambda x, y, z: (x.abs() > 1e-9) | (y > 1e-9))
        conditions = [g.Dirichlet(u=exact, on=others), g.Neumann(u=0, on=wall)]
    report = g.solve(g.Problem(PRISM, g.laplacian, conditions, exact=exact), tol=tol).report
    assert report.status == "met" and "boxes" in report.method
    assert report.relative_l2 < report.error_estimate < tol


REFERENCE = {(-0.5, -0.5, -0.5): 0.109423, (-0.5, 0.5, 0.5): 0.085120, (-0.25, -0.25, 0.5): 0.112857}
"""By finite differences of second order with up to 256 intervals, extrapolated with the powers 4/3 and 2."""


@pytest.mark.slow
@pytest.mark.parametrize("tol", [3e-2, 1e-3])
def test_the_cube_without_an_eighth(tol):
    solution = g.solve(g.Problem(WITHOUT_AN_EIGHTH, lambda u: g.laplacian(u) + 1, [g.Dirichlet(u=0)]), tol=tol)
    assert solution.report.status == "met"
    for place, value in REFERENCE.items():
        assert abs(solution(*place).item() / value - 1) < tol
