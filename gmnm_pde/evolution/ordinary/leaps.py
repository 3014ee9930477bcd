"""Over a jump or a kink in the state: a step that ends next to it, and a short one that leads over it."""

from dataclasses import dataclass, field, replace

import numpy as np

from gmnm_pde.evolution.ordinary.stages import Numbers
from gmnm_pde.evolution.ordinary.unseen import Found

_WIDER, _NEAR = 1e3, 0.1
"""A step over a jump grows by this factor where the one before it did not stay aside, to a part of that at most."""


@dataclass(frozen=True)
class Leap:
    """What is known of such a jump from a step that went over it.

    Attributes:
        over: How long the step over the jump is to be.
        length: How long the step was that went over it.
        states: At its beginning and its stages, [s + 1, m].
        least: Sizes that errors of both steps are relative to at least, [m]: a field may be zero before the jump.
        due: Whether that step is the next one.
        slope: Before it, [m].
    """

    over: float
    length: float
    states: np.ndarray
    least: np.ndarray
    due: bool = False
    slope: np.ndarray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, found: Found | None, length: float, states: np.ndarray, narrow: np.ndarray) -> "Leap | None":
        """Where it is known how to go over what was found in a step."""
        if found is None or not found.over:
            return None
        return cls(found.over, length, states, np.maximum(narrow, np.abs(states - states[0]).max(axis=0)))

    def now(self, slope: np.ndarray) -> "Leap":
        """The same, with the step over the jump as the next one, before which the state has some slope."""
        return replace(self, due=True, slope=slope)

    def wider(self, tried: float) -> "Leap | None":
        """With a step that ends farther from the jump than one that was too long; None where it is no longer near."""
        over = _WIDER * self.over
        return replace(self, over=over) if not self.due and over < _NEAR * tried else None

    def guess(self, method: Numbers, length: float) -> np.ndarray:
        """Increments of a shorter step, [s, m]."""
        return method.at(self.states, method.nodes * (length / self.length)) - self.states[0]

    def sizes(self, own: np.ndarray) -> np.ndarray:
        """The sizes of unknowns in the next step, [m], as errors are relative to them."""
        return np.maximum(own, self.least)
