"""Points for patches, solves on patches and their rates, boxes halved where they are needed, files, bad input."""

import math
import time
from dataclasses import replace

import pytest
import torch
from conftest import PI, make_poisson

import gmnm_pde as g
from gmnm_pde.adaptivity.h_refinement import HRefinement, components_for
from gmnm_pde.adaptivity.indicators import indicators, marked
from gmnm_pde.adaptivity.loop import adapt
from gmnm_pde.adaptivity.partitions import graded, within
from gmnm_pde.collocation.patchwise import Spread
from gmnm_pde.fitting.discretization import Setup, reference_scales
from gmnm_pde.fitting.fit import fit
from gmnm_pde.methods import LeastSquares
from gmnm_pde.plots.patches import boxes_of, plot_patches
from gmnm_pde.run.run import Run

SQUARE = g.Rectangle(x=(-1, 1), y=(-1, 1))


def laplace_on(domain):
    return g.Problem(domain, lambda u: g.laplacian(u), [g.Dirichlet(u=lambda x, y: torch.exp(x) * torch.cos(y))])


def on(problem, partition):
    """The partition of [-1, 1]^d carried to the problem's box, without boxes outside of the domain."""
    partition = within(problem.domain, partition)
    return partition.mapped([(-1.0, 1.0)] * partition.dimension, problem.domain.bounds)


UNEVEN = g.Partition.even((2, 2)).split([(0, (0, 1))]).split([(3, (0, 1))])
DOMAINS = {
    "box": SQUARE,
    "disk": g.Disk(center=(0, 0), radius=1),
    "square less a disk": SQUARE - g.Disk(center=(0.3, 0.2), radius=0.5),
    "L": g.Polygon([(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)]),
}


@pytest.mark.parametrize("rule", ["chebyshev", "sobol"])
@pytest.mark.parametrize("partition", [g.Partition.even((3, 3)), UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("name", DOMAINS)
def test_every_box_gets_its_points(name, partition, rule):
    problem = laplace_on(DOMAINS[name])
    boxes = on(problem, partition)
    interior, boundary = Spread(problem, boxes, 60, rule, 0).place()
    assert problem.domain.contains(interior.cloud.points).all()
    counts = boxes.reached(interior.cloud.points).sum(dim=0)
    assert counts.min() >= 0.9 * 60, counts
    assert len(interior.cloud) <= 2.2 * 60 * len(boxes)
    # boxes that the boundary crosses: 1.5 times as many points on a box's length of it as in the box along a side
    exact = torch.cat([p.embed(torch.rand(4000, 1).double()) for p in problem.domain.boundary.charts])
    exact = exact[problem.domain.boundary.keep(exact)]
    owners = boxes.owner(exact)
    held = torch.bincount(boxes.owner(boundary.cloud.points), minlength=len(boxes))
    for k in range(len(boxes)):
        if (owners == k).sum() < 5:
            continue
        part = exact[owners == k]
        length = ((part.amax(dim=0) - part.amin(dim=0)) / boxes.sizes[k]).max()
        assert held[k] >= max(1, int(0.6 * length * 1.5 * math.sqrt(60))), (k, held[k], length)
    assert boundary.cloud.normals is not None
    torch.testing.assert_close(boundary.cloud.normals.norm(dim=1), torch.ones(len(boundary.cloud)).double())


def test_small_boxes_get_as_many_points_as_large_ones():
    """From the smallest to the largest is a factor of 2^8 in area."""
    from_corner = g.Partition.even((1, 1))
    for _ in range(5):
        from_corner = from_corner.split([(0, (0, 1))])
    problem = make_poisson()
    interior, boundary = Spread(problem, from_corner, 50, "chebyshev", 0).place()
    counts = torch.bincount(from_corner.owner(interior.cloud.points), minlength=len(from_corner))
    assert counts.min() >= 0.6 * 50 and counts.max() <= 2.5 * 50
    held = torch.bincount(from_corner.owner(boundary.cloud.points), minlength=len(from_corner))
    low, high = torch.tensor(from_corner.boxes).unbind(2)
    sides = ((low == -1) | (high == 1)).sum(dim=1)
    assert (held >= 8 * sides).all() and (held[sides == 0] == 0).all() and (held <= 18 * sides).all()


def test_points_on_periodic_faces_and_at_the_start():
    problem = g.Problem(
        g.Interval(x=(0, 2)) * g.Time(t=(0, 1)),
        lambda u, x, t: g.diff(u, t) + g.diff(u, x),
        [g.Periodic("x"), g.Initial(u=lambda x: torch.sin(PI * x))],
    )
    boxes = on(problem, g.Partition.even((4, 3)).split([(0, (0, 1))]))
    _, periodic, initial = Spread(problem, boxes, 40, "chebyshev", 0).place()
    edge = boxes.owner(periodic.cloud.points)
    other = boxes.owner(periodic.term.partner(periodic.cloud.points))
    for k, box in enumerate(boxes.boxes):
        touched = box[0][0] == 0 or box[0][1] == 2
        assert ((edge == k) | (other == k)).sum() >= (8 if touched else 0)
    held = torch.bincount(boxes.owner(initial.cloud.points), minlength=len(boxes))
    first = torch.tensor([box[1][0] == 0 for box in boxes.boxes])
    assert (initial.cloud.points[:, 1] == 0).all()
    assert held[first].min() >= 8 and not held[~first].any()


def test_points_that_were_given_are_shared_out():
    problem = make_poisson()
    boxes = g.Partition.even((2, 2))
    interior, boundary = Spread(problem, boxes, 30, "sobol", 1, boundary=44).place()
    assert len(boundary.cloud) == 44
    assert (torch.bincount(boxes.owner(boundary.cloud.points), minlength=4) >= 8).all()
    same, _ = Spread(problem, boxes, 30, "sobol", 1).place()
    assert torch.equal(same.cloud.points, interior.cloud.points)
    other, _ = Spread(problem, boxes, 30, "sobol", 2).place()
    assert not torch.equal(other.cloud.points, interior.cloud.points)


def test_errors_fall_with_components_and_with_patches(poisson):
    """With components faster and faster; with boxes too, while wide components stand for polynomials of high degree."""

    def error(components, patches, widths):
        mixture = g.Mixture(components=components, widths=widths, patches=patches)
        return g.solve(poisson, mixture).report.relative_l2

    errors = [error(n, 2, 0.8) for n in (20, 40, 80)]
    rates = [math.log2(errors[k] / errors[k + 1]) for k in range(2)]
    assert rates[0] > 3 and rates[1] > 8, f"errors {errors}, rates {rates}"
    errors = [error(36, n, 0.3) for n in (2, 3, 4, 6)]
    rates = [math.log(errors[k] / errors[k + 1]) / math.log(ratio) for k, ratio in enumerate((3 / 2, 4 / 3, 6 / 4))]
    assert min(rates) > 4, f"errors {errors}, rates {rates}"


def test_patches_agree_with_one_mixture(poisson):
    x = torch.rand(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    one = g.solve(poisson, g.Mixture(components=400, widths=1.5))
    many = g.solve(poisson, g.Mixture(components=120, widths=0.8, patches=(2, 3)))
    torch.testing.assert_close(many(*x.unbind(1)), one(*x.unbind(1)), rtol=0, atol=1e-7)
    u, v = one.jet(*x.unbind(1)), many.jet(*x.unbind(1))
    torch.testing.assert_close(g.laplacian(v).tensor, g.laplacian(u).tensor, rtol=0, atol=1e-4)
    report = many.report
    assert report.relative_l2 <= 10 * report.error_estimate <= 1e3 * report.relative_l2
    assert report.components == 6 * 120 and report.converged
    assert "6 patches of 120 components" in report.reason and "6 patches" in str(report)


def test_one_dimension_and_three():
    line = g.Problem(
        g.Interval(x=(0, 20)),
        lambda u, x: g.diff(u, x, x) + u,
        [g.Dirichlet(u=lambda x: torch.sin(x))],
        exact=lambda x: torch.sin(x),
    )
    assert g.solve(line, g.Mixture(components=20, patches=10)).report.relative_l2 < 1e-8
    report = g.solve(make_cube(), g.Mixture(components=120, patches=2, widths=1.0)).report
    assert report.relative_l2 < 1e-3 and report.components == 960


def make_cube():
    return g.Problem(
        g.Box(x=(0, 1), y=(0, 1), z=(0, 1)),
        lambda u: g.laplacian(u),
        [g.Dirichlet(u=lambda x, y, z: torch.exp(x) * torch.cos(y) + z)],
        exact=lambda x, y, z: torch.exp(x) * torch.cos(y) + z,
    )


def test_systems_nonlinear_and_with_unknown_parameters():
    flow = g.solve(g.registry.load("kovasznay"), g.Mixture(components=60, widths=1.2, patches=(2, 2))).report
    assert max(flow.relative_l2.values()) < 1e-2 and flow.converged
    inverse = g.solve(g.registry.load("inverse_heat"), g.Mixture(components=60, widths=1.2, patches=2))
    assert inverse.parameters["kappa"] == pytest.approx(0.2, rel=1e-5)
    assert inverse.report.estimates["kappa"] < 1e-4


@pytest.mark.parametrize("name", ["disk", "square less a disk"])
def test_domains_that_are_no_boxes(name):
    domain = DOMAINS[name]

    def exact(x, y):
        return torch.exp(x) * torch.cos(y)

    problem = g.Problem(domain, lambda u: g.laplacian(u), [g.Dirichlet(u=exact)], exact=exact)
    assert g.solve(problem, g.Mixture(components=60, widths=0.6, patches=3)).report.relative_l2 < 1e-6


def test_patches_of_several_sizes_in_the_problem_s_coordinates(tmp_path):
    bounds = [(0.0, 2.0), (0.0, 1.0)]
    partition = g.Partition.even((2, 2), bounds).split([(0, (0, 1)), (3, (0,))])
    problem = g.Problem(
        g.Rectangle(x=(0, 2), y=(0, 1)),
        lambda u, x, y: g.laplacian(u),
        [g.Dirichlet(u=lambda x, y: torch.exp(x) * torch.cos(y))],
        exact=lambda x, y: torch.exp(x) * torch.cos(y),
    )
    solution = g.solve(problem, g.Mixture(components=60, widths=0.6, patches=partition))
    assert solution.report.relative_l2 < 1e-5
    inner = solution.model.inner
    assert inner.partition.mapped([(-1.0, 1.0)] * 2, bounds).boxes == partition.boxes, "boxes given stay as given"
    solution.save(tmp_path / "patches.safetensors")
    again = g.load_solution(tmp_path / "patches.safetensors", problem=problem)
    x, y = torch.rand(2, 300, dtype=torch.float64)
    assert torch.equal(again(2 * x, y), solution(2 * x, y))
    assert again.report == solution.report and again.problem is problem
    second = g.laplacian(again.jet(2 * x, y)).tensor
    assert torch.equal(second, g.laplacian(solution.jet(2 * x, y)).tensor)


def test_the_boxes_on_a_figure():
    bounds = [(0.0, 2.0), (0.0, 1.0)]
    partition = g.Partition.even((2, 2), bounds).split([(0, (0, 1))])
    problem = g.Problem(g.Rectangle(x=(0, 2), y=(0, 1)), lambda u, x, y: g.laplacian(u), [g.Dirichlet(u=1)])
    solution = g.solve(problem, g.Mixture(components=10, widths=0.6, patches=partition))
    assert boxes_of(solution) == [tuple(map(pytest.approx, box)) for box in partition.boxes]
    (axes,) = plot_patches(solution).axes
    assert axes.get_title() == "7 patches" and axes.get_xlim() == (0, 2) and len(axes.collections) == 1
    line = g.Problem(g.Interval(x=(0, 3)), lambda u, x: g.diff(u, x) - 1, [g.Dirichlet(u=lambda x: x)])
    assert plot_patches(g.solve(line, g.Mixture(components=8, widths=0.6, patches=4))).axes[0].get_xlim() == (0, 3)
    with pytest.raises(g.GmnmError, match="a solution on patches, on boxes, or in blocks"):
        plot_patches(g.solve(line, g.Mixture(components=8)))


def test_same_seed_same_digits(poisson):
    mixture = g.Mixture(components=30, widths=0.8, patches=2)
    first, again, other = (g.solve(poisson, mixture, seed=seed)(0.3, 0.4) for seed in (1, 1, 2))
    assert first == again and first != other


@pytest.mark.parametrize("model", [g.Mixture(components=40, widths=1.2, patches=1), g.Mixture(patches=1)])
def test_one_patch_is_one_mixture(model):
    solution = g.solve(make_poisson(), model, tol=1e-2)
    assert isinstance(solution.model.inner, g.GMNM) and "patches" not in solution.report.reason


@pytest.mark.slow
def test_what_is_chosen_by_hand_stays():
    """A corner that one mixture cannot resolve."""
    corner = g.registry.load("l_shape")
    for options in ({"model": g.Mixture(components=60)}, {"model": g.Mixture(widths=2.0)}, {"points": 200}):
        assert isinstance(g.solve(corner, **options, time_limit=1).model.inner, g.GMNM)
    assert isinstance(g.solve(corner, blocks=False, time_limit=1).model.inner, g.GMNM)
    fixed = g.solve(corner, g.Mixture(components=30, widths=0.8, patches=3), tol=1e-9)
    assert len(fixed.model.partition) == 8, "the ninth box is outside"
    assert fixed.report.components == 8 * 30
    assert not fixed.report.converged and "kept as given" in fixed.report.reason


SHARP = 0.02


def make_step(**changes):
    """A front across the middle of a line, 2 SHARP wide, and smooth elsewhere."""

    def exact(x):
        return torch.tanh(x / SHARP) + x

    def equation(u, x):
        bent = -2 * torch.tanh(x / SHARP) / torch.cosh(x / SHARP) ** 2 / SHARP**2
        return g.diff(u, x, x) - bent

    return g.Problem(g.Interval(x=(-1, 1.3)), equation, [g.Dirichlet(u=exact)], exact=exact, **changes)


def test_patches_that_stay_get_more_components():
    line = g.Interval(x=(0, 90))
    start = g.Dirichlet(u=0, on=line.face(x=0))
    waves = g.Problem(line, lambda u, x: g.diff(u, x) - torch.cos(x), [start], exact=lambda x: torch.sin(x))
    solution = g.solve(waves, g.Mixture(patches=3), tol=1e-8)
    counts = solution.history["components"]
    assert len(counts) > 1 and counts[-1] > counts[0] and len(solution.model.partition) == 3
    assert solution.report.relative_l2 < 1e-7


def setup_of(problem, **mixture):
    mixture = g.Mixture(**mixture)
    scales = reference_scales(problem, {}, 0)
    kind = {"dtype": torch.float64, "device": torch.device("cpu"), "engine": "auto"}
    return Setup(problem, mixture, LeastSquares(), None, scales, {}, 0, **kind)


def refined(problem, tol, **mixture):
    """How the refinement ended, the components of all fits, and the true error."""
    setup = setup_of(problem, **mixture)
    run = Run.begin(setup, time.monotonic(), tol, 60.0, None)
    result = adapt(HRefinement(setup, tol), run)
    return result, run.log.history["components"], run.evaluator.figures(result.best)["relative_l2"]


def test_boxes_are_halved_where_the_front_is():
    result, components, error = refined(make_step(), 2e-6, components=16, widths=0.8)
    assert result.converged and result.best.estimate.overall <= 2e-6
    assert error <= 30 * result.best.estimate.overall and error < 1e-5
    partition = result.best.fit.model.partition.mapped([(-1, 1)], [(-1, 1.3)])
    sizes, centers = partition.sizes[:, 0], partition.centers[:, 0]
    assert sizes[centers.abs() < 0.05].max() <= 0.1 and sizes[centers.abs() > 0.6].min() >= 0.14
    counts = [count / 16 for count in components]
    assert counts == sorted(counts) and len(counts) > 3
    assert "patches of 16 components" in result.details


def test_a_fit_tells_where_its_residual_is_and_how_it_bends():
    """A front along y near x = 0.6: the boxes beside it are marked, and halved across it alone."""

    def exact(x, y):
        return torch.tanh((x - 0.6) / 0.1) + 0.1 * y

    problem = g.Problem(SQUARE, lambda u, x, y: u - exact(x, y), exact=exact)
    setup = replace(setup_of(problem), partition=g.Partition.even((4, 4)))
    look = indicators(fit(setup, 60, (0.8, 0.8)))
    beside = (setup.partition.centers[:, 0] > 0).nonzero()[:, 0].tolist()
    assert look.residual.shape == (16,) and look.curvature.shape == (16, 2)
    assert {number for number, _ in marked(look)} <= set(beside) and marked(look)
    mean = look.residual.reshape(4, 4).mean(dim=1)
    assert mean[3] > 3 * mean[:3].max()
    assert all(tuple(axes) == (0,) for _, axes in marked(look))


@pytest.mark.slow
def test_a_reentrant_corner_by_its_name_alone():
    report = g.solve(g.registry.load("l_shape"), tol=1e-3, time_limit=10).report
    assert report.relative_l2 <= 30 * report.error_estimate
    assert "patches" in report.reason and ("one mixture left" in report.reason or "no better" in report.reason)


@pytest.mark.slow  # by boxes it is in the default suite
def test_a_reentrant_corner():
    result, _, error = refined(g.registry.load("l_shape"), 1e-3, components=44, widths=0.5)
    estimate = result.best.estimate.overall
    assert result.converged and estimate <= 1e-3
    assert estimate / 30 <= error <= 30 * estimate
    partition = result.best.fit.model.partition
    smallest = partition.sizes.prod(dim=1).argmin()
    assert partition.centers[smallest].norm() <= 3 * partition.sizes.min() <= 3 * 2**-9


@pytest.mark.slow
def test_more_halvings_towards_a_corner_pay():
    corner = torch.zeros(1, 2, dtype=torch.float64)
    errors = []
    for levels in (2, 4, 6):
        partition = graded(g.Partition.even((2, 2)), corner, levels)
        mixture = g.Mixture(components=36, widths=0.4, patches=partition)
        errors.append(g.solve(g.registry.load("l_shape"), mixture).report.relative_l2)
    rates = [math.log2(errors[k] / errors[k + 1]) / 2 for k in range(2)]
    assert min(rates) > 0.6, f"errors {errors}, rates {rates}"


def test_more_components_for_more_digits():
    plane, line = make_poisson(), make_step()
    assert components_for(plane, 1e-4) < components_for(plane, 1e-8) and components_for(line, 1e-6) < 30


def bad_partition():
    return g.solve(make_poisson(), g.Mixture(patches=g.Partition.even((2, 2), [(0, 1), (0, 1)])))


BAD = {
    "no patches": (lambda: g.Mixture(patches=0), "positive numbers of patches"),
    "half patches": (lambda: g.Mixture(patches=1.5), "positive numbers of patches"),
    "true patches": (lambda: g.Mixture(patches=True), "positive numbers of patches"),
    "none of one kind": (lambda: g.Mixture(patches=(2, 0)), "positive numbers of patches"),
    "too few counts": (lambda: g.solve(make_poisson(), g.Mixture(patches=(2,))), "2 counts"),
    "too many counts": (lambda: g.solve(make_poisson(), g.Mixture(patches=(2, 2, 2))), "2 counts"),
    "another box": (bad_partition, "boxes that fill"),
    "another dimension": (lambda: g.solve(make_poisson(), g.Mixture(patches=g.Partition.even((2,)))), "boxes that"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    make, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        make()


def test_single_precision(poisson):
    solution = g.solve(poisson, g.Mixture(components=40, widths=1.2, patches=2), dtype=torch.float32)
    assert solution.report.relative_l2 < 5e-3
    assert solution(torch.zeros(3), torch.ones(3)).dtype == torch.float32
