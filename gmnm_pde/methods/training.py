"""What methods that train see of a system, and what they tell."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn


class Trainable(Protocol):
    """A loss of unknown tensors."""

    def unknowns(self) -> list[nn.Parameter]: ...
    def loss(self) -> tuple[Tensor, dict[str, Tensor]]: ...


@dataclass(frozen=True)
class Trained:
    """How a method ended: the best loss (its unknowns are in place), steps, whether it went well, why it stopped."""

    loss: float
    steps: int
    converged: bool
    reason: str


Watch = Callable[[int, float], None]
"""Called now and then with the number of steps and the loss."""


@dataclass
class Best:
    """The best unknowns seen, to go back to."""

    system: Trainable
    loss: float = math.inf
    values: list[Tensor] = field(default_factory=list)

    def see(self, loss: float) -> None:
        """Keep the unknowns if ``loss`` is the least so far."""
        if loss < self.loss:
            self.loss = loss
            self.values = [parameter.detach().clone() for parameter in self.system.unknowns()]

    @torch.no_grad()
    def put_back(self) -> None:
        """Put the best unknowns in place."""
        for parameter, value in zip(self.system.unknowns(), self.values, strict=True):
            parameter.copy_(value)


def late(deadline: float) -> bool:
    """Whether the time is up."""
    return time.monotonic() > deadline


def broken(squares: dict[str, Tensor]) -> str:
    """The names of residuals that are not finite."""
    return ", ".join(name for name, value in squares.items() if not math.isfinite(value.item())) or "the loss"
