import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gmnm_pde as g
from gmnm_pde.sampling import RULES, sample, stream, unit_points

numbers = st.floats(-50, 50)
lengths = st.floats(0.1, 20)


@st.composite
def boxes(draw, dimensions=(1, 4)):
    d = draw(st.integers(*dimensions))
    low = [draw(numbers) for _ in range(d)]
    return g.Box(**{name: (a, a + draw(lengths)) for name, a in zip("xyzw", low, strict=False)})


@given(boxes(), st.sampled_from(RULES))
def test_points_lie_in_the_box(box, rule):
    cloud = sample(box.interior, 60, rule, seed=1)
    assert box.contains(cloud.points).all()
    assert cloud.normals is None


@given(boxes((2, 4)), st.sampled_from(RULES))
def test_boundary_points_lie_on_the_boundary_with_outward_unit_normals(box, rule):
    cloud = sample(box.boundary, 80, rule, seed=1)
    low, high = torch.tensor(box.bounds, dtype=torch.float64).unbind(1)
    span = (high - low).min()
    assert torch.allclose(cloud.normals.norm(dim=1), torch.ones(len(cloud), dtype=torch.float64))
    gap = torch.minimum((cloud.points - low).abs(), (cloud.points - high).abs()).min(dim=1).values
    assert gap.max() <= 1e-12 * (1 + high.abs().max() + low.abs().max())
    assert not box.contains(cloud.points + 1e-3 * span * cloud.normals).any()


@given(boxes((2, 3)))
def test_divergence_theorem(box):
    """The mean of the flux of F = (x, 0, ...) over the boundary times its measure is the volume."""
    cloud = sample(box.boundary, 4000, "grid")
    total = 0.0
    for chart in box.boundary_charts():
        points = chart.embed(unit_points(50, chart.dimension, "grid"))
        total += chart.measure * (points[:, 0] * chart.normal(points)[:, 0]).mean().item()
    volume = box.interior.measure
    scale = max(abs(end) for end in box.bounds[0]) / (box.bounds[0][1] - box.bounds[0][0])
    assert total == pytest.approx(volume, rel=1e-9 * (1 + scale))
    assert len(cloud) > 0


def test_tensor_rules_give_powers_and_the_others_the_count():
    assert len(unit_points(50, 2, "chebyshev")) == 49
    assert len(unit_points(50, 2, "grid")) == 49
    for rule in ("sobol", "latin", "random"):
        assert unit_points(50, 2, rule).shape == (50, 2)
    assert unit_points(9, 0).shape == (1, 0)


def test_grid_reaches_the_ends_and_chebyshev_crowds_there():
    grid, chebyshev = (unit_points(9, 1, rule)[:, 0] for rule in ("grid", "chebyshev"))
    assert grid[0] == 0 and grid[-1] == 1
    assert chebyshev[0] > 0 and chebyshev.diff()[0] < chebyshev.diff()[4]


@pytest.mark.parametrize("rule", RULES)
def test_same_seed_same_points(rule):
    box = g.Rectangle(x=(0, 1), y=(0, 2))
    assert torch.equal(sample(box.interior, 33, rule, seed=5).points, sample(box.interior, 33, rule, seed=5).points)


def test_product_with_time():
    domain = g.Rectangle(x=(0, 1), y=(0, 1)) * g.Time(t=(0, 3))
    assert domain.coordinates == ("x", "y", "t") and domain.space == ("x", "y") and domain.time == ("t",)
    assert domain.bounds == ((0, 1), (0, 1), (0, 3))
    assert len(domain.boundary_charts()) == 4
    assert (sample(domain.initial, 20).points[:, 2] == 0).all()
    wall = sample(domain.face(x=1), 20)
    assert (wall.points[:, 0] == 1).all() and wall.normals.tolist()[0] == [1, 0, 0]
    assert (sample(domain.face(t=3), 20).points[:, 2] == 3).all()
    assert (sample(domain.boundary, 200).normals[:, 2] == 0).all()


def test_time_comes_first_too():
    domain = g.Time(t=(0, 1)) * g.Interval(x=(0, 1))
    assert (sample(domain.initial, 5).points[:, 0] == 0).all()
    assert (sample(domain.face(x=1), 5).points[:, 1] == 1).all()


def test_where_narrows_a_region_and_keeps_the_count():
    square = g.Rectangle(x=(0, 1), y=(0, 1))
    part = square.boundary.where(lambda x, y: (y < 0.5) & (x == 0))
    points = sample(part, 40).points
    assert (points[:, 0] == 0).all() and (points[:, 1] < 0.5).all()
    quarter = square.where(lambda x, y: x + y < 0.5)
    assert len(sample(quarter, 100, "sobol")) >= 75


def test_regions_unite():
    square = g.Rectangle(x=(0, 1), y=(0, 1))
    points = sample(square.face(x=0) | square.face(x=1), 40).points
    assert set(points[:, 0].tolist()) == {0, 1}


def test_samples_are_shared_by_measure():
    strip = g.Rectangle(x=(0, 9), y=(0, 1))
    points = sample(strip.boundary, 200).points
    assert ((points[:, 1] == 0) | (points[:, 1] == 1)).float().mean() == pytest.approx(0.9, abs=0.02)


def test_seeds_of_different_purposes_do_not_meet():
    streams = [
        {stream(stream(seed, purpose), "term", number) for seed in range(20) for number in range(100)}
        for purpose in ("held out", "evaluation")
    ]
    fitted = {stream(seed, "term", number) for seed in range(20) for number in range(100)}
    assert not streams[0] & streams[1] and not fitted & (streams[0] | streams[1])
