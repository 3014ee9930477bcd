"""Differential operators with constant coefficients on a torus, and their inverses: frequency by frequency."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gmnm_pde.evolution.space.galerkin import Galerkin
from gmnm_pde.evolution.space.splitting import Entry
from gmnm_pde.models.modes import Waves


class Symbols:
    """The slopes' constant parts of a system on a torus.

    For each frequency the operator is a matrix [fields, fields]. Where derivatives of odd order occur along a
    coordinate, sines and cosines are turned to e^ikx and e^-ikx for that, in which all of them are diagonal.

    Args:
        system: The equations.
        numbers: The slopes.
    """

    def __init__(self, system: Galerkin, numbers: Mapping[Entry, float]):
        statements, self.basis = system.statements, system.basis
        self.numbers = {entry: factor for entry, factor in numbers.items() if factor}
        lines = [line for line in self.basis.lines if isinstance(line, Waves)]
        split = {entry: statements.split(entry[2]) for entry in self.numbers}
        self._turned = [k for k in range(len(lines)) if any(orders[k] % 2 for orders, _ in split.values())]
        shape = (statements.order + 1, system.fields, system.fields, *self.basis.shape)
        self._by_order = torch.zeros(shape, dtype=torch.complex128 if self._turned else torch.float64)
        for (name, number, alpha), factor in self.numbers.items():
            orders, in_time = split[name, number, alpha]
            symbol = torch.full((), factor, dtype=self._by_order.dtype)
            for k, (line, order) in enumerate(zip(lines, orders, strict=True)):
                own = line.symbol(order) if k in self._turned else line.symbol(order).real
                symbol = symbol * own.to(symbol).view(-1, *[1] * (len(lines) - 1 - k))
            self._by_order[in_time, statements.tested[name], number] += symbol
        for row in statements.free:
            self._by_order[(slice(None), row, slice(None), *[0] * len(lines))] = 0.0
            self._by_order[(0, row, row, *[0] * len(lines))] = 1.0
        self._inverses: dict[complex, Tensor] = {}
        self._singles: dict[complex, Tensor] = {}

    def inverse(self, rate: complex) -> Tensor:
        """For the derivatives by time replaced by powers of a rate, [fields, fields, *modes]."""
        if rate not in self._inverses:
            whole = sum(rate**j * own for j, own in enumerate(self._by_order))
            assert isinstance(whole, Tensor)
            if len(whole) == 1:
                self._inverses[rate] = 1 / whole
            else:
                matrices = whole.movedim((0, 1), (-2, -1))
                self._inverses[rate] = torch.linalg.inv_ex(matrices)[0].movedim((-2, -1), (0, 1)).contiguous()
        return self._inverses[rate]

    def _single(self, rate: complex) -> Tensor:
        if rate not in self._singles:
            inverse = self.inverse(rate)
            self._singles[rate] = inverse.to(torch.complex64 if inverse.is_complex() else torch.float32)
        return self._singles[rate]

    def forget(self) -> None:
        """The inverses of other rates than those to come."""
        self._inverses.clear()
        self._singles.clear()

    def solved(self, rate: complex, right: Tensor) -> Tensor:
        """The inverse, applied to one right-hand side [M]."""
        inverse = self.inverse(rate)
        if right.dtype in (torch.float32, torch.complex64):
            inverse = self._single(rate)
        turned = self._turn(right.unflatten(-1, (len(inverse), *self.basis.shape)))
        solved = (inverse * turned[None]).sum(dim=1) if len(inverse) > 1 else inverse[0] * turned
        back = self._turn(solved, back=True).flatten()
        return back if right.is_complex() or not back.is_complex() else back.real

    def multiplied(self, order: int, vector: Tensor) -> Tensor:
        """The product of the slope by a derivative in time and a vector [M]."""
        turned = self._turn(vector.unflatten(-1, (self._by_order.shape[1], *self.basis.shape)))
        back = self._turn((self._by_order[order] * turned[None]).sum(dim=1), back=True).flatten()
        return back.real if back.is_complex() else back

    def _turn(self, values: Tensor, *, back: bool = False) -> Tensor:
        """To e^ikx and e^-ikx where that is needed, (a - ib, a + ib) / 2^.5 for a cos + b sin; or back."""
        root = 0.5**0.5
        for k in self._turned:
            own = values.movedim(1 + k, -1)
            first, second = own[..., 1::2], own[..., 2::2]
            pair = (first + second, 1j * (first - second)) if back else (first - 1j * second, first + 1j * second)
            both = root * torch.stack(pair, dim=-1).flatten(-2)
            values = torch.cat([own[..., :1].to(both), both], dim=-1).movedim(-1, 1 + k)
        return values
