"""The fronts of a multifrontal QR: assembled, factored, and substituted into, block after block.

Where several processes share the blocks, each works on its own subtrees; what these leave for the blocks at the top is
gathered, and those all processes do. Rows and contributions are assembled in the order of one process, so that digits
are the same.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gmnm_pde.linalg.nested_dissection import Groups
from gmnm_pde.linalg.qr import triangular
from gmnm_pde.linalg.subtrees import Division
from gmnm_pde.processes import ALL, gathered


@dataclass(frozen=True)
class Rows:
    """Rows that hold some groups of unknowns: matrix [m, their columns, group after group] and right-hand side [m]."""

    groups: Groups
    matrix: Tensor
    right: Tensor


@dataclass(frozen=True)
class PivotRows:
    """The rows of R that belong to an eliminated block.

    Args:
        own: The groups of the block.
        later: The groups that its rows are coupled to, which are eliminated later.
        triangle: R in the block's own columns.
        coupling: R in the columns of the later groups.
        right: The right-hand side after the orthogonal factor.
    """

    own: Groups
    later: Groups
    triangle: Tensor
    coupling: Tensor
    right: Tensor


Pivots = Mapping[int, PivotRows]
"""By number of their block, those of a process's own blocks and of the top."""

_GIVEN = -1
"""In place of the number of the block that left rows: they were given."""


@dataclass
class _Elimination:
    """The elimination of block after block.

    Attributes:
        sizes: The number of unknowns in each group.
        division: The blocks.
        ridge: On the diagonal of each block's own columns.
        waiting: For each block the rows to be assembled, with the number of the block that left them.
        pivots: Of the blocks so far.
        misfits: By block, the square of what it leaves.
    """

    sizes: Sequence[int]
    division: Division
    ridge: float
    waiting: list[list[tuple[int, Rows]]]
    pivots: dict[int, PivotRows] = field(default_factory=dict)
    misfits: dict[int, float] = field(default_factory=dict)

    def block(self, k: int) -> None:
        """Eliminate a block."""
        rank, sizes, own = self.division.rank, self.sizes, self.division.parts[k]
        taken = [piece for _, piece in sorted(self.waiting[k], key=lambda known: known[0])]
        self.waiting[k] = []
        later = tuple(sorted({g for piece in taken for g in piece.groups} - set(own), key=rank.__getitem__))
        width = sum(sizes[g] for g in own)
        front = front_of(taken, (*own, *later), sizes, width if self.ridge else 0, self.ridge)
        del taken
        R = triangular(front)
        self.pivots[k] = PivotRows(own, later, R[:width, :width], R[:width, width:-1], R[:width, -1])
        rest = R[width:, width:]
        if later and len(rest):
            self.add(k, Rows(later, rest[:, :-1], rest[:, -1]))
        elif len(rest):
            self.misfits[k] = rest[:, -1].square().sum().item()

    def add(self, k: int, piece: Rows) -> None:
        """Let rows that a block left wait for the block that they are assembled in."""
        self.waiting[self.division.first(piece.groups)].append((k, piece))

    def own_blocks(self) -> list[Tensor]:
        """Eliminate those of this process: what they leave for the top, and what nobody can lower."""
        for k in self.division.mine:
            self.block(k)
        found = [torch.tensor(sorted(self.misfits.items()), dtype=torch.float64).reshape(-1, 2)]
        for k in self.division.top:
            for number, piece in self.waiting[k]:
                if number != _GIVEN:
                    found += [torch.tensor([number, *piece.groups], dtype=torch.float64), piece.matrix, piece.right]
        return found

    def heard(self, misfits: Tensor, *passed: Tensor) -> None:
        """Take up what the blocks of another process leave."""
        self.misfits |= {int(k): value for k, value in misfits.tolist()}
        for told, matrix, right in zip(passed[::3], passed[1::3], passed[2::3], strict=True):
            k, *groups = (int(number) for number in told)
            self.add(k, Rows(tuple(groups), matrix, right))


def eliminated(
    rows: list[Rows], sizes: Sequence[int], division: Division, ridge: float
) -> tuple[dict[int, PivotRows], float]:
    """Eliminate block after block: the rows of R, and the norm of the residual.

    ``rows`` is emptied as they are assembled, so that memory is free for the fronts.
    """
    waiting: list[list[tuple[int, Rows]]] = [[] for _ in division.parts]
    for piece in rows:
        waiting[division.first(piece.groups)].append((_GIVEN, piece))
    rows.clear()
    work = _Elimination(sizes, division, ridge, waiting)
    if division.divided:
        for number, told in enumerate(gathered(work.own_blocks)):
            if number != division.process:
                work.heard(*told)
    for k in division.top:
        work.block(k)
    return work.pivots, math.sqrt(sum(value for _, value in sorted(work.misfits.items())))


def front_of(taken: Sequence[Rows], groups: Groups, sizes: Sequence[int], ridged: int, ridge: float) -> Tensor:
    """Assemble a front: rows under one another, columns in the order of ``groups`` and the right-hand side last.

    ``ridged`` rows with ``ridge`` on the diagonal of the first columns follow.
    """
    starts, total = {}, 0
    for group in groups:
        starts[group] = total
        total += sizes[group]
    count = sum(len(piece.right) for piece in taken) + ridged
    front = taken[0].matrix.new_zeros(count, total + 1)
    first = 0
    for piece in taken:
        last = first + len(piece.right)
        at = 0
        for group in piece.groups:
            size = sizes[group]
            front[first:last, starts[group] : starts[group] + size] = piece.matrix[:, at : at + size]
            at += size
        front[first:last, -1] = piece.right
        first = last
    front[first:, :ridged].fill_diagonal_(ridge)
    return front


def downwards(
    pivots: Pivots, right: Callable[[PivotRows], Tensor], sizes: Sequence[int], division: Division
) -> dict[int, Tensor]:
    """Back substitution, from the last block to the first: the unknowns of each group, [size] or [size, m].

    Args:
        pivots: The rows of R.
        right: The right-hand side of a block, [own] or [own, m].
        sizes: The number of unknowns in each group.
        division: The blocks.
    """
    solved: dict[int, Tensor] = {}

    def block(k: int) -> Tensor:
        pivot, columns = pivots[k], right(pivots[k])
        if pivot.later:
            columns = columns - pivot.coupling @ torch.cat([solved[g] for g in pivot.later])
        own = torch.linalg.solve_triangular(pivot.triangle, columns.view(len(columns), -1), upper=True)
        _take_up(solved, pivot.own, own.view_as(columns), sizes)
        return own.view_as(columns)

    for k in reversed(division.top):
        block(k)
    if division.divided:
        _take_up_others(solved, gathered(lambda: [block(k) for k in division.mine[::-1]]), sizes, division, order=-1)
    return solved


def upwards(pivots: Pivots, left: dict[int, Tensor], sizes: Sequence[int], division: Division) -> dict[int, Tensor]:
    """R^-T times columns, from the first block to the last: of each group, [size, m].

    Args:
        pivots: The rows of R.
        left: The columns, [size, m] of each group; changed.
        sizes: The number of unknowns in each group.
        division: The blocks.
    """
    passed: list[tuple[int, int, Tensor]] = []  # by which block, to which group at the top, and what is taken off

    def block(k: int) -> Tensor:
        pivot = pivots[k]
        columns = torch.cat([left[g] for g in pivot.own])
        own = torch.linalg.solve_triangular(pivot.triangle.mT, columns, upper=False)
        _take_up(left, pivot.own, own, sizes)
        if pivot.later:
            parts = (pivot.coupling.mT @ own).split([sizes[g] for g in pivot.later])
            for g, part in zip(pivot.later, parts, strict=True):
                if division.owners[k] != ALL and division.owner((g,)) == ALL:
                    passed.append((k, g, part))
                else:
                    left[g] = left[g] - part
        return own

    def own_blocks() -> list[Tensor]:
        solved = [block(k) for k in division.mine]
        told = torch.tensor([known[:2] for known in passed], dtype=torch.float64).reshape(-1, 2)
        return [*solved, told, *(part for *_, part in passed)]

    waiting: list[tuple[int, int, Tensor]] = []
    if division.divided:
        every = gathered(own_blocks)
        _take_up_others(left, every, sizes, division)
        for number, found in enumerate(every):
            told, *parts = found[len(division.of_process(number)) :]
            waiting += [(int(k), int(g), part) for (k, g), part in zip(told.tolist(), parts, strict=True)]
    waiting.sort(key=lambda known: known[0], reverse=True)
    for k in division.top:
        while waiting and waiting[-1][0] < k:
            _, g, part = waiting.pop()
            left[g] = left[g] - part
        block(k)
    return left


def _take_up(solved: dict[int, Tensor], groups: Groups, own: Tensor, sizes: Sequence[int]) -> None:
    solved.update(zip(groups, own.split([sizes[g] for g in groups]), strict=True))


def _take_up_others(
    solved: dict[int, Tensor],
    every: Sequence[Sequence[Tensor]],
    sizes: Sequence[int],
    division: Division,
    order: int = 1,
) -> None:
    """What other processes found in their blocks, first or last block first."""
    for number, found in enumerate(every):
        if number != division.process:
            for k, own in zip(division.of_process(number)[::order], found, strict=False):
                _take_up(solved, division.parts[k], own, sizes)
