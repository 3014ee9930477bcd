"""The error that steps make by what their stages do not see: of data in time, and of what is narrow in the state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gmnm_pde.evolution.ordinary.between import Between, Looked, Taken
from gmnm_pde.evolution.ordinary.data import Data
from gmnm_pde.evolution.ordinary.scales import Aim
from gmnm_pde.evolution.ordinary.stages import Linearization, Numbers
from gmnm_pde.evolution.ordinary.system import System

_MISSED = 0.3
"""What stages do not see counts with this factor."""

_OF_ACCOUNT = 0.1
"""A window in which as large a part of the most in any window is not seen is where a step is to end."""

_SHORTER = 0.125
"""A step is shortened to no less than this part of it."""

_CAREFUL = 1e3
"""What is not seen counts so many times in steps that cross jumps or kinks: these need not do so."""

_ASIDE = 1e-10
"""Steps end next to a jump as near as this part of them, and the next is twice as long."""

_SHORTEST = 4e-14
"""Steps below this part of the time as it stands are none shorter for what is not seen in them."""

_TOGETHER = 32
"""So many steps are looked at together, where nothing was found in those before."""


class Waiting(NamedTuple):
    """A step that was taken and is still to be looked at between its stages.

    Attributes:
        step: It.
        effect: The sizes of the inverse by which the equations' residuals tell of the unknowns.
        scale: What errors are relative to, [m].
        rounding: What rounding makes of the unknowns, [m].
    """

    step: Taken
    effect: np.ndarray
    scale: np.ndarray
    rounding: np.ndarray


@dataclass(frozen=True)
class Found:
    """The first of some steps that passes what is narrow or a jump.

    Attributes:
        number: Which one.
        length: How long the step is to be instead.
        over: How long the one after it, if that is to lead over a jump; else 0.
    """

    number: int
    length: float
    over: float = 0.0


class Unseen:
    """What the stages of a march do not see.

    Args:
        system: The equations.
        aim: What steps are to hold.
        method: Of the march.
        data: What depends on time explicitly.

    Attributes:
        narrow: What narrow things in the state made of each unknown at most, [m].
    """

    def __init__(self, system: System, aim: Aim, method: Numbers, data: Data | None):
        self._aim, self._data, self._gain = aim, data, method.shifts[0].real
        self._span = system.statements.end - system.statements.start
        self._between = None if system.is_plain else Between(system, method)
        self.narrow, self._together = np.zeros(system.count), _TOGETHER

    def of_data(
        self, linearization: Linearization, stamps: np.ndarray, start: float, length: float, scale: np.ndarray
    ) -> np.ndarray | float:
        """The error by data between stages, as a part of what a step may make wrong, or of all that data do, [m].

        Args:
            linearization: The equations' slopes, with the inverses for this length.
            stamps: The times of the stages.
            start: When the step begins.
            length: How long it is.
            scale: What errors are relative to, [m].
        """
        missed = None if self._data is None else self._data.missed(stamps, start, length)
        if self._data is None or missed is None:
            return 0.0
        whole = self._gain * linearization.effect(self._data.spread) * (self._span / length)
        return self._share(self._gain * linearization.effect(missed), np.maximum(scale, whole), 0.0)

    @property
    def looks(self) -> bool:
        """Whether there may be anything narrow in the state."""
        return self._between is not None

    @property
    def has_surfaces(self) -> bool:
        """Whether it is known where equations jump or have kinks in the state."""
        return self._between is not None and self._between.has_surfaces

    def is_due(self, waiting: int) -> bool:
        """Whether so many steps are to be looked at."""
        return waiting >= self._together

    def first(self, waiting: Sequence[Waiting]) -> Found | None:
        """The first of some steps, one after another, whose error by what is narrow in the state is too large."""
        if self._between is None or not waiting:
            return None
        looked = self._between.looked([own.step for own in waiting])
        _, *sizes = zip(*waiting, strict=True)
        effect, scale, rounding = map(np.array, sizes)
        means = self._gain * affected(effect, np.array([own.unexplained.mean(axis=0) for own in looked]))
        narrow = np.maximum(self.narrow, np.maximum.accumulate(means))  # the size of a field that is zero before
        shares = self._share(means, np.maximum(scale, narrow), rounding)
        shares *= np.where([len(own.crossed) > 0 for own in looked], _CAREFUL, 1.0)[:, None]
        lengths, times = np.array([(own.step.length, abs(own.step.start)) for own in waiting]).T
        shares[lengths < _SHORTEST * times] = 0.0
        if shares.max() < 1:
            self.narrow, self._together = narrow[-1], min(_TOGETHER, 2 * self._together)
            return None
        number = int(np.argmax(shares.max(axis=1) >= 1))
        self.narrow, self._together = narrow[number], 1
        own = looked[number].unexplained
        by_window = affected(np.broadcast_to(effect[number], (len(own), *effect[number].shape)), own)
        worst = by_window[:, shares[number].argmax()]
        first = int(np.argmax(worst >= _OF_ACCOUNT * worst.max())) / len(own)
        return self._before_surface(number, waiting[number].step, looked[number], first) or Found(
            number, max(_SHORTER, first) * waiting[number].step.length
        )

    @staticmethod
    def _before_surface(number: int, step: Taken, looked: Looked, first: float) -> Found | None:
        """How a step is to end next to a surface that it crosses in the first window that counts, and then go on."""
        crossed = looked.crossed[looked.crossed >= first]
        if not len(crossed) or crossed[0] > first + 2 / len(looked.unexplained):
            return None
        part, margin = crossed[0], max(_ASIDE * crossed[0], _SHORTEST / 4 * abs(step.start) / step.length)
        if part < 2 * margin:
            return None
        return Found(number, (part - margin) * step.length, 2 * margin * step.length)

    def surface(self, step: Taken) -> Found | None:
        """How a step that was too long is to end next to the first surface that it crosses, and the next after it."""
        if self._between is None or not self.has_surfaces:
            return None
        return self._before_surface(0, step, self._between.looked([step])[0], 0.0)

    def _share(self, effect: np.ndarray, scale: np.ndarray, rounding: np.ndarray | float) -> np.ndarray:
        """Errors [m] as parts of what is allowed."""
        allowed = np.maximum(np.maximum(self._aim.relative * scale, self._aim.absolute), rounding)
        return _MISSED * effect / (allowed + 1e-300)


def affected(effect: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """How much of the unknowns sizes [n, rows] of what equations leave may be: [n, m].

    Args:
        effect: The sizes of inverses, [n, m, m], or those of members, [n, members, m, m].
        sizes: Of what the equations leave, those of one member after another.
    """
    if effect.ndim == 3:
        return np.einsum("nij,nj->ni", effect[:, :, : sizes.shape[1]], sizes)
    by_member = sizes.reshape(len(sizes), effect.shape[1], -1)
    return np.einsum("naij,naj->nai", effect, by_member).reshape(len(sizes), -1)
