"""What a constraint leaves for the free field: D A^-1 G, in blocks.

Frequencies along periodic coordinates stay apart, and between two walls alike what is even from what is odd. So one
column is made for all blocks at once.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from gmnm_pde.evolution.solvers.diagonal import Diagonal
from gmnm_pde.evolution.space.sides import SeparableGalerkin
from gmnm_pde.evolution.space.ties import Ties
from gmnm_pde.models.modes import Cells, Waves, applied

_AT_ONCE = 2**20
"""Columns are made with so many numbers at once."""

_ALIKE = 1e-10
"""What conditions that are the same on both sides make odd of what is even, at most."""


class Schur:
    """D A^-1 G by the rates that derivatives by time are replaced by, in factors.

    Args:
        system: The equations.
        diagonals: A, by field.
        ties: G and D.
    """

    def __init__(self, system: SeparableGalerkin, diagonals: Mapping[int, Diagonal], ties: Ties):
        self._system, self._diagonals, self._ties = system, diagonals, ties
        self._shown = [_sorted(system, ties, k) for k in range(len(system.basis.lines))]
        _, self._each, self._kinds = zip(*(shown.shape for shown in self._shown), strict=True)
        there = _outer([(shown.norm(dim=0) > 0).to(shown).flatten()[None] for shown in self._shown])
        self._none = torch.diag_embed(1 - self._in_blocks(there[0]))
        self._pushes = {field: self._pushed(field) for field in ties.fields}
        self._factors: dict[tuple[complex, bool], tuple[Tensor, Tensor]] = {}

    def forget(self) -> None:
        """The factors for other rates than those to come."""
        self._factors.clear()

    def solved(self, rate: complex, right: Tensor) -> Tensor:
        """The free field [*modes] for what it is to bring about."""
        single = right.dtype in (torch.float32, torch.complex64)
        for k, shown in enumerate(self._shown):
            right = applied(shown.flatten(1).mT, right, k - len(self._shown))
        factors, pivots = self._factorised(rate, single=single)
        own = torch.linalg.lu_solve(factors, pivots, self._in_blocks(right)[..., None].to(factors))
        own = self._on_lines(own[..., 0])
        for k, shown in enumerate(self._shown):
            own = applied(shown.flatten(1), own, k - len(self._shown))
        return own

    def _in_blocks(self, values: Tensor) -> Tensor:
        """Values [..., *lines] block by block, [..., blocks, n]."""
        lines, before = len(self._shown), values.ndim - len(self._shown)
        pairs = [size for pair in zip(self._each, self._kinds, strict=True) for size in pair]
        split = values.reshape(*values.shape[:before], *pairs)
        order = [*range(before), *(before + 2 * k + 1 for k in range(lines)), *(before + 2 * k for k in range(lines))]
        return split.permute(order).reshape(*values.shape[:before], math.prod(self._kinds), -1)

    def _on_lines(self, blocks: Tensor) -> Tensor:
        """Values [blocks, n] line by line, [*lines]."""
        lines = len(self._shown)
        order = [place for k in range(lines) for place in (lines + k, k)]
        sizes = [own * kinds for own, kinds in zip(self._each, self._kinds, strict=True)]
        return blocks.reshape(*self._kinds, *self._each).permute(order).reshape(sizes)

    def _factorised(self, rate: complex, *, single: bool) -> tuple[Tensor, Tensor]:
        if (rate, False) not in self._factors:
            self._factors[rate, False] = torch.linalg.lu_factor_ex(self._matrix(rate))[:2]
        if single and (rate, True) not in self._factors:
            factors, pivots = self._factors[rate, False]
            less = torch.complex64 if factors.is_complex() else torch.float32
            self._factors[rate, True] = (factors.to(less), pivots)
        return self._factors[rate, single]

    def _matrix(self, rate: complex) -> Tensor:
        """D A^-1 G, [blocks, n, n], made regular for the constant and where a block has fewer functions than n."""
        total = sum(self._through(field, self._diagonals[field].inverse(rate)) for field in self._pushes)
        assert isinstance(total, Tensor)
        matrix = self._in_blocks(total).movedim(0, -1) + self._none
        constant = self._system.pressures.constant.view(self._system.basis.shape)
        for k, shown in enumerate(self._shown):
            constant = applied(shown.flatten(1).mT, constant, k - len(self._shown))
        own = self._in_blocks(constant)
        return matrix + matrix.abs().mean() * matrix.shape[-1] * own[:, :, None] * own[:, None, :]

    def _pushed(self, field: int) -> Tensor:
        """What each function does to a field, one of each block at once, [n, *its eigenvectors]."""
        tested, turns = self._system.statements.tested, self._diagonals[field].turns
        parts = []
        for (name, _, alpha), factor in self._ties.gradients.items():
            if tested[name] == field:
                lines = [
                    turns[k][1] @ self._system.basis.along(k, order) @ shown.sum(dim=2)
                    for (k, order), shown in zip(self._orders(alpha), self._shown, strict=True)
                ]
                parts.append(factor * _outer([line.mT for line in lines]))
        return torch.stack(parts).sum(dim=0)

    def _through(self, field: int, inverse: Tensor) -> Tensor:
        """D A^-1 G by one field, [n, *lines]: the columns first."""
        push, turns = self._pushes[field], self._diagonals[field].turns
        lines = [
            (factor, [self._seen(k, order) @ turns[k][0] for k, order in self._orders(alpha)])
            for (_, own, alpha), factor in self._ties.constraint.items()
            if own == field
        ]
        parts = []
        for columns in push.split(max(1, _AT_ONCE // math.prod(push.shape[1:]))):
            own = columns * inverse
            whole = torch.stack([own.real, own.imag]) if own.is_complex() else own[None]
            seen = torch.zeros(())
            for factor, matrices in lines:
                part = factor * whole
                for k, matrix in enumerate(matrices):
                    part = applied(matrix, part, k - len(matrices))
                seen = seen + part
            parts.append(torch.complex(seen[0], seen[1]) if own.is_complex() else seen[0])
        return torch.cat(parts)

    def _seen(self, k: int, order: int) -> Tensor:
        """A derivative along a line in the functions of the free field."""
        return self._shown[k].flatten(1).mT @ self._system.basis.along(k, order)

    def _orders(self, alpha: tuple[int, ...]) -> list[tuple[int, int]]:
        """The orders of a derivative, line by line."""
        return list(enumerate(self._system.statements.split(alpha)[0]))


def block_sizes(system: SeparableGalerkin, ties: Ties) -> tuple[int, int]:
    """How many blocks there are, and how many functions each of them has."""
    shapes = [_sorted(system, ties, k).shape for k in range(len(system.basis.lines))]
    return math.prod(kinds for _, _, kinds in shapes), math.prod(each for _, each, _ in shapes)


def _sorted(system: SeparableGalerkin, ties: Ties, k: int) -> Tensor:
    """The functions of the free field along a line, [count, n, kinds], those of a kind apart from others.

    Where a kind has fewer than n, zeros stand for the others.
    """
    line, shown = system.basis.lines[k], system.pressures.shown[k]
    if isinstance(line, Waves):
        return torch.eye(line.count, dtype=torch.float64)[:, None, :]
    assert isinstance(line, Cells) and shown is not None
    even = line.number == 1 and ties.even(system.statements, system.statements.space[k])
    sides = [system.lines[field][k] for field in ties.fields]
    odd = (torch.arange(line.count)[:, None] + torch.arange(line.count)) % 2 == 1
    if not even or any(side is not None and bool((side.projector[odd].abs() > _ALIKE).any()) for side in sides):
        return shown[:, :, None]
    return torch.cat([shown, shown.new_zeros(len(shown), shown.shape[1] % 2)], dim=1).unflatten(1, (-1, 2))


def _outer(lines: list[Tensor]) -> Tensor:
    """The products of a row of each matrix [a, b]: [a1 * a2 * ..., b1, b2, ...]."""
    total = lines[0]
    for own in lines[1:]:
        total = torch.tensordot(total, own, dims=0).movedim(-2, 1).flatten(0, 1)
    return total
