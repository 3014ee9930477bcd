"""Domains of named parts: how they are made, their interfaces, and what is refused."""

import pytest
import torch

import gmnm_pde as g

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
DISK = g.Disk(center=(0.5, 0.5), radius=0.3)


def measure(region):
    return pytest.approx(region.measure, rel=1e-2)


def test_a_square_split_by_a_disk():
    domain = SQUARE.split(by=DISK, names=("inside", "outside"))
    assert list(domain.parts) == ["inside", "outside"]
    assert measure(domain.boundary) == 4.0  # the circle is no part of it
    circle = domain.interface("inside", "outside")
    assert measure(circle) == 2 * torch.pi * 0.3
    points = circle.charts[0].embed(torch.rand(20, 1).double())
    outward = circle.charts[0].normal(points)
    torch.testing.assert_close(outward, (points - 0.5) / 0.3)
    middle, corner = torch.tensor([[0.5, 0.5], [0.1, 0.1]]).double()
    assert domain.owner(torch.stack([middle, corner])).tolist() == [0, 1]


def test_normals_point_from_the_first_part_to_the_second():
    domain = SQUARE.split(at={"y": 0.5}, names=("low", "high"))
    for pair, sign in ((("low", "high"), 1.0), (("high", "low"), -1.0)):
        (chart,) = domain.interface(*pair).charts
        assert chart.normal(torch.zeros(1, 2).double()).tolist() == [[0.0, sign]]


def test_shapes_that_touch_and_have_names():
    low, high = g.Rectangle(x=(0, 1), y=(0, 0.5)), g.Rectangle(x=(0, 1), y=(0.5, 2))
    plate = low.named("steel") | high.named("copper")
    assert plate.bounds == ((0.0, 1.0), (0.0, 2.0))
    assert measure(plate.boundary) == 6.0
    assert measure(plate.interface("steel", "copper")) == 1.0
    assert plate.beside(low.face(y=0), "copper") is None
    assert plate.beside(plate.boundary, "steel").measure == pytest.approx(2.0, rel=1e-2)


def test_an_interval_at_places_and_by_an_interval():
    line = g.Interval(x=(0, 1))
    layers = line.split(at=(0.2, 0.6), names=("a", "b", "c"))
    assert [part.bounds[0] for part in layers.parts.values()] == [(0, 0.2), (0.2, 0.6), (0.6, 1)]
    assert layers.interface("a", "c") is None
    inner = line.split(by=g.Interval(x=(0.25, 0.75)), names=("inside", "outside"))
    assert len(inner.interface("inside", "outside").charts) == 2


def test_parts_of_parts_and_products_with_time():
    ring = SQUARE.split(by=g.Disk(center=(0.5, 0.5), radius=0.4), names=("ring", "outside"))
    ring = ring.split(by=g.Disk(center=(0.5, 0.5), radius=0.2), names=("core", "ring"))
    assert list(ring.parts) == ["core", "ring", "outside"]
    assert ring.interface("core", "outside") is None
    timed = ring * g.Time(t=(0, 2))
    assert timed.time == ("t",) and list(timed.parts) == list(ring.parts)
    assert timed.interface("core", "ring").measure == pytest.approx(2 * 2 * torch.pi * 0.2, rel=1e-2)
    at_once = torch.tensor([[0.5, 0.5, 0.0], [0.01, 0.5, 0.0]]).double()  # at the initial time, where time has an end
    assert timed.owner(at_once).tolist() == [0, 2]
    assert timed.during(0, 1).interface("core", "ring").measure == pytest.approx(2 * torch.pi * 0.2, rel=1e-2)
    first = g.Interval(z=(0, 1)) * ring
    assert first.coordinates == ("z", "x", "y") and first.owner(torch.tensor([[0.9, 0.5, 0.5]]).double()).item() == 0


def test_corners_where_parts_meet():
    quadrants = g.Rectangle(x=(-1, 1), y=(-1, 1)).split(at={"x": 0, "y": 0}, names=("a", "b", "c", "d"))
    assert quadrants.junctions().tolist() == [[0.0, 0.0]]
    assert len(SQUARE.split(at={"y": 0.5}, names=("a", "b")).junctions()) == 0
    block = SQUARE.split(by=g.Rectangle(x=(0.2, 0.5), y=(0.3, 0.6)), names=("block", "rest"))
    assert len(block.junctions()) == 4


def test_a_cut_keeps_the_parts_that_are_left():
    halves = SQUARE.split(at={"y": 0.5}, names=("low", "high"))
    assert list((halves - g.Disk(center=(0.5, 0.25), radius=0.1)).parts) == ["low", "high"]
    assert list((halves & g.Rectangle(x=(0, 1), y=(0, 0.4))).parts) == ["low"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SQUARE.split(by=g.Disk(center=(3, 3), radius=1), names=("a", "b")), "nothing inside it"),
        (lambda: SQUARE.split(by=g.Disk(center=(0.5, 0.5), radius=3), names=("a", "b")), "nothing outside it"),
        (lambda: SQUARE.split(at={"y": 1.5}, names=("a", "b")), "a part would be empty"),
        (lambda: SQUARE.split(at={"y": 0.5}, names=("a",)), "2 different names"),
        (lambda: SQUARE.split(at={"y": 0.5}, names=("a", "a")), "2 different names"),
        (lambda: SQUARE.split(at=0.5, names=("a", "b")), "places by coordinate"),
        (lambda: SQUARE.split(names=("a", "b")), "by=shape or at=places"),
        (lambda: DISK.split(at={"y": 0.5}, names=("a", "b")), "an interval, a rectangle or a box"),
        (lambda: SQUARE.named("a") | g.Rectangle(x=(0.5, 2), y=(0, 1)).named("b"), "overlap"),
        (lambda: SQUARE.named("a") | g.Rectangle(x=(1, 2), y=(0, 1)), "without"),
        (lambda: (SQUARE * g.Time(t=(0, 1))).split(at={"y": 0.5}, names=("a", "b")), "a domain in space"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(g.GmnmError, match=words):
        make()
