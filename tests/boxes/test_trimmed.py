"""Boxes that the boundary of a shape cuts: areas, lengths, and faces, against known ones."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.pieces import inside
from gmnm_pde.boxes.trimmed import Trimmed, trimmed

SQUARE = g.Rectangle(x=(-1, 1), y=(-1, 1))
SHAPES = {
    "disk": (g.Disk(center=(0, 0), radius=1), math.pi, 2 * math.pi),
    "ellipse": (g.Ellipse(center=(0.1, 0), radii=(1, 0.5)), math.pi / 2, 4.844224110273838),
    "hole": (SQUARE - g.Disk(center=(0.1, 0.2), radius=0.3), 4 - 0.09 * math.pi, 8 + 0.6 * math.pi),
    "quarter": (SQUARE - g.Disk(center=(-1, -1), radius=0.5), 4 - 0.0625 * math.pi, 7 + math.pi / 4),
    "triangle": (g.Polygon([(0, 0), (2, 0.3), (0.7, 1.5)]), 1.395, None),
}


def cut(domain, n):
    return trimmed(domain, Layout.even((n, n), domain.bounds).boxes)[0]


def volume(layout):
    """The area of all boxes and pieces."""
    areas = 4 * layout.halves.prod(dim=1)
    numbers = sorted(layout.pieces)
    parts = inside([layout.pieces[k] for k in numbers], [layout.boxes[k] for k in numbers], 12)
    for number, (_, weights) in zip(numbers, parts, strict=True):
        areas[number] *= weights.sum()
    return areas.sum().item()


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("n", [3, 4])
def test_pieces_fill_the_shape(name, n):
    domain, area, _ = SHAPES[name]
    assert volume(cut(domain, n)) == pytest.approx(area, rel=1e-5)


@pytest.mark.parametrize("name", ["disk", "ellipse"])
def test_arcs_are_the_whole_boundary(name):
    domain, _, length = SHAPES[name]
    arcs = [arc for _, own in cut(domain, 5).arcs for arc in own]
    assert sum(arc.nodes(12)[1].sum().item() for arc in arcs) == pytest.approx(length, rel=1e-9)


@pytest.mark.parametrize("name", SHAPES)
def test_points_of_pieces_lie_inside_and_on_the_boundary(name):
    domain = SHAPES[name][0]
    layout = cut(domain, 4)
    for number, piece in layout.pieces.items():
        (points, _), *_ = inside([piece], [layout.boxes[number]], 6)
        assert domain.contains(points).all()
        assert all(domain.distance(arc.shape()).abs().max() < 1e-9 for arc in piece.arcs)
        low, high = layout.ends[number].unbind(1)
        assert ((points >= low) & (points <= high)).all()


@pytest.mark.parametrize("name", SHAPES)
def test_faces_between_boxes_lie_inside(name):
    domain = SHAPES[name][0]
    layout = cut(domain, 4)
    unit = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
    for face in layout.faces:
        depth = domain.distance(face.points(unit))
        assert (depth.abs() < 1e-9).all() if face.outer else (depth[1:-1] > 0).all()


def test_boxes_outside_are_left_out_and_small_pieces_get_small_boxes():
    layout = cut(g.Disk(center=(0, 0), radius=1), 8)
    assert isinstance(layout, Trimmed) and len(layout) == 60
    assert layout.halves.amin() < 0.8 * layout.halves.amax()


def test_a_polygon_along_the_axes_is_not_cut():
    shape = g.Polygon([(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)])
    layout = cut(shape, 4)
    assert not isinstance(layout, Trimmed) and len(layout) == 12
    assert sum(face.outer for face in layout.faces) == 16


def test_a_face_that_a_hole_cuts_in_two_is_two_faces():
    shape = SQUARE - g.Disk(center=(0, 0), radius=0.5)
    layout = cut(shape, 2)
    spans = sorted(face.span[0] for face in layout.faces if face.axis == 0 and not face.outer)
    assert [span[0] for span in spans] == pytest.approx([-1, 0.5])
    assert [span[1] for span in spans] == pytest.approx([-0.5, 1])
