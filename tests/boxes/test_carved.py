"""Boxes in space that the boundary of a shape cuts: volumes, areas and faces against known ones, and solutions."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.boxes.cut_faces import CutFace
from gmnm_pde.boxes.discretization import alternating
from gmnm_pde.boxes.layout import NOWHERE, Layout
from gmnm_pde.boxes.space.carved import Carved, carved
from gmnm_pde.models.modes.legendre import TotalDegree

CUBE = g.Box(x=(0, 1), y=(0, 1), z=(0, 1))
BALL = g.Ball(center=(0, 0, 0), radius=1)
SHAPES = {
    "ball": (BALL, 4 / 3 * math.pi, 4 * math.pi),
    "shell": (BALL - g.Ball(center=(0, 0, 0), radius=0.5), 7 / 6 * math.pi, 5 * math.pi),
    "hole": (CUBE - g.Ball(center=(0.4, 0.5, 0.5), radius=0.3), 1 - 0.036 * math.pi, 6 + 0.36 * math.pi),
    "pipe": (
        CUBE - g.Disk(center=(0.5, 0.5), radius=0.2) * g.Interval(z=(0, 1)),
        1 - 0.04 * math.pi,
        6 + 0.32 * math.pi,
    ),
}


def cut(name, n):
    domain = SHAPES[name][0]
    return carved(domain, Layout.even((n, n, n), domain.bounds).boxes)[0]


def exact(x, y, z):
    return torch.sin(x + 2 * y) * torch.exp(-z)


def flux_into_hole(x, y, z):
    along = (x - 0.4) + 2 * (y - 0.5)
    return ((z - 0.5) * exact(x, y, z) - along * torch.cos(x + 2 * y) * torch.exp(-z)) / 0.3


def poisson(domain, *conditions):
    equation = lambda u, x, y, z: g.laplacian(u) + 4 * exact(x, y, z)  # noqa: E731
    return g.Problem(domain, equation, conditions or [g.Dirichlet(u=exact)], exact=exact, name="poisson")


@pytest.mark.parametrize("name", SHAPES)
def test_points_fill_the_shape(name):
    domain, volume, _ = SHAPES[name]
    layout = cut(name, 3)
    volumes = 8 * layout.halves.prod(dim=1)
    for number, (points, weights) in zip(layout.cut, layout.samples(10), strict=True):
        assert domain.contains(points).all()
        volumes[number] *= weights.sum()
    assert volumes.sum().item() == pytest.approx(volume, rel=0.03)


@pytest.mark.parametrize("name", SHAPES)
def test_points_of_the_boundary_stand_for_all_of_it(name):
    domain, _, area = SHAPES[name]
    layout = cut(name, 3)
    assert sum(len(own.points) * own.area for own in layout.surfaces) == pytest.approx(area, rel=0.02)
    for own in layout.surfaces:
        assert domain.distance(own.points).abs().max() < 1e-9
        assert (own.boxes != NOWHERE).all()


def test_polynomials_on_a_part_of_a_face_are_orthonormal_there():
    faces = [face for face in cut("hole", 3).faces if isinstance(face, CutFace)]
    tests = TotalDegree(2, 5)
    assert faces
    for face in faces:
        points, moments = face.tested(tests)
        assert SHAPES["hole"][0].contains(points).all()
        linear = moments @ (points[:, [k for k in range(3) if k != face.axis]] - points.mean(dim=0)[0])
        assert linear[3:].abs().max() < 1e-12  # of no higher degree than it has
        assert (moments @ torch.ones(len(points)).double())[0].abs().item() == pytest.approx(1)


def test_boxes_that_are_all_inside_have_the_outer_faces():
    layout = cut("hole", 4)
    outer = [face for face in layout.faces if face.outer]
    assert outer and not any(max(face.below, face.above) in layout.cut for face in outer)


def test_a_sliver_belongs_to_a_box_beside_it():
    domain = CUBE - g.Ball(center=(0.5, 0.5, 0.5), radius=0.49)
    boxes = Layout.grid([[0, 0.5, 1], [0, 0.5, 1], [0, 0.14, 0.5, 1]]).boxes
    layout, kept = carved(domain, boxes)
    whole = carved(CUBE - g.Ball(center=(0.5, 0.5, 0.5), radius=0.1), boxes)[0]
    assert len(kept) == len(boxes) and isinstance(layout, Carved)
    assert len(layout) <= len(whole)
    assert {face.below for face in layout.faces} | {face.above for face in layout.faces} <= {
        NOWHERE,
        *range(len(layout)),
    }


def test_a_quarter_of_the_points_tells_polynomials_apart():
    points, weights = alternating(8)
    table = TotalDegree(3, 7).jet(points, ((0, 0, 0),))[0, 0, 0] * weights.sqrt()[:, None]
    assert weights.sum().item() == pytest.approx(1)
    assert torch.linalg.cond(table) < 10
    assert points.abs().max() < 1  # where a coefficient jumps at a face each side has its own


@pytest.mark.parametrize(
    ("name", "conditions"),
    [
        ("shell", []),
        ("pipe", []),
        ("hole", ["of both kinds"]),
    ],
)
def test_solutions_are_right(name, conditions):
    domain = SHAPES[name][0]
    if conditions:
        around = domain.boundary.where(lambda x, y, z: (x - 0.4) ** 2 + (y - 0.5) ** 2 + (z - 0.5) ** 2 < 0.1)
        conditions = [
            g.Dirichlet(u=exact, on=domain.face(x=0) | domain.face(x=1)),
            g.Neumann(u=flux_into_hole, on=around),
        ]
        sides = domain.face(y=0) | domain.face(y=1) | domain.face(z=0) | domain.face(z=1)
        conditions.append(g.Dirichlet(u=exact, on=sides))
    report = g.solve(poisson(domain, *conditions), method=g.Boxes(counts=2, degree=7), tol=1e-3).report
    assert report.relative_l2 < 3e-5
    assert report.relative_l2 < report.error_estimate < 100 * report.relative_l2


def test_a_shape_in_space_is_solved_on_boxes_unasked():
    report = g.solve(poisson(SHAPES["shell"][0]), tol=1e-4).report
    assert report.status == "met" and "boxes" in report.method
    assert report.relative_l2 < 1e-4
