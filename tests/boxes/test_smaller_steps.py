"""What is done on boxes where the next ones do not fit into a time limit, and how long they are foreseen to take."""

import itertools
import math

import pytest
import torch

import gmnm_pde as g
from gmnm_pde.adaptivity.boxes.cells import Cells
from gmnm_pde.adaptivity.boxes.first_cells import inside
from gmnm_pde.adaptivity.boxes.halving import BoxHalving
from gmnm_pde.adaptivity.boxes.lines import LineRefinement
from gmnm_pde.adaptivity.boxes.refinement import BoxRefinement
from gmnm_pde.adaptivity.loop import Trials
from gmnm_pde.boxes.foresight import Level
from gmnm_pde.boxes.materials.reading import read_parts
from gmnm_pde.boxes.reading import read
from gmnm_pde.methods.monitor import Monitor
from gmnm_pde.models import Partition
from gmnm_pde.sampling import sample

SQUARE = g.Rectangle(x=(0, 1), y=(0, 1))
DISK = g.Disk(center=(0, 0), radius=1)


def peaked(x, y):
    return 1 / (0.1 + (x - 0.6) ** 2 + (y - 0.2) ** 2) + torch.sin(3 * x + y)


def problem_on(domain):
    """Poisson's equation with a solution that is steep around one place."""

    def source(x, y):
        s = 0.1 + (x - 0.6) ** 2 + (y - 0.2) ** 2
        return (4 * s - 0.8) / s**3 - 10 * torch.sin(3 * x + y)

    return g.Problem(domain, lambda u, x, y: g.laplacian(u) - source(x, y), [g.Dirichlet(u=peaked)], exact=peaked)


KINDS = {
    "halved": (DISK, BoxHalving, Cells(Partition.even((4, 4)), 8)),
    "equal": (SQUARE, BoxRefinement, Level((3, 3), 6)),
    "between lines": (SQUARE, LineRefinement, Level((3, 3), 6)),
}


def error_of(problem, fit):
    points = sample(problem.domain.interior, 500, "random", seed=1).points.double()
    exact = peaked(*points.T)
    return ((fit.outputs(points)[:, 0] - exact).norm() / exact.norm()).item()


@pytest.mark.parametrize("kind", KINDS)
def test_cheaper_steps_lower_the_error(kind):
    domain, refinement_of, level = KINDS[kind]
    problem = problem_on(domain)
    refinement = refinement_of(read(problem), 1e-11, 0)
    first = refinement.attempt(level, Trials(), Monitor())
    trials = Trials().after(level, first, 1.0, better=True)
    tried = [refinement.next(trials)]
    while (cheaper := refinement.smaller(trials, tried[-1])) is not None:
        tried.append(cheaper)
    seconds = [refinement.seconds(trials, step) for step in tried]
    assert 2 <= len(tried) <= 20 and all(b <= 0.8 * a for a, b in itertools.pairwise(seconds))
    before = error_of(problem, first.fit)
    least, middle = (refinement.attempt(tried[k], trials, Monitor()).fit for k in (-1, len(tried) // 2))
    assert error_of(problem, least) < 0.9 * before and error_of(problem, middle) < 0.5 * before


def test_forecasts_count_boxes_that_are_cut_and_those_of_materials_that_share_a_cell():
    cells = Cells(Partition.even((4, 4)), 20)
    halves = DISK.split(by=g.Disk(center=(0, 0), radius=0.5), names=("in", "out"))
    whole, cut, joint = (cells.seconds((2,), inside(d, cells.boxes)[0]) for d in (SQUARE, DISK, halves))
    assert 1.5 * whole < cut and 1.5 * cut < joint


def test_first_boxes_show_waves_and_coefficients_that_oscillate():
    k = 40.0
    waves = g.Problem(DISK, lambda u: g.laplacian(u) + k * k * u, [g.Dirichlet(u=lambda x: torch.cos(k * x))])
    first = BoxHalving(read(waves), 1e-6, 0).first()
    assert first.boxes.sizes.max() * k < first.degree < 3 * first.boxes.sizes.max() * k

    def conductivity(x):
        return 1 / (1.2 + torch.sin(150 * x))

    strips = g.Problem(SQUARE, lambda u, x: g.div(conductivity(x) * g.grad(u)), [g.Dirichlet(u=lambda x: x)])
    first = BoxHalving(read(strips), 1e-6, 0).first()
    assert first.boxes.sizes[:, 0].max() < 2 * 2 * math.pi / 150 and len(first.boxes) < 300
    smooth = g.Problem(DISK, lambda u, x: (2 + x) * g.laplacian(u) - 1, [g.Dirichlet(u=0)])
    assert len(BoxHalving(read(smooth), 1e-6, 0).first().boxes) == 4


@pytest.mark.slow
def test_an_oscillating_conductivity_is_solved_unasked():
    def exact(x, y):
        return (1.2 * x - (torch.cos(150 * x) - 1) / 150) / (1.2 - (math.cos(150) - 1) / 150)

    sides, ends = SQUARE.face(y=0) | SQUARE.face(y=1), SQUARE.face(x=0) | SQUARE.face(x=1)
    conditions = [g.Dirichlet(u=lambda x: x, on=ends), g.Neumann(u=0, on=sides)]
    problem = g.Problem(SQUARE, lambda u, x: g.div(g.grad(u) / (1.2 + torch.sin(150 * x))), conditions, exact=exact)
    solution = g.solve(problem, tol=1e-6)
    x, y = torch.rand(2, 500, dtype=torch.float64)
    error = ((solution(x, y) - exact(x, y)).norm() / exact(x, y).norm()).item()
    assert solution.report.converged and error < solution.report.error_estimate <= 1e-6


def test_parts_of_materials_are_foreseen_from_their_own_cells():
    rings = DISK.split(by=g.Disk(center=(0, 0), radius=0.5), names=("in", "out"))
    coefficients = {"k": {"in": 1.0, "out": 0.01}}
    problem = g.Problem(rings, lambda u, k: g.div(k * g.grad(u)) + 4, [g.Dirichlet(u=0)], coefficients=coefficients)
    refinement = BoxHalving(read_parts(problem), 1e-2, 0)
    first = refinement.first()
    layout = inside(rings, first.boxes)[0]
    finer = Cells(first.boxes.split([(k, (0, 1)) for k in range(len(first.boxes))]), first.degree)
    ratio = refinement.seconds_of(finer, layout) / refinement.seconds_of(first, layout)
    assert 2 <= ratio <= 5, "of four times as many boxes about twice as many are cut"
