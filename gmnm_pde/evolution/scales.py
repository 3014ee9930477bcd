"""How large fields are, and how large errors a step may make beside that."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gmnm_pde.evolution.space.ties import TIED
from gmnm_pde.evolution.steps import Accuracy

_FADE = 0.5
"""The size that errors of a field are relative to is at least this part of what it was a step before."""

_FLOOR = 1e-10
"""And at least this part of what it ever was."""

_FADES = 10.0
"""The past of a field fades by so many decades in all the time."""

_FRESH, _LEFT = 10.0, 0.03
"""Errors are relative to no less than what steps may have made wrong before: so many times as much as they allowed in
what has not faded, and this part of that in all."""

_OF_BASE = 1e-3
"""And at least this part of the constant that it is beside."""

_ROUNDING = 1e-16
"""Errors below this part of the largest field are rounding."""

_OF_OTHERS = 1e-13
"""And those below this part of the size that the equations give a field beside the others: what rounding in these makes
of a field that is zero has as many waves as there are modes."""


class Scales:
    """The sizes of fields, all [fields].

    Args:
        accuracy: What steps are to hold.
        orders: How often each field is differentiated by time.
        scale: The sizes that errors are relative to.
        largest: The largest sizes so far.
        square: The mean over all the time of the squares of what errors were relative to.
        past: What of its root has not faded.
        least: The least that errors are relative to.
        tied: Whether constraints tie fields together.
        natural: How large fields would be if they counted in the equations as the others do at first.

    Attributes:
        worst: The number of the field that was measured to be off most.
    """

    def __init__(
        self,
        accuracy: Accuracy,
        orders: Sequence[int],
        scale: Tensor,
        largest: Tensor,
        least: Tensor,
        *,
        tied: bool = False,
        natural: Tensor | None = None,
    ):
        self.natural = natural
        self._accuracy, self._differential = accuracy, torch.tensor(orders) > 0
        self.scale, self.largest, self.least = scale, largest, least
        self.worst, self._tied = 0, tied
        self.square, self.past = torch.zeros_like(scale), torch.zeros_like(scale)

    @classmethod
    def of(
        cls,
        accuracy: Accuracy,
        orders: Sequence[int],
        sizes: Tensor,
        base: Tensor,
        *,
        tied: bool = False,
        natural: Tensor | None = None,
    ) -> "Scales":
        """At the beginning, from the sizes of fields there and of the constants that they are expanded beside."""
        return cls(accuracy, orders, sizes, sizes, _OF_BASE * base, tied=tied, natural=natural)

    def begin(self, sizes: Tensor) -> None:
        """Fields have these sizes where steps begin."""
        self.largest = torch.maximum(self.largest, sizes)
        self.scale = self._floored(sizes)

    def will_be(self, sizes: Tensor) -> None:
        """Fields will have these sizes after something narrow, before which they may be zero."""
        self.least = torch.maximum(self.least, sizes)

    def within(self, sizes: Tensor) -> Tensor:
        """What errors are relative to in a step whose stages have these sizes."""
        return self._floored(torch.maximum(sizes, _FADE * self.scale))

    def beside_past(self, scale: Tensor) -> Tensor:
        """What errors may be relative to where steps and modes would have to become finer for a field than ever before.

        That is what has not faded of its root mean square over all the time: what a wave that has left leaves behind
        are the errors of its march, as rough as there are modes. What decays as a whole never asks for that.
        """
        return torch.maximum(scale, self.past)

    def take(self, scale: Tensor, part: float) -> None:
        """A step was taken, over a part of the time, in which errors were relative to ``scale``."""
        self.scale, self.largest = scale, torch.maximum(self.largest, scale)
        self.square = self.square + part * scale.square()
        self.past = torch.where(scale > self.past, self.square.sqrt(), 10 ** (-_FADES * part) * self.past)

    def _floored(self, scale: Tensor) -> Tensor:
        """None of them too small."""
        floored = torch.maximum(torch.maximum(scale, _FLOOR * self.largest), self.least)
        errors = self._accuracy.time * torch.maximum(_FRESH * self.past, _LEFT * self.square.sqrt())
        floored = torch.maximum(floored, errors)
        if self.natural is not None:
            floored = torch.maximum(floored, _OF_OTHERS / self._accuracy.time * self.natural)
        return torch.maximum(floored, TIED * torch.maximum(floored, self.largest).max()) if self._tied else floored

    def allowed(self, scale: Tensor) -> Tensor:
        """The error that a step may make in each field."""
        allowed = torch.maximum(self._accuracy.time * scale, _ROUNDING * torch.maximum(self.largest, scale).max())
        if self._accuracy.absolute:
            allowed = torch.maximum(allowed, torch.tensor(self._accuracy.absolute, dtype=torch.float64))
        return allowed

    def measure(self, sizes: Tensor, scale: Tensor) -> float:
        """How large changes of some sizes, [..., fields], are, relative to what a step may make wrong."""
        parts = torch.where(self._differential, sizes / self.allowed(scale).clamp_min(1e-300), 0.0)
        self.worst = int(parts.flatten(0, -2).amax(dim=0).argmax()) if parts.ndim > 1 else int(parts.argmax())
        return parts.max().item()
