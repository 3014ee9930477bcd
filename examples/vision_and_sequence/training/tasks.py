"""What a network is trained for: its batches, and what is measured on each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

Measures = dict[str, Tensor]
"""By name, means over a batch, [] or [copies]; the one that is minimised is called ``loss``."""


@dataclass(frozen=True)
class Task:
    """Inputs and targets to train on and to test on, and what is measured.

    Attributes:
        train, test: Inputs and targets, each [n, ...]; with copies of a network [copies, n, ...].
        measure: From outputs and targets to their measures.
        prepare: From a batch of inputs as they are kept to what the network takes.
        about: What tells this task from others: a checkpoint of another one is refused.
        copies: Networks trained side by side, each with its own examples; 0 for a single one.
        batch: Examples in a step.
    """

    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    measure: Callable[[Tensor, Tensor], Measures]
    prepare: Callable[[Tensor], Tensor]
    about: Mapping[str, Any] = field(default_factory=dict)
    copies: int = 0
    batch: int = 128

    def steps(self) -> int:
        """How many batches an epoch has; what is left over waits for another order of the next epoch."""
        return max(1, self._count(self.train) // self.batch)

    def to(self, device: torch.device) -> "Task":
        """With all examples on a device."""
        known, new = ((inputs.to(device), targets.to(device)) for inputs, targets in (self.train, self.test))
        return replace(self, train=known, test=new)

    def orders(self, seed: int, epoch: int) -> Iterator[Tensor]:
        """Numbers of the examples of each step of an epoch, [batch] or [copies, batch]: by seed and epoch alone."""
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        count = self._count(self.train)
        orders = [torch.randperm(count, generator=generator) for _ in range(max(1, self.copies))]
        order = torch.stack(orders) if self.copies else orders[0]
        for step in range(self.steps()):
            yield order[..., step * self.batch : (step + 1) * self.batch]

    def pieces(self, size: int = 1000) -> Iterator[Tensor]:
        """Numbers of the examples to test on, in pieces."""
        for piece in torch.arange(self._count(self.test)).split(size):
            yield piece.expand(self.copies, -1) if self.copies else piece

    def measures(self, network: nn.Module, part: tuple[Tensor, Tensor], numbers: Tensor) -> Measures:
        """What is measured on some examples of a part."""
        inputs, targets = (self._taken(array, numbers.to(array.device)) for array in part)
        return self.measure(network(self.prepare(inputs)), targets)

    def _taken(self, array: Tensor, numbers: Tensor) -> Tensor:
        if not self.copies:
            return array[numbers]
        return array[torch.arange(self.copies, device=array.device)[:, None], numbers]

    def _count(self, part: tuple[Tensor, Tensor]) -> int:
        return part[0].shape[1 if self.copies else 0]
