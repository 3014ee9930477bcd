"""What is differentiated twice and jumps: where parts meet a field jumps by as much the other way.

``diff(u + h, x, x)`` of a step h is a derivative of a point source, unless u + h is the same on both sides. That is the
law there in place of the continuity of u. It is told by running the equation on both sides (``flux.py``).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.jets import Quantity
from gmnm_pde.statement.flux import Run, alike, are_close, jumps, slopes

_STRAIGHT = 1e-9
"""A normal whose other components are all less than this is along a coordinate."""


@dataclass(frozen=True)
class Inner:
    """What an equation differentiates twice through an interface.

    Attributes:
        name: Of the residual.
        parts: Of each inner differentiation its number and its factor relative to the first.
    """

    name: str
    parts: tuple[tuple[int, float], ...]

    def total(self, run: Run) -> Quantity:
        """What is the same on both sides, from the equation run on one of them."""
        total: Any = 0.0
        for number, factor in self.parts:
            total = total + factor * run.whole[number].argument
        return total


def find_inner(run: Run, other: Run | None, name: str) -> Inner | None:
    """What a residual differentiates twice, where some of that jumps; None where nothing does.

    Args:
        run: The equation on one side of an interface, where fields with random derivatives are.
        other: The same on the other side, with the same numbers for what is continuous; None where there is none such.
        name: Of the residual.

    Raises:
        GmnmError: it does not say what is the same on both sides.
    """
    jumping = {number for number in range(len(run.whole)) if jumps(run, other, number)}
    if not jumping & {inner for _, inner in _nested(run)}:
        return None
    factors = _factors(run, name)
    if not jumping & set(factors):
        return None
    deeper = any(around in factors and inner in jumping for around, inner in _nested(run))
    if other is None or not alike(run, other) or not _is_straight(run.scope["normal"]) or deeper:
        raise _unclear(name)
    first, *_ = factors
    its, parts = _factors(other, name), []
    for number, factor in factors.items():
        ratio = factor / factors[first]
        same = number in its and are_close(ratio, its[number] / its[first])
        if not (same and are_close(ratio, ratio[0].expand_as(ratio))):
            raise _unclear(name)
        parts.append((number, ratio[0].item()))
    return Inner(name, tuple(parts))


def _nested(run: Run) -> list[tuple[int, int]]:
    """Pairs of differentiations through an interface, the second one within the first."""
    crossing = [number for number in range(len(run.whole)) if run.crosses(number)]
    results = [run.cut[number].result.tensor for number in crossing]
    return [
        (around, inner)
        for around in crossing
        for inner, slope in zip(crossing, slopes(run.cut[around].argument, results), strict=True)
        if slope is not None and inner < around
    ]


def _factors(run: Run, name: str) -> dict[int, Tensor]:
    """By what the second derivatives of inner arguments are multiplied in all, by number; none where there are none.

    Raises:
        GmnmError: factors of outer results change across the interface relative to one another.
    """
    found: dict[int, Tensor] = {}
    first: Tensor | None = None
    for around, inner in _nested(run):
        own = run.factor(name, around, again=True)
        if own is None or {around, inner} & run.repeated:
            continue
        first = own if first is None else first
        relative = own / first
        if relative.requires_grad and any(one is not None for one in slopes(relative, list(run.frame.leaves))):
            raise _unclear(name)
        slope = slopes(run.cut[around].argument, [run.cut[inner].result.tensor])[0]
        assert slope is not None
        found[inner] = found.get(inner, torch.zeros_like(slope)) + relative.detach() * slope
    return found


def _is_straight(normal: Tensor) -> bool:
    """Whether the interface is a plane on which one coordinate is fixed."""
    return bool(((normal.abs() > _STRAIGHT).sum(dim=1) == 1).all()) and bool((normal == normal[0]).all())


def _unclear(name: str) -> GmnmError:
    return GmnmError(
        f"the equation '{name}': something that it differentiates twice jumps where two parts meet, and it is not "
        "clear which value is continuous there. Give the law there by Interface(...)."
    )
