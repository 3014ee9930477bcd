"""Long times in blocks: each begins with what the last one ends with; stopped and gone on with; files; bad input."""

import math
from itertools import pairwise

import pytest
import torch
from conftest import PI

import gmnm_pde as g
from gmnm_pde.models import TimeBlocks
from gmnm_pde.options.arguments import parse_blocks
from gmnm_pde.plots.patches import boxes_of, edges_of, plot_patches
from gmnm_pde.statement.during import during

SMALL = g.Mixture(components=60, widths=0.6)
TIME = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))


def heat(**changes):
    return g.registry.load("heat", **changes)


def test_the_last_edge_is_the_end_whatever_the_rounding():
    low, high = 0.1, 0.9
    assert low + (high - low) * 3 / 3 != high
    problem = g.Problem(g.Time(t=(low, high)), lambda u, t: g.diff(u, t), [g.Initial(u=1)])
    assert parse_blocks(problem, 3).edges[-1] == high


@pytest.fixture(scope="module")
def three():
    return g.solve(heat(), SMALL, blocks=3, tol=1e-4)


def test_so_many_blocks_of_one_length(three):
    assert isinstance(three.model.inner, TimeBlocks)
    assert edges_of(three) == pytest.approx([0, 1 / 3, 2 / 3, 1])
    report = three.report
    assert report.converged and report.relative_l2 <= report.error_estimate <= 1e-4
    assert "3 blocks in time" in report.reason and "3 blocks" in str(report)
    assert report.components == 3 * report.components // 3 and report.unknowns > 0
    assert {"equation", "initial_u", "dirichlet_u"} <= set(three.history.columns) and len(three.history) >= 3


def test_the_boxes_of_all_blocks_on_a_figure(three):
    times = sorted({end for box in boxes_of(three) for end in box[1]})
    for edge in edges_of(three):
        assert min(abs(edge - time) for time in times) < 1e-12
    (axes,) = plot_patches(three).axes
    assert [line.get_ydata()[0] for line in axes.lines] == edges_of(three)


def test_edges_that_were_given():
    solution = g.solve(heat(), SMALL, blocks=[0, 0.1, 0.4, 1], tol=1e-4)
    assert edges_of(solution) == pytest.approx([0, 0.1, 0.4, 1]) and solution.report.relative_l2 < 1e-4


def test_lengths_that_are_chosen():
    solution = g.solve(heat(), SMALL, blocks=True, tol=1e-4)
    lengths = [b - a for a, b in pairwise(edges_of(solution))]
    assert solution.report.converged and solution.report.relative_l2 < 1e-4
    assert lengths[0] == pytest.approx(1 / 8) and sum(lengths) == pytest.approx(1)
    assert lengths[1] > 1.4 * lengths[0], "after an easy block the next is longer"


def test_what_one_block_ends_with_the_next_begins_with(three):
    x = torch.linspace(0, 1, 101, dtype=torch.float64)
    for edge in edges_of(three)[1:-1]:
        before, after = three(x, edge - 1e-9), three(x, edge + 1e-9)
        torch.testing.assert_close(after, before, rtol=0, atol=3e-5)


def test_blocks_agree_with_one_mixture(three):
    one = g.solve(heat())
    x, t = torch.rand(2, 500, dtype=torch.float64)
    torch.testing.assert_close(three(x, t), one(x, t), rtol=0, atol=1e-4)
    u, v = three.jet(x, t), one.jet(x, t)
    torch.testing.assert_close(g.diff(u, "t").tensor, g.diff(v, "t").tensor, rtol=0, atol=5e-2)


def test_initial_values_with_a_time_derivative():
    mixture = g.Mixture(components=120, widths=0.8)
    solution = g.solve(g.registry.load("wave"), mixture, blocks=4, tol=1e-3)
    assert solution.report.converged and solution.report.relative_l2 < 1e-3
    x = torch.linspace(0, 1, 50, dtype=torch.float64)
    for edge in edges_of(solution)[1:-1]:
        slopes = [g.diff(solution.jet(x, torch.full_like(x, edge + side)), "t").tensor for side in (-1e-9, 1e-9)]
        torch.testing.assert_close(slopes[0], slopes[1], rtol=0, atol=1e-2)


def test_many_times_round_a_ring():
    problem = g.registry.load("convection")
    solution = g.solve(problem, g.Mixture(components=150, widths=1.0), blocks=6, tol=1e-2)
    assert solution.report.converged and solution.report.relative_l2 < 1e-3
    t = torch.linspace(0, 1, 50, dtype=torch.float64)
    torch.testing.assert_close(solution(0.0, t), solution(2 * PI, t), rtol=0, atol=1e-3)


def test_nonlinear_equations_and_systems():
    def first(u, v, x, t):
        return g.diff(u, t) - g.diff(v, x) + u**3 - torch.sin(x - t) ** 3

    def second(u, v, x, t):
        return g.diff(v, t) - g.diff(u, x) + v * u - torch.sin(x - t) * -torch.sin(x - t)

    def exact(x, t):
        return {"u": torch.sin(x - t), "v": -torch.sin(x - t)}

    problem = g.Problem(
        g.Interval(x=(0, 2 * PI)) * g.Time(t=(0, 1)),
        [first, second],
        [g.Periodic("x"), g.Initial(u=lambda x: torch.sin(x), v=lambda x: -torch.sin(x))],
        exact=exact,
    )
    problem.verify()
    report = g.solve(problem, SMALL, blocks=2, tol=1e-3).report
    assert max(report.relative_l2.values()) < 1e-3 and set(report.estimates) == {"u", "v"}


def test_a_time_that_does_not_begin_at_zero_and_comes_first():
    problem = g.Problem(
        g.Time(t=(2, 4)) * g.Interval(x=(0, 1)),
        lambda u, x, t: g.diff(u, t) - g.diff(u, x, x) - torch.exp(-t) * (PI**2 - 1) * torch.sin(PI * x),
        [g.Dirichlet(u=0), g.Initial(u=lambda x: math.exp(-2) * torch.sin(PI * x))],
        exact=lambda x, t: torch.exp(-t) * torch.sin(PI * x),
    )
    solution = g.solve(problem, SMALL, blocks=[2, 3, 4], tol=1e-3)
    assert edges_of(solution) == pytest.approx([2, 3, 4]) and solution.report.relative_l2 < 1e-4
    other = g.solve(problem, SMALL, blocks=(2, 3.0, 4.0), tol=1e-3)
    assert other(t=2.5, x=0.4) == solution(t=2.5, x=0.4)


def test_saved_and_loaded(three, tmp_path):
    three.save(tmp_path / "blocks.safetensors")
    again = g.load_solution(tmp_path / "blocks.safetensors")
    x, t = torch.rand(2, 200, dtype=torch.float64)
    assert torch.equal(again(x, t), three(x, t)) and again.report == three.report
    assert torch.equal(g.diff(again.jet(x, t), "t").tensor, g.diff(three.jet(x, t), "t").tensor)
    assert again([], []).shape == (0,)


def test_same_seed_same_digits(three):
    again = g.solve(heat(), SMALL, blocks=3, tol=1e-4)
    assert again(0.3, 0.7) == three(0.3, 0.7)
    other = g.solve(heat(), SMALL, blocks=3, tol=1e-4, seed=1)
    assert other(0.3, 0.7) != three(0.3, 0.7)


class Stop(Exception):
    pass


@pytest.mark.parametrize(
    "blocks", [pytest.param(3, marks=pytest.mark.slow), [0, 0.2, 0.5, 1], pytest.param(True, marks=pytest.mark.slow)]
)
def test_stopped_in_the_middle_it_goes_on_to_the_same_digits(tmp_path, blocks):
    path = tmp_path / "blocks.checkpoint"
    whole = g.solve(heat(), SMALL, blocks=blocks, tol=1e-4)

    def until(news):
        if "t from 0 " not in news.what and "t from" in news.what:
            raise Stop

    with pytest.raises(Stop):
        g.solve(heat(), SMALL, blocks=blocks, tol=1e-4, checkpoint=path, callback=until)
    told = []
    went_on = g.solve(heat(), SMALL, blocks=blocks, tol=1e-4, checkpoint=path, callback=told.append)
    assert not any("t from 0 " in news.what for news in told), "the first block is not solved again"
    x, t = torch.rand(2, 100, dtype=torch.float64)
    assert torch.equal(went_on(x, t), whole(x, t)) and edges_of(went_on) == edges_of(whole)
    assert went_on.report.error_estimate == whole.report.error_estimate
    assert went_on.history["residual"] == whole.history["residual"]
    finished = g.solve(heat(), SMALL, blocks=blocks, tol=1e-4, checkpoint=path)
    assert torch.equal(finished(x, t), whole(x, t))
    with pytest.raises(g.GmnmError, match="seed"):
        g.solve(heat(), SMALL, blocks=blocks, tol=1e-4, checkpoint=path, seed=5)


def test_without_blocks_it_is_one_mixture():
    solution = g.solve(heat(), blocks=False, tol=1e-5)
    assert isinstance(solution.model.inner, g.GMNM) and "blocks" not in solution.report.reason
    easy = g.solve(heat(), method="least-squares", tol=1e-5)
    assert isinstance(easy.model.inner, g.GMNM), "one mixture is enough, so it is what is used"
    assert easy(0.3, 0.4) == solution(0.3, 0.4)


def test_a_time_limit_ends_it_with_what_there_is():
    report = g.solve(g.registry.load("burgers"), blocks=20, tol=1e-9, time_limit=2).report
    assert not report.converged and "time limit" in report.reason and report.seconds < 8


def test_a_problem_during_a_part_of_its_time(three):
    problem = heat()
    later = during(problem, 0.5, 0.75, lambda x, alphas: {alpha: x[:, :1] for alpha in alphas})
    assert later.domain.bounds[1] == (0.5, 0.75)
    names = [name for term in later.terms for name in term.trace.names]
    assert names == ["equation", "dirichlet_u", "initial_u"]
    first = during(problem, 0.0, 0.25)
    assert first.terms[2].residual is problem.terms[2].residual, "its own initial values stay at its beginning"


def observed():
    points = torch.tensor([[0.5, 0.5]])
    return g.Problem(
        TIME,
        lambda u, x, t: g.diff(u, t) - g.diff(u, x, x),
        [g.Dirichlet(u=0), g.Initial(u=lambda x: torch.sin(PI * x)), g.Observations(points, u=torch.tensor([0.1]))],
    )


def without_time():
    return g.registry.load("poisson")


def bound_together():
    return g.Problem(
        TIME,
        lambda u, v, x, t: (g.diff(u, t) - g.diff(u, x, x), g.diff(v, t) - g.diff(v, x, x)),
        [g.Dirichlet(u=0, v=0), g.Condition(lambda u, v, x: u + v - x, on=TIME.initial)],
    )


BAD = {
    "no time": (lambda: g.solve(without_time(), blocks=2), "time"),
    "no time, true": (lambda: g.solve(without_time(), blocks=True), "time"),
    "no blocks": (lambda: g.solve(heat(), blocks=0), "a number of blocks"),
    "fewer than none": (lambda: g.solve(heat(), blocks=-2), "a number of blocks"),
    "half a block": (lambda: g.solve(heat(), blocks=1.5), "a number of blocks"),
    "a word": (lambda: g.solve(heat(), blocks="many"), "a number of blocks"),
    "words for edges": (lambda: g.solve(heat(), blocks=[0, "a", 1]), "edges"),
    "too short": (lambda: g.solve(heat(), blocks=[0, 0.5]), "edges from 0 to 1"),
    "too late": (lambda: g.solve(heat(), blocks=[0.1, 0.5, 1]), "edges from 0 to 1"),
    "too long": (lambda: g.solve(heat(), blocks=[0, 1, 2]), "edges from 0 to 1"),
    "backwards": (lambda: g.solve(heat(), blocks=[0, 0.7, 0.5, 1]), "ascending edges"),
    "twice": (lambda: g.solve(heat(), blocks=[0, 0.5, 0.5, 1]), "ascending edges"),
    "one edge": (lambda: g.solve(heat(), blocks=[0]), "edges"),
    "none": (lambda: g.solve(heat(), blocks=[]), "edges"),
    "nan": (lambda: g.solve(heat(), blocks=[0, math.nan, 1]), "ascending edges"),
    "observations": (lambda: g.solve(observed(), SMALL, blocks=2), "observations"),
    "unknown parameters": (lambda: g.solve(g.registry.load("inverse_heat"), blocks=2), "unknown"),
    "a network": (lambda: g.solve(heat(), "mlp", blocks=2), "a mixture"),
    "a method that trains": (lambda: g.solve(heat(), "gmnm", "gauss-newton", blocks=2), "a mixture"),
    "initial values of a sum": (lambda: g.solve(bound_together(), SMALL, blocks=2), "binds several"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    make, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        make()


def test_single_precision():
    solution = g.solve(heat(), SMALL, blocks=2, tol=1e-2, dtype=torch.float32)
    assert solution.report.relative_l2 < 1e-2
