"""What a constraint leaves for the free field: D A^-1 G, dense between walls, and for each frequency by itself."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from gmnm_pde.evolution.sides import SeparableGalerkin
from gmnm_pde.evolution.solvers.diagonal import Diagonal
from gmnm_pde.evolution.splitting import Entry
from gmnm_pde.evolution.ties import Ties
from gmnm_pde.models.modes import Waves, applied

_AT_ONCE = 2**22
"""Columns are made with so many numbers at once."""


class Schur:
    """D A^-1 G by the rates that derivatives by time are replaced by, in factors.

    Args:
        system: The equations.
        diagonals: A, by field.
        ties: G and D.
    """

    def __init__(self, system: SeparableGalerkin, diagonals: Mapping[int, Diagonal], ties: Ties):
        self._system, self._basis, self._diagonals, self._ties = system, system.basis, diagonals, ties
        self._axes = range(len(self._basis.lines))
        self._waves = [k for k in self._axes if isinstance(self._basis.lines[k], Waves)]
        shown = system.pressures.shown
        self._walls = [(k, own) for k, own in enumerate(shown) if own is not None]
        self._order = [*self._waves, *(k for k, _ in self._walls)]
        self._pushes = {field: self._push(field) for field in ties.fields}
        self._factors: dict[tuple[complex, bool], tuple[Tensor, Tensor]] = {}

    def forget(self) -> None:
        """The factors for other rates than those to come."""
        self._factors.clear()

    def solved(self, rate: complex, right: Tensor) -> Tensor:
        """The free field [*modes] for what it is to bring about."""
        single = right.dtype in (torch.float32, torch.complex64)
        for k, own in self._walls:
            right = applied(own.mT, right, k - len(self._axes))
        ordered = right.permute(self._order)
        factors, pivots = self._factorised(rate, single=single)
        own = torch.linalg.lu_solve(factors, pivots, ordered.reshape(*factors.shape[:-1], 1).to(factors))
        back = own.reshape(ordered.shape).permute([self._order.index(k) for k in self._axes])
        for k, shown in self._walls:
            back = applied(shown, back, k - len(self._axes))
        return back

    def _factorised(self, rate: complex, *, single: bool) -> tuple[Tensor, Tensor]:
        if (rate, False) not in self._factors:
            self._factors[rate, False] = torch.linalg.lu_factor_ex(self._matrix(rate))[:2]
        if single and (rate, True) not in self._factors:
            factors, pivots = self._factors[rate, False]
            self._factors[rate, True] = (
                factors.to(torch.complex64 if factors.is_complex() else torch.float32),
                pivots,
            )
        return self._factors[rate, single]

    def _matrix(self, rate: complex) -> Tensor:
        """D A^-1 G, [*frequencies, n, n] with the n functions of the walls' lines, regular beside the constant too."""
        total = sum(self._through(field, self._diagonals[field].inverse(rate)) for field in self._pushes)
        assert isinstance(total, Tensor)
        matrix = total.permute([*(1 + k for k in self._waves), *(1 + k for k, _ in self._walls), 0])
        matrix = matrix.flatten(len(self._waves), -2).contiguous()
        constant = self._system.pressures.constant.view(self._basis.shape)
        for k, own in self._walls:
            constant = applied(own.mT, constant, k - len(self._axes))
        block = matrix[(0,) * len(self._waves)]
        own = constant.permute(self._order)[(0,) * len(self._waves)].flatten()
        block += block.diagonal().abs().mean() * torch.outer(own, own)
        return matrix

    def _push(self, field: int) -> Tensor:
        """What each function of the walls' lines, at all frequencies at once, does to a field, [n, *its eigenvectors]."""
        total: Tensor | None = None
        for orders, factor in self._of(self._ties.gradients, lambda entry: self._tested(entry) == field):
            own = torch.full((1,), factor, dtype=torch.float64)
            for k, order in enumerate(orders):
                line = self._diagonals[field].turns[k][1] @ self._basis.along(k, order)
                shown = self._system.pressures.shown[k]
                line = line.sum(dim=1, keepdim=True) if shown is None else line @ shown
                own = torch.tensordot(own, line, dims=0).movedim(-1, 1).flatten(0, 1)
            total = own if total is None else total + own
        assert total is not None
        return total

    def _through(self, field: int, inverse: Tensor) -> Tensor:
        """D A^-1 G by one field, [n, *lines]: the columns first."""
        push = self._pushes[field]
        lines = [
            (factor, [self._seen(k, order) @ self._diagonals[field].turns[k][0] for k, order in enumerate(orders)])
            for orders, factor in self._of(self._ties.constraint, lambda entry: entry[1] == field)
        ]
        parts = []
        for columns in push.split(max(1, _AT_ONCE // math.prod(push.shape[1:]))):
            own = columns * inverse
            whole = [own.real, own.imag] if own.is_complex() else [own]
            seen = [sum(factor * self._along(matrices, part) for factor, matrices in lines) for part in whole]
            parts.append(torch.complex(*seen) if len(seen) > 1 else seen[0])
        return torch.cat(parts)

    def _along(self, matrices: Sequence[Tensor], values: Tensor) -> Tensor:
        for k, matrix in enumerate(matrices):
            values = applied(matrix, values, k - len(matrices))
        return values

    def _seen(self, k: int, order: int) -> Tensor:
        """A derivative along a line in the functions of the free field."""
        shown, own = self._system.pressures.shown[k], self._basis.along(k, order)
        return own if shown is None else shown.mT @ own

    def _tested(self, entry: Entry) -> int:
        return self._system.statements.tested[entry[0]]

    def _of(
        self, entries: Mapping[Entry, float], chosen: Callable[[Entry], bool]
    ) -> list[tuple[tuple[int, ...], float]]:
        """The orders and factors of some slopes."""
        split = self._system.statements.split
        return [(split(entry[2])[0], factor) for entry, factor in entries.items() if chosen(entry)]
