"""The equations of the stages of one step, and what solves them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gmnm_pde.evolution.space.galerkin import Galerkin
from gmnm_pde.models.modes import Radau

Size = Callable[[Tensor, Tensor], float]
"""How large changes of some increments are, both [stages, M]; 1 is the error that a step may make."""


_ULPS = 16
"""Steps end and begin by so many roundings beside the times at which data may jump."""


def roundings(*times: float) -> float:
    """A time that is next to nothing beside some times."""
    return _ULPS * torch.finfo(torch.float64).eps * max(abs(time) for time in times)


@dataclass(frozen=True, eq=False)
class Stages:
    """A step of an implicit Runge-Kutta method.

    Attributes:
        system: The equations.
        method: The numbers of the method.
        start: When the step begins.
        length: How long it is.
        state: The state at its beginning and its derivatives by time, one less than their highest order, [M] each.
        allowed: The error that a step may make in each field, [fields].
    """

    system: Galerkin
    method: Radau
    start: float
    length: float
    state: Sequence[Tensor]
    allowed: Tensor

    @property
    def times(self) -> Tensor:
        """Of the stages; the last is before the end, where data may jump."""
        end = self.start + self.length
        return (self.start + self.length * self.method.nodes).clamp(max=end - roundings(self.start, end))

    def jets(self, increments: Tensor) -> list[Tensor]:
        """The states at the stages and their derivatives by time, each [stages, M], from the increments."""
        jets, rise = [self.state[0] + increments], increments
        for number in range(len(self.state)):
            jets.append(self.method.inverse @ rise / self.length)
            if number + 1 < len(self.state):
                rise = jets[-1] - self.state[number + 1]
        return jets

    def turned(self, right: Tensor, solved: Callable[[int, Tensor], Tensor]) -> Tensor:
        """The decoupled systems of the stages, solved each by itself, for right-hand sides [stages, M].

        Args:
            right: The right-hand sides.
            solved: Solves the system of one eigenvalue of A^-1, by its number, the real one first.
        """
        count = len(self.method.shifts)
        dual, modes = self.method.dual, self.method.modes
        parts = torch.cat([dual.real, dual.imag]).to(right) @ right
        re, im = modes.real.to(right), modes.imag.to(right)
        turned = torch.complex(parts[:count], parts[count:])
        total = re[:, :1] * solved(0, parts[0])
        if count > 1:
            both = torch.stack([solved(k, turned[k]) for k in range(1, count)])
            total += 2 * (re[:, 1:] @ both.real - im[:, 1:] @ both.imag)
        return total

    def rate(self, number: int) -> complex:
        """An eigenvalue of A^-1 over the length of the step."""
        shift = self.method.shifts[number].item()
        return (shift.real if number == 0 else shift) / self.length


class StageSolver(Protocol):
    """Newton steps for the stages of steps."""

    @property
    def exact(self) -> bool:
        """Whether one step is enough for linear equations with the same coefficients at all times."""
        ...

    def residual(self, stages: Stages, increments: Tensor) -> Tensor:
        """What the equations leave at the stages, [stages, M]."""
        ...

    def change(self, stages: Stages, residual: Tensor) -> Tensor | None:
        """Minus the Newton step of all stages, [stages, M], for what they leave; None if it was not found."""
        ...

    def multiplied(self, order: int, vector: Tensor) -> Tensor:
        """The product of the slope by a derivative in time and a vector [M]."""
        ...

    def filtered(self, stages: Stages, right: Tensor) -> Tensor:
        """The solution [M] of the system of the real eigenvalue, which the error estimate is solved with."""
        ...
