"""Methods that follow the gradient by an optimiser of PyTorch's kind: Adam and SOAP."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.methods.loop import Squares, Trainable, check_counts, check_positive
from gmnm_pde.methods.method import TrainingMethod, threshold
from gmnm_pde.methods.soap import SOAPOptimizer
from gmnm_pde.sampling import stream_of_step

SCHEDULES = ("constant", "cosine", "exponential")


@dataclass(frozen=True, repr=False)
class Adam(TrainingMethod):
    """Adam (D. Kingma, J. Ba, arXiv 1412.6980) with a learning rate that may fall.

    Args:
        steps: The number of steps.
        lr: The learning rate, at the start.
        schedule: ``"constant"``; ``"cosine"``, which falls to zero at the last step; ``"exponential"``, which falls by
            a tenth every twentieth of the steps.
        batch: The number of points of each term that a step sees, drawn anew for each step; by default all points.
        directions: Estimate second derivatives on so many random directions, drawn anew for each step, in place of one
            for each coordinate: for problems with many coordinates.
        patience: Stop when the held-out residual has not fallen for this many steps, and go back to where it was least.
        average: Moving averages of the weights, of which each step keeps this part (0.999, say): where their loss is
            the lower one, they are what is left in place.
    """

    cheap_steps: ClassVar[bool] = True

    steps: int = 5000
    lr: float = 1e-3
    schedule: str = "constant"
    batch: int | None = None
    patience: int | None = None
    average: float | None = threshold(None)
    directions: int | None = threshold(None)

    def __post_init__(self) -> None:
        _check(self)

    def begin(self, system: Trainable, seed: int) -> "_GradientSteps":
        """Work on a system."""
        unknowns = system.unknowns()
        fused = all(p.device.type in ("cpu", "cuda") for p in unknowns)
        return _GradientSteps("Adam", torch.optim.Adam(unknowns, lr=self.lr, fused=fused), self, system, seed)


@dataclass(frozen=True, repr=False)
class SOAP(TrainingMethod):
    """SOAP (N. Vyas et al., arXiv 2409.11321): Adam in the eigenbasis of Shampoo's preconditioner.

    Args:
        steps: The number of steps.
        lr: The learning rate, at the start.
        schedule: As of ``Adam``.
        every: Steps between updates of the eigenbasis.
        batch: As of ``Adam``.
        patience: As of ``Adam``.
        average: As of ``Adam``.
        directions: As of ``Adam``.
    """

    cheap_steps: ClassVar[bool] = True

    steps: int = 5000
    lr: float = 3e-3
    schedule: str = "constant"
    every: int = 2
    batch: int | None = None
    patience: int | None = None
    average: float | None = threshold(None)
    directions: int | None = threshold(None)

    def __post_init__(self) -> None:
        _check(self)
        check_counts("SOAP", every=self.every)

    def begin(self, system: Trainable, seed: int) -> "_GradientSteps":
        """Work on a system."""
        return _GradientSteps(
            "SOAP", SOAPOptimizer(system.unknowns(), lr=self.lr, every=self.every), self, system, seed
        )


class _GradientSteps:
    """An optimiser of PyTorch's kind at work on a system."""

    pace = 10

    def __init__(self, name: str, optimizer: torch.optim.Optimizer, method: Adam | SOAP, system: Trainable, seed: int):
        self.name, self.whole = name, method.batch is None and method.directions is None
        self._optimizer, self._system, self._batch, self._seed = optimizer, system, method.batch, seed
        self._schedule, self._kept = _schedule(method, optimizer), method.average
        self.averages = None if method.average is None else [p.detach().clone() for p in system.unknowns()]

    def look(self, step: int) -> tuple[Tensor, Squares]:
        """The loss with its gradient, of all points, or of a batch and directions that the step's number determines."""
        if self.whole:
            return self._system.gradient()
        generator = torch.Generator().manual_seed(stream_of_step(self._seed, step))
        return self._system.gradient(self._system.batch(self._batch or sys.maxsize, generator))

    def advance(self) -> int:
        """One step."""
        self._optimizer.step()
        if self._schedule is not None:
            self._schedule.step()
        if self.averages is not None and self._kept is not None:
            for average, parameter in zip(self.averages, self._system.unknowns(), strict=True):
                average.lerp_(parameter.detach(), 1 - self._kept)
        return 1

    def state(self) -> dict[str, Any]:
        """What the next steps depend on."""
        schedule = None if self._schedule is None else self._schedule.state_dict()
        averages = {} if self.averages is None else {"averages": self.averages}
        return {"optimizer": self._optimizer.state_dict(), "schedule": schedule, **averages}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self._optimizer.load_state_dict(state["optimizer"])
        if self._schedule is not None:
            self._schedule.load_state_dict(state["schedule"])
        if self.averages is not None:
            self.averages = list(state["averages"])


def _schedule(method: Adam | SOAP, optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler | None:
    if method.schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, method.steps)
    if method.schedule == "exponential":
        return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9 ** (20 / method.steps))
    return None


def _check(method: Adam | SOAP) -> None:
    name = type(method).__name__
    check_counts(name, steps=method.steps, batch=method.batch, patience=method.patience, directions=method.directions)
    check_positive(name, lr=method.lr)
    if method.average is not None and not (isinstance(method.average, float) and 0 < method.average < 1):
        raise refuse(
            f"{name}(average={method.average!r})", expected="a number between 0 and 1", got=repr(method.average)
        )
    if method.schedule not in SCHEDULES:
        call = f"{name}(schedule={method.schedule!r})"
        remedy = nearest(str(method.schedule), SCHEDULES)
        raise refuse(call, expected="a schedule", got=repr(method.schedule), remedy=remedy)
