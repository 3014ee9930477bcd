"""The flux of an equation: what its user differentiates last, the argument of the outer ``div`` or ``diff``.

An equation is run with a record of every differentiation. It is run once more with the results of differentiation cut
off from what they were made of: those on which the residual still depends are the outer ones. The flux along a
coordinate is the sum of what these differentiate by it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.jets import Alpha, Field, Frame, Quantity, partials
from gmnm_pde.jets.values import Differentiation

Residual = Callable[[Mapping[str, Any]], Any]

_SAME = 1e-6
"""Factors of two differentiations that differ by no more than this part are one."""


@dataclass(frozen=True)
class Flux:
    """The flux of one residual.

    Attributes:
        parts: Of each outer differentiation its number in the order of their occurrence, the axis, and its factor
            relative to the first.
        factor: The factor of the first at the points of the trace, where what is differentiated is the bare derivative
            of a field, so that the user may have meant it to be part of the flux; else None.
    """

    parts: tuple[tuple[int, int, float], ...]
    factor: Tensor | None

    def through(self, differentiations: list[Differentiation], normal: Tensor) -> Quantity:
        """The flux along a normal [n, d], from a record of the equation's differentiations."""
        total: Any = 0.0
        for number, axis, factor in self.parts:
            total = total + factor * normal[:, axis] * differentiations[number].argument
        return total


def recorded(frame: Frame, residual: Residual, scope: Mapping[str, Any], *, cut: bool = False) -> tuple[Any, list]:
    """What a residual returns, with the record of its differentiations on a frame."""
    frame.record, frame.cut = [], cut
    try:
        return residual(scope), frame.record
    finally:
        frame.record, frame.cut = None, False


def find_fluxes(
    frame: Frame,
    residual: Residual,
    scope: Mapping[str, Any],
    named: Callable[[Any], dict[str, Any]],
    orders: Mapping[int, int],
) -> dict[str, Flux]:
    """The fluxes of the residuals of an equation, by name; a residual that is of too low an order has none.

    Args:
        frame: Points, which fields with random derivatives are on.
        residual: The equation.
        scope: What it is called with.
        named: From what it returns to residuals by name.
        orders: How often each output of the fields' source is differentiated in space, by its number.

    Raises:
        GmnmError: the factors of what is differentiated vary, so that there is no flux.
    """
    _, whole = recorded(frame, residual, scope)
    result, cut = recorded(frame, residual, scope, cut=True)
    return {
        name: flux
        for name, value in named(result).items()
        if (flux := _flux(name, value, frame, whole, cut, orders)) is not None
    }


def _flux(
    name: str,
    residual: Quantity,
    frame: Frame,
    whole: list[Differentiation],
    cut: list[Differentiation],
    orders: Mapping[int, int],
) -> Flux | None:
    space = [frame.names.index(axis) for axis in frame.space]
    found: list[tuple[int, int, Tensor, bool]] = []
    seen: set[tuple[int, Alpha]] = set()
    for number, (full, last) in enumerate(zip(whole, cut, strict=True)):
        if last.axis not in space or not _leading(full.argument, frame, space, orders):
            continue
        if isinstance(last.result, Field):
            key = (last.result.output, last.result.alpha)
            if key in seen:
                continue
            seen.add(key)
        factor = _slope(residual, last.result.tensor)
        if factor is not None:
            found.append((number, last.axis, factor, isinstance(full.argument, Field)))
    if not found:
        return None
    first = found[0][2]
    parts = []
    for number, axis, factor, _ in found:
        ratio = factor / first
        if not torch.isfinite(ratio).all() or (ratio - ratio[0]).abs().max() > _SAME * ratio.abs().max():
            raise GmnmError(
                f"the equation '{name}': what it differentiates last has factors that vary from point to point, so it "
                "is not clear which flux is continuous where two parts meet. Write it as a divergence, "
                "div(k * grad(u)), or give the law there by Interface(...)."
            )
        parts.append((number, axis, ratio[0].item()))
    bare = all(plain for *_, plain in found) and any(order > 1 for order in orders.values())
    return Flux(tuple(parts), first.detach() if bare else None)


def _leading(argument: Quantity, frame: Frame, space: list[int], orders: Mapping[int, int]) -> bool:
    """Whether a differentiation of ``argument`` makes a derivative of the highest order in space of some field."""
    if isinstance(argument, Field):
        made = [(argument.output, argument.alpha)]
    else:
        entries = frame.entries()
        slopes = _slopes(argument, list(entries.values()))
        made = [key for key, slope in zip(entries, slopes, strict=True) if slope is not None]
    return any(sum(alpha[k] for k in space) + 1 >= orders.get(output, 1) > 0 for output, alpha in made)


def _slope(value: Any, tensor: Tensor) -> Tensor | None:
    return _slopes(value, [tensor])[0]


def _slopes(value: Any, tensors: list[Tensor]) -> list[Tensor | None]:
    plain = value.tensor if isinstance(value, Quantity) else value
    if not isinstance(plain, Tensor) or not plain.requires_grad or not tensors:
        return [None] * len(tensors)
    return [None if slope is None or not slope.any() else slope for slope in partials(plain, tensors)]
