"""What holds when a march begins: algebraic fields meet their equations, and others what constraints ask of them."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gmnm_pde.models.modes import radau

if TYPE_CHECKING:
    from gmnm_pde.evolution.marching import March

TINY = 1e-9
"""The step of Euler's method that brings algebraic fields in place, relative to the time."""

_ROUNDED = 1e-6
"""In a tiny step fields of constraints are known up to this part: rounding is divided by the length."""

_ROUNDING = 1e-16
"""And of other fields up to this part of the largest."""


def settled(march: "March") -> tuple[Tensor, Tensor] | None:
    """The state of a march and its slope at the start, [M] each, by a tiny step; None if that fails.

    Where a constraint holds for other fields, as div u = 0 does, they are brought to it: what a first step changes
    beyond the second one is what initial values, as the modes show them, were off.
    """
    tiny, algebraic = TINY * (march.statements.end - march.statements.start), march.system.orders == 0
    increment = _step(march, tiny)
    if increment is None:
        return None
    state = march.state[0]
    if march.statements.free:
        given, met = state, state + increment
        march.state[0] = met
        again = _step(march, tiny, beside=_ROUNDED * increment.norm().item())
        state = given if again is None else torch.where(algebraic, met, met - again)
        increment = increment if again is None else again
        state = torch.where(_same(march, state - given, torch.where(algebraic, 0.0, increment)), given, state)
    return torch.where(algebraic, state + increment, state), torch.where(algebraic, 0.0, increment / tiny)


def _same(march: "March", moved: Tensor, increment: Tensor) -> Tensor:
    """Which of the state [M] was moved by rounding alone: fields at rest are to be at rest."""
    own = march.sizes(increment)
    rounding = torch.maximum(_ROUNDED * own, _ROUNDING * own.max())
    return (march.sizes(moved) <= rounding).repeat_interleave(march.system.basis.count)


def _step(march: "March", length: float, beside: float = 0.0) -> Tensor | None:
    """What a step of Euler's method from here changes, [M], or what is left below ``beside``; None if it fails."""

    def size(change: Tensor, increments: Tensor) -> float:
        allowed = max(1e-12 * increments.norm().item(), beside)
        return change.norm().item() / allowed if allowed else 0.0

    zero = torch.zeros(1, march.system.count, dtype=torch.float64)
    increments = march.trial(radau(1), length).solved(zero, size, linear=False).increments
    return None if increments is None else increments[0]
