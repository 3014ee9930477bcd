"""Windows that sum to 1 on any boxes, and a model with a mixture in each: values and derivatives."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gmnm_pde as g
from gmnm_pde import Partition, Patchwork
from gmnm_pde.adaptivity.partitions import balanced, first_partition, graded, within
from gmnm_pde.jets import output_jet
from gmnm_pde.models import TimeBlocks, rebuild
from gmnm_pde.models.composite.windows import axis_window, step
from gmnm_pde.multiindex import below

UP_TO_THIRD = {1: [(3,)], 2: [(3, 0), (2, 1), (1, 2), (0, 3)], 3: [(1, 1, 1), (0, 2, 1)]}


def random_points(count, d, seed):
    return torch.rand(count, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@st.composite
def partitions(draw):
    """Even boxes, some of them halved at random again and again, perhaps graded, perhaps with some left out."""
    d = draw(st.integers(1, 3))
    counts = draw(st.lists(st.integers(1, 3), min_size=d, max_size=d))
    found = Partition.even(counts, margin=draw(st.sampled_from([0.1, 0.2, 0.35, 0.5])))
    for _ in range(draw(st.integers(0, 3 if d < 3 else 1))):
        axes = st.lists(st.integers(0, d - 1), min_size=1, max_size=d, unique=True)
        cuts = draw(st.dictionaries(st.integers(0, len(found) - 1), axes, max_size=3))
        found = found.split(cuts.items())
    if draw(st.booleans()):
        found = balanced(found)
    left = draw(st.sets(st.integers(0, len(found) - 1), max_size=len(found) // 3))
    boxes = tuple(box for k, box in enumerate(found.boxes) if k not in left)
    return Partition(boxes, found.margin, found.smoothness)


def inside(partition, x):
    low, high = torch.tensor(partition.boxes, dtype=torch.float64).unbind(2)
    return x[((x[:, None] >= low) & (x[:, None] <= high)).all(dim=2).any(dim=1)]


@given(partition=partitions(), seed=st.integers(0, 10**6))
def test_windows_sum_to_one_and_their_derivatives_to_zero(partition, seed):
    """Derivatives are sums of parts of size 1 / margin^order: what is left of them is rounding of these parts."""
    d = partition.dimension
    x = inside(partition, random_points(300, d, seed))
    x = torch.cat([x, torch.tensor(partition.boxes, dtype=torch.float64).amin(dim=2)])  # corners, too
    sums, sizes = {}, {}
    for _, rows, window in partition.windows(x, UP_TO_THIRD[d]):
        for alpha, values in window.items():
            for total, part in ((sums, values), (sizes, values.abs() if torch.is_tensor(values) else abs(values))):
                total.setdefault(alpha, x.new_zeros(len(x)))[rows] += part
    zero = (0,) * d
    torch.testing.assert_close(sums.pop(zero), torch.ones(len(x), dtype=x.dtype), rtol=0, atol=1e-13)
    for alpha, total in sums.items():
        assert (total.abs() <= 1e-8 * (1 + sizes[alpha])).all(), alpha


@given(partition=partitions(), seed=st.integers(0, 10**6))
def test_a_window_is_between_zero_and_one_and_zero_where_it_is_said_not_to_reach(partition, seed):
    x = inside(partition, random_points(200, partition.dimension, seed))
    mask = torch.zeros(len(x), len(partition), dtype=torch.bool)
    for number, rows, window in partition.windows(x, [(0,) * partition.dimension]):
        values = torch.as_tensor(window[(0,) * partition.dimension])
        assert (values >= 0).all() and (values <= 1 + 1e-14).all()
        mask[rows, number] = True
    assert torch.equal(mask, partition.reached(x))
    owners = partition.owner(x)
    assert mask[torch.arange(len(x)), owners].all(), "the window of a box reaches the points in it"


@pytest.mark.parametrize("boxes", ["grid", "uneven", "left out"])
def test_derivatives_of_windows_are_those_of_autograd(boxes):
    partition = Partition.even((2, 3))
    if boxes == "uneven":
        partition = partition.split([(0, (0, 1)), (3, (1,))])
    if boxes == "left out":
        partition = Partition(partition.boxes[1:])
    x = inside(partition, random_points(400, 2, 3)).requires_grad_()
    for _, rows, window in partition.windows(x, UP_TO_THIRD[2]):
        for alpha in below(UP_TO_THIRD[2])[:-1]:
            if not (torch.is_tensor(window[alpha]) and window[alpha].requires_grad):
                continue
            slopes = torch.autograd.grad(window[alpha].sum(), x, retain_graph=True)[0][rows]
            for k in range(2):
                raised = tuple(n + (j == k) for j, n in enumerate(alpha))
                if raised in window:
                    expected = torch.as_tensor(window[raised]).expand(len(rows))
                    torch.testing.assert_close(expected, slopes[:, k], rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("smoothness", [1, 2, 4, 7])
def test_a_step_has_as_many_continuous_derivatives_as_it_says(smoothness):
    ends = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    just_inside = ends * (1 - 1e-12)
    assert step(ends, 0, smoothness).tolist() == pytest.approx([0, 1], abs=1e-14)
    for order in range(1, smoothness + 1):
        assert step(just_inside, order, smoothness).abs().max() < 1e-4
    assert step(just_inside, smoothness + 1, smoothness).abs().min() > 0.1
    t = torch.linspace(-1.2, 1.2, 101, dtype=torch.float64)
    torch.testing.assert_close(step(t, 0, smoothness) + step(-t, 0, smoothness), torch.ones_like(t))


def test_a_window_without_margins_is_one_everywhere():
    x = torch.linspace(-5, 5, 11)
    assert axis_window(x, -1, 1, 0.0, 0.0, 0, 3) == 1.0 and axis_window(x, -1, 1, 0.0, 0.0, 2, 3) == 0.0


def test_partitions_carried_to_other_boxes_and_back():
    unit = [(-1.0, 1.0)] * 2
    bounds = [(0.0, 5.0), (2.0, 2.5)]
    partition = Partition.even((2, 2)).split([(1, (0,))])
    there = partition.mapped(unit, bounds)
    assert there.bounds == ((0.0, 5.0), (2.0, 2.5)) and len(there) == 5 and there.dimension == 2
    assert there.sizes.prod(dim=1).sum() == pytest.approx(2.5)
    back = torch.tensor(there.mapped(bounds, unit).boxes)
    torch.testing.assert_close(back, torch.tensor(partition.boxes))
    assert there.boxes == Partition.even((2, 2), bounds).split([(1, (0,))]).boxes
    assert "5 boxes" in repr(partition)


def test_a_window_reaches_over_a_face_by_a_part_of_the_thinner_box():
    partition = Partition.grid([(0.0, 1.0, 1.25)], margin=0.2)
    assert partition.supports.tolist() == [[[0.0, 1.05]], [[0.95, 1.25]]]
    x = torch.tensor([[0.5], [1.0], [1.2]], dtype=torch.float64)
    assert partition.least_size(x)[:, 0].tolist() == pytest.approx([1.0, 0.25, 0.25])


def test_graded_boxes_shrink_towards_a_point_and_differ_by_two_from_their_neighbours():
    partition = graded(Partition.even((2, 2)), torch.zeros(1, 2, dtype=torch.float64), 6)
    assert partition.sizes.min() == pytest.approx(2**-6)
    assert partition.sizes.prod(dim=1).sum() == pytest.approx(4)
    low, high = torch.tensor(partition.boxes, dtype=torch.float64).unbind(2)
    meets = ((low[:, None] <= high + 1e-12) & (high[:, None] >= low - 1e-12)).all(dim=2)
    ratio = (high - low)[:, None] / (high - low)
    assert ratio[meets].max() <= 2 + 1e-9
    assert balanced(partition).boxes == partition.boxes
    # so many for each level, not so many to the power of the levels
    assert len(partition) <= 12 * 6 + 4


def laplace_on(domain):
    return g.Problem(domain, lambda u: g.laplacian(u), [g.Dirichlet(u=1)])


def test_the_first_boxes_are_graded_towards_reentrant_corners_alone():
    corner = g.Polygon([(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)])
    assert corner.reentrant_corners().tolist() == [[0.0, 0.0]]
    fine, coarse = (first_partition(laplace_on(corner), tol, 0) for tol in (1e-4, 1e-2))
    assert fine.sizes.min() < coarse.sizes.min() < 0.1
    smallest = fine.centers[fine.sizes.prod(dim=1).argmin()]
    assert smallest.norm() < 0.01
    square = g.Rectangle(x=(-1, 1), y=(-1, 1))
    assert not len(square.reentrant_corners()) and len(first_partition(laplace_on(square), 1e-4, 0)) == 4
    hole = g.Polygon([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    assert len((square - hole).reentrant_corners()) == 4
    assert not len((g.Interval(x=(0, 1)) * g.Time(t=(0, 1))).reentrant_corners())


def test_boxes_that_the_domain_does_not_reach_are_left_out():
    corner = g.Polygon([(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)])
    kept = within(corner, Partition.even((4, 4)))
    # 12 in the L, and the 4 less 1 beside its inner edges, whose windows reach over them
    assert len(kept) == 15
    x = random_points(500, 2, 1)
    x = x[corner.contains(x)]
    assert kept.reached(x).any(dim=1).all()
    whole = Partition.even((2, 2))
    assert within(g.Rectangle(x=(0, 9), y=(0, 1)), whole) is whole


def parts_of(partition, out=2, components=7):
    torch.manual_seed(4)
    return [g.GMNM(partition.dimension, out, components) for _ in partition.boxes]


@pytest.mark.parametrize(
    "partition",
    [
        Partition.even((5,)),
        Partition.even((2, 3)),
        Partition.even((2, 2)).split([(0, (0, 1)), (3, (1,))]),
        Partition.even((2, 1, 2)),
    ],
    ids=["line", "grid", "uneven", "space"],
)
def test_a_patchwork_is_the_sum_of_windows_times_parts(partition):
    d = partition.dimension
    model = Patchwork(partition, parts_of(partition)).double()
    x = random_points(60, d, 5)
    zero = (0,) * d
    expected = x.new_zeros(len(x), 2)
    for number, rows, window in partition.windows(x, [zero]):
        expected[rows] += torch.as_tensor(window[zero]).expand(len(rows))[:, None] * model.parts[number](x[rows])
    torch.testing.assert_close(model(x), expected)
    torch.testing.assert_close(model.features(x) @ model.readout.mT, expected)
    alphas = below(UP_TO_THIRD[d])
    closed, reverse = (output_jet(model, x, alphas, engine) for engine in ("closed", "reverse"))
    for alpha in alphas:
        scale = 1 + reverse[alpha].abs().max().item()
        torch.testing.assert_close(closed[alpha], reverse[alpha], rtol=1e-9, atol=1e-9 * scale)


def test_a_patchwork_of_equal_parts_is_the_part():
    """Constants, 1 in each patch: the windows alone, whose derivatives vanish."""
    partition = Partition.even((3, 3)).split([(4, (0, 1))])
    parts = parts_of(partition, 1)
    for part in parts:
        with torch.no_grad():
            part.kernel.a.zero_()
            part.weights.fill_(1 / 7)
    model = Patchwork(partition, parts).double()
    x = random_points(100, 2, 6)
    jets = model.output_jet(x, [(0, 0), (2, 0), (1, 1)])
    torch.testing.assert_close(jets[0, 0], torch.ones_like(jets[0, 0]))
    assert jets[2, 0].abs().max() < 1e-8 and jets[1, 1].abs().max() < 1e-8


def test_a_patchwork_works_in_the_precision_of_its_parts_and_points():
    patchwork = g.Patchwork(g.Partition.even((2, 2)), [g.GMNM(2, 1, 5) for _ in range(4)])
    assert patchwork(torch.rand(7, 2)).dtype == torch.float32
    solution = g.solve(g.registry.load("poisson"), patchwork, g.Adam(2), points={"interior": 30, "boundary": 8})
    assert solution.report.residual < math.inf


def test_pieces_are_the_columns_of_the_patches_that_reach_a_point():
    partition = Partition.even((4, 2))
    model = Patchwork(partition, parts_of(partition)).double()
    x = random_points(50, 2, 7)
    operator = {(2, 0): x[:, 0], (0, 0): torch.tensor(1.5).double(), (1, 1): 2.0}
    whole = model.feature_combination(x, operator).unflatten(1, (8, 7))
    filled = torch.zeros_like(whole)
    for number, rows, columns in model.pieces(x, operator):
        filled[rows, number] = columns
    torch.testing.assert_close(filled, whole)
    reached = partition.reached(x)
    assert not whole[~reached].any() and reached.sum(dim=1).max() <= 4


def test_blocks_in_time_answer_each_for_its_own():
    torch.manual_seed(1)
    parts = [g.GMNM(2, 1, 5) for _ in range(3)]
    edges = [-1.0, -0.5, 0.5, 1.0]
    model = TimeBlocks(edges, parts, axis=1, dimension=2).double()
    x = random_points(80, 2, 8)
    for number, part in enumerate(model.parts):
        rows = (x[:, 1] > edges[number]) & (x[:, 1] <= edges[number + 1])
        middle, half = (edges[number] + edges[number + 1]) / 2, (edges[number + 1] - edges[number]) / 2
        local = torch.stack([x[rows, 0], (x[rows, 1] - middle) / half], dim=1)
        torch.testing.assert_close(model(x)[rows], part.inner(local))
    closed, reverse = (output_jet(model, x, [(1, 0), (0, 2), (1, 1)], engine) for engine in ("closed", "reverse"))
    for alpha in closed:
        torch.testing.assert_close(closed[alpha], reverse[alpha], rtol=1e-9, atol=1e-9)
    assert model(x[:0]).shape == (0, 1) and model(x.reshape(4, 20, 2)).shape == (4, 20, 1)
    with pytest.raises(g.GmnmError, match="x of shape"):
        model(torch.zeros(4, 4, dtype=torch.float64))
    late = torch.tensor([[0.3, -1.5], [0.3, 1.5]], dtype=torch.float64)
    assert torch.isfinite(model(late)).all(), "before the first edge and after the last one the outer models answer"
    again = rebuild("TimeBlocks", model.config()).double()
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(x), model(x))


def two(shapes):
    return [g.GMNM(1, *shape) for shape in shapes]


LINE = Partition.even((2,))
BAD = {
    "low above high": (lambda: Partition((((0.0, 1.0),), ((2.0, 1.0),))), "low < high"),
    "an empty box": (lambda: Partition((((1.0, 1.0),),)), "low < high"),
    "no box": (lambda: Partition(()), "boxes"),
    "no margin": (lambda: Partition(LINE.boxes, margin=0.0), "a margin above 0"),
    "a margin over the middle": (lambda: Partition(LINE.boxes, margin=0.6), "at most a half"),
    "a margin that is none": (lambda: Partition(LINE.boxes, margin=math.nan), "a margin"),
    "no smoothness": (lambda: Partition(LINE.boxes, smoothness=0), "a smoothness of at least 1"),
    "half a smoothness": (lambda: Partition(LINE.boxes, smoothness=1.5), "a smoothness"),
    "too few parts": (lambda: Patchwork(LINE, two([(1, 3)])), "a part for each box"),
    "parts of several sizes": (lambda: Patchwork(LINE, two([(1, 3), (1, 4)])), "same numbers of outputs and features"),
    "parts of several outputs": (lambda: Patchwork(LINE, two([(1, 3), (2, 3)])), "same numbers of outputs"),
    "edges that go back": (lambda: TimeBlocks([-1.0, 0.5, 0.2], two([(1, 3)] * 2), 0, 1), "ascending edges"),
    "an edge too few": (lambda: TimeBlocks([-1.0, 1.0], two([(1, 3)] * 2), 0, 1), "one more than parts"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    make, message = BAD[case]
    with pytest.raises(g.GmnmError, match=message):
        make()
