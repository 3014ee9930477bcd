"""Who looks at a method while it works."""

from dataclasses import dataclass

from torch import Tensor

from gmnm_pde.interruption import LIMIT


@dataclass(frozen=True)
class Step:
    """The state after a step: unknowns [K], the norm of the residual, and how far the step went (1 is all of it)."""

    number: int
    theta: Tensor
    norm: float
    length: float


class Monitor:
    """What a method asks and tells while it works; this one never ends it, and nobody listens."""

    @property
    def late(self) -> bool:
        """Whether the time is up: a method then ends with the best that it has."""
        return False

    @property
    def ended_by(self) -> str:
        """Who ends it before it is done, in words."""
        return LIMIT

    def step(self, step: Step) -> None:
        """Hear of a step."""

    def worked(self, seconds: float) -> None:
        """Hear how much was computed, in seconds that one core takes for it, as predicted."""


UNWATCHED = Monitor()
