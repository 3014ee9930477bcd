"""The pieces of a domain and its holes, as a lattice shows them."""

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.geometry.topology import Topology, may_have_holes

SQUARE = g.Rectangle(x=(-1, 1), y=(-1, 1))
CUBE = g.Box(x=(-1, 1), y=(-1, 1), z=(-1, 1))
DISK = g.Disk(center=(0, 0), radius=1)


def pieces(domain):
    return list(Topology(domain).pieces())


@pytest.mark.parametrize(
    ("domain", "centers"),
    [
        (g.Annulus(center=(2, 1), inner=0.4, outer=1), [(2, 1)]),
        (SQUARE - g.Disk(center=(0.5, 0), radius=0.2) - g.Disk(center=(-0.5, 0), radius=0.3), [(-0.5, 0), (0.5, 0)]),
        (SQUARE - g.Disk(center=(1, 0), radius=0.3), []),
        (g.SphericalShell(center=(0, 0, 0), inner=0.5, outer=1), [(0, 0, 0)]),
        (CUBE - g.Ball(center=(0.2, 0, 0), radius=0.4), [(0.2, 0, 0)]),
    ],
)
def test_holes_are_found_where_they_are(domain, centers):
    (piece,) = pieces(domain)
    found = sorted(hole.center for hole in piece.holes)
    assert len(found) == len(centers)
    assert torch.tensor(found).allclose(torch.tensor(centers, dtype=torch.float32), atol=0.02)
    assert all(hole.axis is None and 0 < hole.radius < 0.5 for hole in piece.holes)


@pytest.mark.parametrize("axis", [0, 2])
def test_what_goes_through_a_solid_has_an_axis(axis):
    ring = g.Annulus(center=(0, 0), inner=0.4, outer=1, coordinates=("y", "z") if axis == 0 else ("x", "y"))
    line = g.Interval(**{"xyz"[axis]: (0, 1)})
    (piece,) = pieces(line * ring if axis == 0 else ring * line)
    (hole,) = piece.holes
    assert hole.axis == axis


def test_a_long_hole_has_several_centers():
    (piece,) = pieces(SQUARE - g.Ellipse(center=(0, 0), radii=(0.8, 0.1)))
    assert len(piece.holes) > 1 and len({hole.number for hole in piece.holes}) == 1


@pytest.mark.parametrize("gap", [0.05, 1.0])
def test_pieces_are_told_apart_and_points_have_theirs(gap):
    domain = DISK | g.Disk(center=(2 + gap, 0), radius=1)
    topology = Topology(domain)
    assert topology.count == 2
    points = domain.boundary.sample(300).points
    assert torch.equal(topology.piece_of(points) == 1, points[:, 0] < 1 + gap / 2)


def test_shapes_that_touch_are_one_piece():
    assert len(pieces(SQUARE | g.Rectangle(x=(1, 2), y=(-1, 1)))) == 1
    intervals = Topology(g.Interval(x=(0, 1)) | g.Interval(x=(2, 3)))
    assert intervals.piece_of(torch.tensor([[0.0], [1.0], [2.0], [3.0]])).tolist() == [1, 1, 2, 2]


def test_what_lies_beyond_a_boundary():
    ring = g.Annulus(center=(0, 0), inner=0.4, outer=1)
    topology = Topology(ring)
    (piece,) = topology.pieces()
    inner, outer = ring.inner.sample(50), ring.outer.sample(50)
    assert (topology.beyond(inner.points, inner.normals, 1) == piece.holes[0].number).all()
    assert (topology.beyond(outer.points, outer.normals, 1) != piece.holes[0].number).all()


def test_plain_shapes_are_not_looked_at():
    assert not any(
        may_have_holes(shape) for shape in (SQUARE, DISK, CUBE, g.Ball((0, 0, 0), 1), SQUARE * g.Time(t=(0, 1)))
    )
    assert may_have_holes(SQUARE - DISK) and may_have_holes(DISK | SQUARE)
