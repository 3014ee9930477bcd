"""What is learnt of steps after they were taken or tried: what they passed by, and the jumps that they met."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gmnm_pde.evolution.ordinary.between import Taken
from gmnm_pde.evolution.ordinary.data import Data
from gmnm_pde.evolution.ordinary.leaps import Leap
from gmnm_pde.evolution.ordinary.returning import Before
from gmnm_pde.evolution.ordinary.sliding import Sliding
from gmnm_pde.evolution.ordinary.unseen import Found, Unseen, Waiting

if TYPE_CHECKING:
    from gmnm_pde.evolution.ordinary.march import OrdinaryMarch

KINK = 1e-3
"""Where slopes change by no more than this part there is a kink, and no jump."""

_FAR_OFF = 2.0
"""Polynomials of a step are continued to so many times its length, where rounding may be beyond a jump."""


class Hindsight:
    """That of a march: it goes back to before steps that passed what is narrow, and leads over jumps.

    Args:
        march: The march.
        data: What depends on time explicitly.
    """

    def __init__(self, march: "OrdinaryMarch", data: Data | None):
        self._march = march
        self.unseen = Unseen(march.system, march.tolerance, march.method, data)
        self.sliding = Sliding(march.system, march.tolerance.relative)
        self._leap: Leap | None = None
        self._waiting: list[tuple[Waiting, Before]] = []
        self._noticed = 0

    def before(self) -> Before | None:
        """What the march is before a step, if there may be reason to go back to it."""
        return Before.of(self._march) if self.unseen.looks else None

    def took(self, before: Before | None, step: Taken, effect: np.ndarray, sizes: Sequence[np.ndarray]) -> None:
        """A step was taken.

        Args:
            before: What the march was before it.
            step: The step.
            effect: The inverse by which the equations' residuals tell of the unknowns.
            sizes: What errors are relative to, and what rounding makes of the unknowns, [m] each.
        """
        if before is not None:
            self._waiting.append((Waiting(step, np.abs(effect), *sizes), before))

    def goes_back(self, *, over: bool) -> bool:
        """Look at the steps that were not looked at yet; go back to before the first that passes what is narrow.

        Args:
            over: Whether all steps are to be looked at now.
        """
        if not (over or self.unseen.is_due(len(self._waiting))):
            return False
        march = self._march
        with np.errstate(all="ignore"):
            found = self.unseen.first([own for own, _ in self._waiting])
        waiting, self._waiting = self._waiting, []
        if found is None:
            self.sliding.took(march.ends[self._noticed :], march.scales.largest)
            self._noticed = len(march.ends) - 1
            return False
        own, before = waiting[found.number]
        before.restore(march)
        self._follow(found, own.step.length, own.step.states)
        return True

    def stop_short(self, length: float, states: np.ndarray) -> None:
        """After a step that was too long: one that ends next to a jump or a kink in the state that lies in it.

        Args:
            length: Of the step that was tried.
            states: At its beginning and its stages, as far as they are known, [s + 1, m].
        """
        march = self._march
        found = self.unseen.surface(Taken(march.time, length, states, march.inside))
        if found is not None:
            self._follow(found, length, states)
            return
        self._leap = None if self._leap is None else self._leap.wider(length)
        if self._leap is not None:  # it was to end next to one, and did not stay aside
            march.length = length - self._leap.over / 2

    def _follow(self, found: Found, length: float, states: np.ndarray) -> None:
        self._march.length, self._leap = found.length, Leap.of(found, length, states, self.unseen.narrow)

    def lead(self) -> None:
        """After a step next to a jump one leads over it; after that all begins anew."""
        leap, march = self._leap, self._march
        self._leap = None
        if leap is not None and not leap.due:
            march.length, self._leap = leap.over, leap.now(march.slope)
        elif leap is not None and not march.crossed:
            if np.allclose(march.slope, leap.slope, rtol=KINK, atol=0.0):
                march.go_on(leap.length)
            else:
                march.begin_again()

    def sizes(self, sizes: np.ndarray) -> np.ndarray:
        """The sizes of unknowns in the next step, [m], with what they will be after a jump."""
        return sizes if self._leap is None else self._leap.sizes(sizes)

    def guess(self, length: float, before: float) -> np.ndarray | None:
        """Increments of the next step, [s, m], where the polynomial of the last one, so long, is none to continue."""
        if self._leap is not None and not self._leap.due:
            return self._leap.guess(self._march.method, length)
        if not before or (self.unseen.has_surfaces and length > _FAR_OFF * before):
            return (length * self._march.method.nodes)[:, None] * self._march.slope
        return None
