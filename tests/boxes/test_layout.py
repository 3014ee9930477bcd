"""Boxes and the faces between them, of one size and of several."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gmnm_pde.boxes.layout import Layout


@given(counts=st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_an_even_grid_has_each_face_once(counts):
    layout = Layout.even(counts, [(-1, 2)] * len(counts))
    whole = 1
    for n in counts:
        whole *= n
    inner = [face for face in layout.faces if not face.outer]
    outer = [face for face in layout.faces if face.outer]
    assert len(layout) == whole
    assert len(inner) == sum(whole // n * (n - 1) for n in counts)
    assert len(outer) == sum(2 * whole // n for n in counts)
    assert len({face.center for face in layout.faces}) == len(layout.faces)
    assert all(len(own) == 2 * len(counts) for own in layout.around)


def test_a_large_box_has_several_faces_beside_small_ones():
    boxes = (((0, 1), (0, 1)), ((1, 1.5), (0, 0.5)), ((1, 1.5), (0.5, 1)))
    layout = Layout(boxes)
    beside = [face for face in layout.faces if face.axis == 0 and not face.outer]
    assert sorted(face.span for face in beside) == [((0, 0.5),), ((0.5, 1),)]
    assert {(face.below, face.above) for face in beside} == {(0, 1), (0, 2)}


@given(counts=st.lists(st.integers(1, 5), min_size=1, max_size=2))
def test_each_face_is_eliminated_once_and_separates_what_came_before(counts):
    layout = Layout.even(counts, [(0, 1)] * len(counts))
    order = [face for part in layout.dissection for face in part]
    assert sorted(order) == list(range(len(layout.faces)))


@pytest.mark.parametrize("axis", [0, 1])
def test_points_of_a_face_lie_on_it(axis):
    layout = Layout.even((2, 3), [(0, 1), (-1, 1)])
    face = next(face for face in layout.faces if face.axis == axis)
    points = face.points(torch.tensor([[-1.0], [0.0], [1.0]], dtype=torch.float64))
    assert (points[:, axis] == face.place).all()
    ((low, high),) = face.span
    assert points[:, 1 - axis].tolist() == pytest.approx([low, (low + high) / 2, high])
