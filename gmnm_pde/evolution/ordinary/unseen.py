"""The error that a step makes by what its stages do not see: of the data in time, and of what is narrow in the state."""

import numpy as np

from gmnm_pde.evolution.ordinary.between import looked_between
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


class Unseen:
    """What the stages of a march do not see.

    Args:
        system: The equations.
        aim: What steps are to hold.
        method: Of the march.
        data: What depends on time explicitly.
    """

    def __init__(self, system: System, aim: Aim, method: Numbers, data: Data | None):
        self._aim, self._data, self._gain = aim, data, method.shifts[0].real
        self._span = system.statements.end - system.statements.start
        self._between = looked_between(system, method)
        self._narrow = np.zeros(system.count)

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
        return self._share(linearization.effect(missed), np.maximum(scale, whole), 0.0)

    def of_state(
        self,
        linearization: Linearization,
        step: tuple[float, float],
        states: np.ndarray,
        inside: tuple[float, float],
        sizes: tuple[np.ndarray, np.ndarray],
    ) -> tuple[float, float]:
        """The error by what is narrow in the state, likewise, and to which part the step is to be shortened for it.

        Args:
            linearization: As above.
            step: When it begins, and how long it is.
            states: At its beginning and its stages, [s + 1, m].
            inside: Between which times the equations are the same.
            sizes: What errors are relative to, and what rounding makes of the unknowns, [m] each.
        """
        if self._between is None:
            return 0.0, 1.0
        found = self._between.unexplained(*step, states, inside)
        effect = linearization.effect(found.mean)
        self._narrow = np.maximum(self._narrow, self._gain * effect)  # of a field that is zero before
        shares = self._share(effect, np.maximum(sizes[0], self._narrow), sizes[1])
        worst = int(np.argmax(shares))
        if not shares[worst] >= 1:
            return float(shares[worst]), 1.0
        by_window = np.array([linearization.effect(own)[worst] for own in found.windows])
        first = int(np.argmax(by_window >= _OF_ACCOUNT * by_window.max()))
        return float(shares[worst]), max(_SHORTER, first / len(by_window))

    def _share(self, effect: np.ndarray, scale: np.ndarray, rounding: np.ndarray | float) -> np.ndarray:
        allowed = np.maximum(np.maximum(self._aim.relative * scale, self._aim.absolute), rounding)
        return _MISSED * self._gain * effect / (allowed + 1e-300)
