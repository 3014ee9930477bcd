"""The flux of an equation: what its user differentiates last, the arguments of the outer ``div`` and ``diff``.

An equation is run with a record of every differentiation. It is run once more with the results of differentiation cut
off from what they were made of: those on which the residual still depends are the outer ones. The flux along a
coordinate is the sum of what these differentiate by it.

Of lower terms only those belong to it that jump: a drift b u whose b is another one on the other side, a source that is
differentiated. They are told by running the equation on both sides with the same numbers for what is continuous.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.jets import Field, Frame, Quantity, partials
from gmnm_pde.jets.values import Differentiation

Residual = Callable[[Mapping[str, Any]], Any]

_SAME = 1e-6
"""Factors of two differentiations that differ by no more than this part are one."""

_EQUAL = 1e-9
"""What differs by no more than this part on both sides does not jump."""

_SLACK = 4
"""Nor what differs by so much times its slope, in distances of the two sides."""

_ACROSS = 1e-9
"""A coordinate along which no normal is longer than this lies within the interface."""


@dataclass(frozen=True)
class Run:
    """An equation, run at points of an interface, on one side of it.

    Attributes:
        frame: The points.
        residual: The equation.
        scope: What it is called with, and the normals of the interface.
        named: From what it returns to residuals by name.
        reach: How far beside the interface its functions are evaluated.
    """

    frame: Frame
    residual: Residual
    scope: Mapping[str, Any]
    named: Callable[[Any], dict[str, Any]] = field(repr=False)
    reach: float = 0.0

    @cached_property
    def whole(self) -> list[Differentiation]:
        """All that it differentiates, in the order of their occurrence."""
        return _recorded(self.frame, self.residual, self.scope)[1]

    @cached_property
    def _cut(self) -> tuple[Any, list[Differentiation]]:
        return _recorded(self.frame, self.residual, self.scope, cut=True)

    @property
    def cut(self) -> list[Differentiation]:
        """The same, the results cut off from what they were made of."""
        return self._cut[1]

    @cached_property
    def residuals(self) -> dict[str, Any]:
        """The residuals by name, of results that are cut off."""
        return self.named(self._cut[0])

    @cached_property
    def repeated(self) -> set[int]:
        """The numbers of those that make a derivative of a field once more, for which its first one counts."""
        space = [self.frame.names.index(name) for name in self.frame.space]
        keys = [
            (one.result.output, one.result.alpha) if isinstance(one.result, Field) and one.axis in space else number
            for number, one in enumerate(self.whole)
        ]
        return {number for number, key in enumerate(keys) if key in keys[:number]}

    def factor(self, name: str, number: int, *, again: bool = False) -> Tensor | None:
        """By what a residual multiplies the result of a differentiation, [n]; None where it is no outer one."""
        return slopes(self.residuals[name], [self.cut[number].result.tensor], again=again)[0]

    def crosses(self, number: int) -> bool:
        """Whether a differentiation is by a coordinate that leads through the interface."""
        axis, normals = self.whole[number].axis, self.scope["normal"]
        return self.frame.names[axis] in self.frame.space and bool((normals[:, axis].abs() > _ACROSS).any())


@dataclass(frozen=True)
class Flux:
    """The flux of one residual.

    Attributes:
        name: Of the residual.
        first: The number of the first outer differentiation of the highest order, in the order of their occurrence.
        parts: Of each outer differentiation its number, the axis, and its factor relative to the first; None where that
            varies from point to point.
        factor: The factor of the first at the points of the trace, where what is differentiated is the bare derivative
            of a field, so that the user may have meant it to be part of the flux; else None.
    """

    name: str
    first: int
    parts: tuple[tuple[int, int, float | None], ...]
    factor: Tensor | None

    def through(self, run: Run) -> Quantity:
        """The flux along the normals, from the equation run there."""
        total: Any = 0.0
        normals = run.scope["normal"]
        for number, axis, factor in self.parts:
            known = self._varying(run, number) if factor is None else factor
            total = total + known * normals[:, axis] * run.whole[number].argument
        return total

    @torch.enable_grad()
    def _varying(self, run: Run, number: int) -> Tensor:
        own, first = (run.factor(self.name, k, again=True) for k in (number, self.first))
        assert own is not None and first is not None
        return own / first


def find_fluxes(run: Run, other: Run | None, orders: Mapping[int, int], *, products: bool = False) -> dict[str, Flux]:
    """The fluxes of the residuals of an equation, by name; a residual that is of too low an order has none.

    Args:
        run: The equation on one side of an interface, where fields with random derivatives are.
        other: The same on the other side, with the same numbers for what is continuous; None where there is none such.
        orders: How often each output of the fields' source is differentiated in space, by its number.
        products: Whether fields themselves are no part of it, such as the u of b u_x, unless they lead.

    Raises:
        GmnmError: the factors of what is differentiated are others on the other side, so that there is no flux.
    """
    jumping = [
        not (products and isinstance(one.argument, Field)) and jumps(run, other, number)
        for number, one in enumerate(run.whole)
    ]
    return {name: flux for name in run.residuals if (flux := _flux(name, run, other, jumping, orders)) is not None}


def jumps(run: Run, other: Run | None, number: int) -> bool:
    """Whether what is differentiated through an interface is another on the other side, where fields are the same."""
    if not run.crosses(number):
        return False
    own = run.whole[number]
    if other is None:
        return not isinstance(own.argument, Field)
    if alike(run, other):
        return _differ(run, own, other.whole[number])
    return not isinstance(own.argument, Field) and all(
        own.axis != its.axis or _differ(run, own, its) for its in other.whole
    )


def alike(run: Run, other: Run) -> bool:
    """Whether the same is differentiated on both sides, one after the other."""
    return [one.axis for one in run.whole] == [one.axis for one in other.whole]


def _differ(run: Run, one: Differentiation, other: Differentiation) -> bool:
    first, second = one.argument.tensor.detach(), other.argument.tensor.detach()
    gap = (first - second).abs()
    seen = gap > _EQUAL * torch.maximum(first.abs(), second.abs())
    if not bool(seen.any()):
        return False
    steep = one.result.tensor.detach().abs() + other.result.tensor.detach().abs()
    return bool((seen & (gap > _SLACK * run.reach * steep)).any())


def _flux(name: str, run: Run, other: Run | None, jumping: list[bool], orders: Mapping[int, int]) -> Flux | None:
    frame = run.frame
    space = [frame.names.index(axis) for axis in frame.space]
    found: dict[int, Tensor] = {}
    leading: list[int] = []
    for number, (full, last) in enumerate(zip(run.whole, run.cut, strict=True)):
        leads = last.axis in space and _leading(full.argument, frame, space, orders)
        if number in run.repeated or not (leads or jumping[number]):
            continue
        factor = run.factor(name, number)
        if factor is not None:
            found[number] = factor
            leading += [number] if leads else []
    if not leading:
        return None
    first = leading[0]
    parts = [
        (number, run.whole[number].axis, _ratio(name, (number, first), run, other, factor / found[first]))
        for number, factor in found.items()
    ]
    bare = all(isinstance(run.whole[number].argument, Field) for number in leading)
    bare = bare and any(order > 1 for order in orders.values())
    return Flux(name, first, tuple(parts), found[first].detach() if bare else None)


def _ratio(name: str, pair: tuple[int, int], run: Run, other: Run | None, ratio: Tensor) -> float | None:
    """The factor of a differentiation relative to that of the first one; None where it varies.

    Raises:
        GmnmError: it is another on the other side.
    """
    finite = bool(torch.isfinite(ratio).all())
    if finite and other is not None and alike(run, other) and name in other.residuals:
        own, first = (other.factor(name, number) for number in pair)
        finite = own is not None and first is not None and are_close(own / first, ratio)
    constant = finite and are_close(ratio, ratio[0].expand_as(ratio))
    if not finite or not (constant or (other is not None and alike(run, other))):
        raise GmnmError(
            f"the equation '{name}': what it differentiates last has factors that vary from point to point, so it "
            "is not clear which flux is continuous where two parts meet. Write it as a divergence, "
            "div(k * grad(u)), or give the law there by Interface(...)."
        )
    return ratio[0].item() if constant else None


def are_close(one: Tensor, other: Tensor) -> bool:
    """Whether factors are the same."""
    return bool((one - other).abs().max() <= _SAME * torch.maximum(one.abs(), other.abs()).max())


def _leading(argument: Quantity, frame: Frame, space: list[int], orders: Mapping[int, int]) -> bool:
    """Whether a differentiation of ``argument`` makes a derivative of the highest order in space of some field."""
    if isinstance(argument, Field):
        made = [(argument.output, argument.alpha)]
    else:
        entries = frame.entries()
        every = zip(entries, slopes(argument, list(entries.values())), strict=True)
        made = [key for key, slope in every if slope is not None]
    return any(sum(alpha[k] for k in space) + 1 >= orders.get(output, 1) > 0 for output, alpha in made)


def _recorded(frame: Frame, residual: Residual, scope: Mapping[str, Any], *, cut: bool = False) -> tuple[Any, list]:
    """What a residual returns, with the record of its differentiations on a frame."""
    frame.record, frame.cut = [], cut
    try:
        return residual(scope), frame.record
    finally:
        frame.record, frame.cut = None, False


def slopes(value: Any, tensors: list[Tensor], *, again: bool = False) -> list[Tensor | None]:
    """The derivatives of a value by what it was made of, [n] each; None where they are zero everywhere."""
    plain = value.tensor if isinstance(value, Quantity) else value
    if not isinstance(plain, Tensor) or not plain.requires_grad or not tensors:
        return [None] * len(tensors)
    return [None if slope is None or not slope.any() else slope for slope in partials(plain, tensors, again=again)]
