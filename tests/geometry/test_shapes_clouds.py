"""Domains given by points, and how points are shared among the parts of a boundary."""

import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.sampling import sample

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
DISK = g.Disk((0, 0), 1)
INSIDE = sample(DISK.interior, 2000, "random").points
AROUND = sample(DISK.boundary, 300)
CLOUD = g.PointCloud(INSIDE, AROUND.points, 3 * AROUND.normals)
BARE = g.PointCloud(INSIDE, AROUND.points)


def exact(x, y):
    return torch.exp(x) * torch.cos(y)


def slope(x, y):
    return x * torch.exp(x) * torch.cos(y) - y * torch.exp(x) * torch.sin(y)


def rows_of(points, all_points):
    """The numbers of points among all; fails where one is not among them."""
    gap, row = torch.cdist(points, all_points).min(dim=1)
    assert gap.max() < 1e-7
    return row.tolist()


@pytest.mark.parametrize("rule", ["sobol", "chebyshev", "random"])
def test_points_are_picked_from_those_given_without_repetition(rule):
    first, again, other = (sample(CLOUD.interior, 150, rule, seed=seed).points for seed in (1, 1, 2))
    rows = rows_of(first, INSIDE)
    assert len(rows) == len(set(rows)) == 150
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_more_points_than_there_are_is_all_of_them():
    assert torch.equal(sample(CLOUD.interior, 10**5).points, INSIDE)
    part = sample(CLOUD.boundary.where(lambda x: x > 0), 10**5)
    assert len(part) == int((AROUND.points[:, 0] > 0).sum())


def test_normals_come_with_the_points():
    cloud = sample(CLOUD.boundary, 100, seed=3)
    torch.testing.assert_close(cloud.normals, cloud.points)
    assert sample(BARE.boundary, 10).normals is None and sample(CLOUD.interior, 10).normals is None
    moving = CLOUD * g.Time(t=(0, 2))
    cloud = sample(moving.boundary, 50)
    assert cloud.points.shape == (50, 3) and not cloud.normals[:, 2].any()
    rows_of(cloud.points[:, :2], AROUND.points)
    assert sample((BARE * g.Time(t=(0, 2))).boundary, 10).normals is None
    initial = sample(moving.initial, 40).points
    assert not initial[:, 2].any() and len(set(rows_of(initial[:, :2], INSIDE))) > 30


def test_what_a_cloud_knows_of_its_extent():
    assert CLOUD.contains(INSIDE).all() and not CLOUD.contains(torch.tensor([[2.0, 0.0]], dtype=torch.float64)).any()
    assert [end for ends in CLOUD.bounds for end in ends] == pytest.approx([-1, 1, -1, 1], abs=1e-3)
    assert CLOUD.coordinates == ("x", "y") and "2000" in repr(CLOUD) and "300" in repr(CLOUD)
    assert g.PointCloud(torch.rand(5, 4), coordinates=("a", "b", "c", "d")).dimension == 4


def test_both_ends_of_a_line_are_used():
    line = g.PointCloud(torch.linspace(0, 1, 200)[:, None], [[0.0], [1.0]], [[-1.0], [1.0]])
    assert len(sample(line.boundary, 1)) == 2
    problem = g.Problem(
        line,
        lambda u, x: g.diff(u, x, x) + torch.sin(x),
        [g.Dirichlet(u=lambda x: torch.sin(x))],
        exact=lambda x: torch.sin(x),
    )
    assert g.solve(problem, tol=1e-6).report.relative_l2 < 1e-6


def test_problems_are_solved_on_clouds():
    left, right = CLOUD.boundary.where(lambda x: x <= 0), CLOUD.boundary.where(lambda x: x > 0)
    conditions = [g.Dirichlet(u=exact, on=left), g.Neumann(u=slope, on=right)]
    problem = g.Problem(CLOUD, lambda u: g.laplacian(u), conditions, exact=exact)
    problem.verify()
    solution = g.solve(problem, tol=1e-6)
    assert solution.report.converged and solution.report.relative_l2 < 1e-6
    x, y = torch.tensor([0.1, -0.5]), torch.tensor([0.3, 0.2])
    torch.testing.assert_close(solution(x.double(), y.double()), exact(x.double(), y.double()), atol=1e-5, rtol=0)
    heat = g.Problem(
        BARE * g.Time(t=(0, 0.5)),
        lambda u, t: g.diff(u, t) - g.laplacian(u),
        [
            g.Dirichlet(u=lambda x, y, t: torch.exp(-2 * t) * torch.sin(x) * torch.sin(y)),
            g.Initial(u=lambda x, y: torch.sin(x) * torch.sin(y)),
        ],
        exact=lambda x, y, t: torch.exp(-2 * t) * torch.sin(x) * torch.sin(y),
    )
    assert g.solve(heat, tol=1e-3).report.relative_l2 < 1e-3


BAD = {
    "normals without points": (lambda: g.PointCloud(INSIDE, normals=AROUND.normals), "boundary=..."),
    "fewer normals": (lambda: g.PointCloud(INSIDE, AROUND.points, AROUND.normals[1:]), r"\[300, 2\], got \(299, 2\)"),
    "zero normal": (lambda: g.PointCloud(INSIDE, AROUND.points, 0 * AROUND.normals), "zero at row 0"),
    "a column": (lambda: g.PointCloud(INSIDE[:, 0]), r"shape \[n, d\]"),
    "no points": (lambda: g.PointCloud(INSIDE[:0]), r"shape \[n, d\]"),
    "other boundary": (lambda: g.PointCloud(INSIDE, torch.rand(5, 3)), r"\[n, 2\], got \(5, 3\)"),
    "words": (lambda: g.PointCloud("points"), "numbers of shape"),
    "NaN": (lambda: g.PointCloud([[0.0, 1.0], [math.nan, 0.0]]), "row 1"),
    "names": (lambda: g.PointCloud(torch.rand(5, 4)), "names of 4 coordinates"),
    "cut": (lambda: CLOUD - g.Disk((0, 0), 0.5), "a cloud of points"),
    "cutting": (lambda: SQUARE & CLOUD, "a cloud of points"),
    "no boundary": (lambda: g.PointCloud(INSIDE).boundary, "PointCloud\\(points, boundary=...\\)"),
    "no normals": (lambda: g.Problem(BARE, lambda u: g.laplacian(u), [g.Neumann(u=0)]), "got points without one"),
    "inside": (
        lambda: g.Problem(DISK, lambda u: g.laplacian(u), [g.Neumann(u=0, on=DISK.interior)]),
        "got points without one",
    ),
    "given": (
        lambda: g.Problem(DISK, lambda u: g.laplacian(u), [g.Neumann(u=0, on=AROUND.points)]),
        "got points without one",
    ),
    "nothing chosen": (lambda: sample(CLOUD.interior.where(lambda x: x > 2), 10), "at least one point"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_clouds(name):
    make, message = BAD[name]
    with pytest.raises(g.GmnmError, match=message):
        make()


@pytest.mark.parametrize("radius", [0.1, 0.01, 0.0005])
@pytest.mark.parametrize("n", [100, 400])
def test_small_holes_get_their_points(radius, n):
    hole = g.Disk((0.4, 0.6), radius)
    domain = SQUARE - hole
    cloud = sample(domain.boundary, n)
    on_hole = hole.distance(cloud.points).abs() < 1e-9
    assert on_hole.sum() >= 16 and 0.9 * n <= len(cloud) <= 2 * n
    center = torch.tensor(hole.center, dtype=torch.float64)
    torch.testing.assert_close(cloud.points[on_hole] - center, -radius * cloud.normals[on_hole])
    assert domain.adopt(hole.boundary).measure == pytest.approx(2 * math.pi * radius)
    for rule in ("chebyshev", "sobol"):  # however small the hole, no point lies in it
        assert domain.contains(sample(domain.interior, 2000, rule).points).all()
    near = torch.tensor([[0.4, 0.6]], dtype=torch.float64)
    (chart,) = domain.interior_charts()
    assert chart.keep is not None and not chart.keep(near).any()


def test_many_small_holes_share_what_there_is():
    holes = [g.Disk((0.1 + 0.2 * k, 0.5), 0.02) for k in range(5)]
    domain = SQUARE
    for hole in holes:
        domain = domain - hole
    few, many = sample(domain.boundary, 60).points, sample(domain.boundary, 300).points
    for hole in holes:
        assert (hole.distance(few).abs() < 1e-9).sum() == 10
        assert (hole.distance(many).abs() < 1e-9).sum() >= 16
    assert len(few) <= 120


def test_a_small_notch_and_a_small_ball_in_a_cube():
    notch = g.Disk((1, 0.5), 0.01)
    cloud = sample((SQUARE - notch).boundary, 200)
    assert (notch.distance(cloud.points).abs() < 1e-9).sum() >= 16
    ball = g.Ball((0.5, 0.5, 0.5), 0.02)
    cloud = sample((g.Box(x=(0, 1), y=(0, 1), z=(0, 1)) - ball).boundary, 600)
    assert (ball.distance(cloud.points).abs() < 1e-9).sum() >= 16
    shell = g.SphericalShell((0, 0, 0), 0.01, 1)
    cloud = sample(shell.boundary, 300)
    assert (cloud.points.norm(dim=1) < 0.02).sum() >= 16
