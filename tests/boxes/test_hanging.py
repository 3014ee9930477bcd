"""Boxes of several sizes whose faces are shared."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from gmnm_pde.adaptivity.hanging import graded, matched
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.models import Partition


def longest(cells):
    """The largest ratio of the sides of two boxes along a face that they share."""
    layout, found = Layout(cells.boxes), 1.0
    for face in layout.faces:
        if not face.outer:
            along = 1 - face.axis
            sides = [layout.halves[box, along].item() for box in (face.below, face.above)]
            found = max(found, max(sides) / min(sides))
    return found


@given(at=st.tuples(st.floats(-1, 1), st.floats(-1, 1)), levels=st.integers(0, 6), middle=st.floats(-0.9, 0.9))
def test_neighbours_differ_by_two_at_most(at, levels, middle):
    cells = Partition.grid([[-1, 0, 1], [-1, middle, 1]])
    fine = graded(matched(cells), torch.tensor([at], dtype=torch.float64), levels)
    assert longest(fine) <= 2 + 1e-5
    assert abs(fine.sizes.prod(dim=1).sum().item() - 4) < 1e-9


def test_towards_a_corner_each_level_takes_as_many_boxes_whatever_the_shape_of_the_first():
    corner = torch.zeros(1, 2, dtype=torch.float64)
    for low in (0.5, 0.2):
        cells = Partition.grid([[-1, 0, 1], [-1, -low, 0, 1]])
        counts = [len(graded(cells, corner, levels)) for levels in (4, 8, 12)]
        assert counts[2] - counts[1] == counts[1] - counts[0] <= 48


def test_none_are_halved_where_none_are_new():
    cells = Partition.grid([[-1, 0, 1], [-1, 0.7, 1]])
    assert len(matched(cells, torch.zeros(0, dtype=torch.long))) == len(cells)
