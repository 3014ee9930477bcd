"""Nested dissection, and block-sparse least squares against a dense solve of the same system."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gmnm_pde import Partition
from gmnm_pde.linalg.fronts import Rows
from gmnm_pde.linalg.multifrontal import FrontSolver
from gmnm_pde.linalg.nested_dissection import dissect, neighbours
from gmnm_pde.linalg.qr import RidgeSolver, reduce


def grid(*counts):
    """Centres of a grid of boxes, and the sets of boxes that meet: alone, across faces, edges and corners."""
    partition = Partition.even(counts)
    ends = [torch.linspace(-1, 1, 2 * n + 1, dtype=torch.float64) for n in counts]
    lattice = torch.cartesian_prod(*ends).reshape(-1, len(counts))
    patterns = {tuple(near.nonzero()[:, 0].tolist()) for near in partition.reached(lattice)}
    return partition.centers, sorted(patterns)


def fronts_of(parts, near):
    """How many groups each front holds, as eliminating earlier parts couples later groups to each other."""
    linked = [set(one) for one in near]
    fronts, done = [], set()
    for part in parts:
        later = set().union(*[linked[g] for g in part]) - set(part) - done
        fronts.append(len(part) + len(later))
        for g in later:
            linked[g] |= later - {g}
        done |= set(part)
    return fronts


@given(counts=st.lists(st.integers(1, 6), min_size=1, max_size=3), seed=st.integers(0, 1000))
def test_each_group_comes_once(counts, seed):
    centers, patterns = grid(*counts)
    generator = torch.Generator().manual_seed(seed)
    kept = torch.randperm(len(centers), generator=generator)[: max(1, 3 * len(centers) // 4)].sort().values.tolist()
    place = {g: k for k, g in enumerate(kept)}
    fewer = [tuple(place[g] for g in pattern if g in place) for pattern in patterns]
    parts = dissect(centers[kept], neighbours([p for p in fewer if p], len(kept)))
    assert sorted(g for part in parts for g in part) == list(range(len(kept)))
    assert all(parts)


def test_groups_at_one_place_are_eliminated_one_by_one():
    assert dissect(torch.zeros(3, 2), [{1, 2}, {0, 2}, {0, 1}]) == [(0,), (1,), (2,)]


def test_separators_separate():
    """A row of groups is cut in the middle: no group before the last part is coupled across it."""
    centers, patterns = grid(15)
    near = neighbours(patterns, 15)
    assert all(near[k] == {k - 1, k + 1} & set(range(15)) for k in range(15))
    parts = dissect(centers, near)
    (middle,) = parts[-1]
    assert abs(middle - 7) <= 1
    left, right = set(range(middle)), set(range(middle + 1, 15))
    order = [g for part in parts[:-1] for g in part]
    assert set(order[: len(left)]) == left and set(order[len(left) :]) == right


def test_fronts_stay_small():
    """In a row no front has more than 3 groups; in the plane the largest grows like a side, not like the area."""
    for count in (8, 16, 64, 128):
        centers, patterns = grid(count)
        near = neighbours(patterns, count)
        fronts = fronts_of(dissect(centers, near), near)
        assert max(fronts) <= 3
        assert sum(size**3 for size in fronts) <= 27 * count
    largest = {}
    for side in (4, 8, 16):
        centers, patterns = grid(side, side)
        near = neighbours(patterns, side * side)
        largest[side] = max(fronts_of(dissect(centers, near), near))
    assert largest[16] < 0.35 * 16**2 and largest[16] <= 2.6 * largest[8] and largest[8] <= 2.6 * largest[4] + 4


def work(count, width=6):
    """What back-substitution multiplies by, and what elimination takes, by the shapes that are left: entries, flops."""
    rows, sizes, centers, _ = chain(count, width, 0)
    pivots = FrontSolver(rows, sizes, centers)._pivots.values()
    shapes = [(len(p.triangle), len(p.triangle) + p.coupling.shape[1]) for p in pivots]
    return sum(height * width for height, width in shapes), sum(height * width**2 for height, width in shapes)


def test_work_grows_in_proportion_to_the_groups_in_a_row():
    entries, flops = zip(*[work(count) for count in (16, 32, 64)], strict=True)
    assert 0 < entries[1] < 2.3 * entries[0] and entries[2] < 2.3 * entries[1]
    assert 0 < flops[1] < 2.3 * flops[0] and flops[2] < 2.3 * flops[1]


def dense(rows, sizes):
    """The same system as one matrix."""
    starts = [sum(sizes[:k]) for k in range(len(sizes) + 1)]
    whole = []
    for one in rows:
        matrix = one.matrix.new_zeros(len(one.right), starts[-1])
        for group, part in zip(one.groups, one.matrix.split([sizes[g] for g in one.groups], dim=1), strict=True):
            matrix[:, starts[group] : starts[group] + sizes[group]] = part
        whole.append(matrix)
    return torch.cat(whole), torch.cat([one.right for one in rows])


def made(patterns, sizes, generator, share=3.0):
    """Random rows for each pattern of groups, together more than unknowns."""
    rows = []
    for pattern in patterns:
        width = sum(sizes[g] for g in pattern)
        count = math.ceil(share * width / max(1, len(pattern)))
        matrix = torch.randn(count, width, dtype=torch.float64, generator=generator)
        rows.append(Rows(pattern, matrix, torch.randn(count, dtype=torch.float64, generator=generator)))
    return rows


def chain(count, width, seed):
    centers, patterns = grid(count)
    sizes = [width] * count
    rows = made(patterns, sizes, torch.Generator().manual_seed(seed))
    matrix, right = dense(rows, sizes)
    return rows, sizes, centers, torch.linalg.lstsq(matrix, right[:, None]).solution[:, 0]


@given(
    counts=st.sampled_from([(1,), (2,), (7,), (3, 4), (5, 2), (2, 2, 3)]),
    extra=st.integers(0, 3),
    seed=st.integers(0, 10**6),
)
def test_the_solution_is_that_of_a_dense_solve(counts, extra, seed):
    """Groups of several sizes, with and without unknowns that occur in every row."""
    generator = torch.Generator().manual_seed(seed)
    centers, patterns = grid(*counts)
    sizes = torch.randint(1, 6, (len(centers),), generator=generator).tolist()
    everywhere = (0,) if extra else ()
    sizes = [extra, *sizes] if extra else sizes
    shifted = [(*everywhere, *(g + len(everywhere) for g in pattern)) for pattern in patterns]
    shifted += [(g,) for g in range(len(sizes))]
    rows = made(shifted, sizes, generator)
    matrix, right = dense(rows, sizes)
    solver = FrontSolver(rows, sizes, centers, everywhere=everywhere)
    expected = torch.linalg.lstsq(matrix, right[:, None], driver="gelsd").solution[:, 0]
    torch.testing.assert_close(solver.solution(), expected, rtol=1e-8, atol=1e-9)
    assert solver.misfit == pytest.approx((matrix @ expected - right).norm().item(), rel=1e-9)

    heads = [max(1, int(0.7 * size)) for size in sizes]
    kept = [torch.arange(size) < head for size, head in zip(sizes, heads, strict=True)]
    mask = torch.cat(kept)
    partial = torch.linalg.lstsq(matrix[:, mask], right[:, None], driver="gelsd").solution[:, 0]
    found = solver.leading(heads)
    assert not found[~mask].any()
    torch.testing.assert_close(found[mask], partial, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(solver.leading(sizes), solver.solution(), rtol=1e-8, atol=1e-9)
    assert solver.truncated([1e-12]) == []


def consistent(rows, matrix):
    """Right-hand sides in the range of the matrix, one for each piece."""
    return (matrix @ torch.ones(matrix.shape[1], dtype=matrix.dtype)).split([len(one.right) for one in rows])


@pytest.mark.parametrize("everywhere", [False, True])
def test_blocks_without_full_rank(everywhere):
    """Columns twice, columns of zeros and a group with fewer rows than unknowns: the misfit is the least there is."""
    generator = torch.Generator().manual_seed(5)
    centers, patterns = grid(6)
    first = int(everywhere)
    sizes = [2] * first + [8] * 6
    shifted = [(*range(first), *(g + first for g in pattern)) for pattern in patterns]
    rows = made(shifted, sizes, generator)
    for one in rows:
        starts = [sum(sizes[g] for g in one.groups[:k]) for k in range(len(one.groups))]
        for group, start in zip(one.groups, starts, strict=True):
            if group == 2 + first:
                one.matrix[:, start + 3] = one.matrix[:, start + 1]
                one.matrix[:, start + 5] = 0.0
    rows = [one if one.groups != (first,) else Rows(one.groups, one.matrix[:2], one.right[:2]) for one in rows]
    matrix, right = dense(rows, sizes)
    solver = FrontSolver(rows, sizes, centers, everywhere=tuple(range(first)))
    least = torch.linalg.lstsq(matrix, right[:, None], driver="gelsd").solution[:, 0]
    found = solver.solution()
    assert (matrix @ found - right).norm() == pytest.approx((matrix @ least - right).norm().item(), rel=1e-4)
    whole = RidgeSolver(reduce([(matrix, right)], len(found))).solution()
    assert found.norm() < 100 * whole.norm(), "the ridge bounds the unknowns that nothing determines, as in a dense QR"

    exact = [Rows(one.groups, one.matrix, part) for one, part in zip(rows, consistent(rows, matrix), strict=True)]
    found = FrontSolver(exact, sizes, centers, everywhere=tuple(range(first))).solution()
    assert found.norm() < 100 * len(found), "and where the misfit is none they stay small"
    assert (matrix @ found - torch.cat([one.right for one in exact])).norm() < 1e-12


def test_nearly_dependent_columns_keep_their_digits():
    """Condition number 1e12, right-hand side in the range: the residual is at rounding, as normal equations cannot."""
    generator = torch.Generator().manual_seed(6)
    centers, patterns = grid(8)
    sizes = [10] * 8
    rows = made(patterns, sizes, generator)
    scales = torch.logspace(0, -12, 10, dtype=torch.float64)
    basis = torch.linalg.qr(torch.randn(10, 10, dtype=torch.float64, generator=generator)).Q
    squeezed = basis * scales @ basis.mT
    rows = [
        Rows(r.groups, torch.cat([part @ squeezed for part in r.matrix.split(10, dim=1)], dim=1), r.right) for r in rows
    ]
    truth = torch.randn(80, dtype=torch.float64, generator=generator)
    matrix, _ = dense(rows, sizes)
    right = matrix @ truth
    rights = right.split([len(one.right) for one in rows])
    rows = [Rows(one.groups, one.matrix, part) for one, part in zip(rows, rights, strict=True)]
    found = FrontSolver(rows, sizes, centers).solution()
    assert (matrix @ found - right).norm() < 1e-13 * right.norm()


def test_single_precision():
    rows, sizes, centers, expected = chain(9, 4, 2)
    single = [Rows(one.groups, one.matrix.float(), one.right.float()) for one in rows]
    found = FrontSolver(single, sizes, centers).solution()
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=1e-3, atol=1e-4)
