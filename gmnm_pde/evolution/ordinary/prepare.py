"""Marches through a problem in time alone, from its statements."""

from collections.abc import Callable, Sequence

import numpy as np

from gmnm_pde.evolution.initial import initial_values
from gmnm_pde.evolution.marching import Step
from gmnm_pde.evolution.ordinary.data import look_at_data
from gmnm_pde.evolution.ordinary.march import OrdinaryMarch, Tolerance
from gmnm_pde.evolution.ordinary.system import System
from gmnm_pde.evolution.reading import Statements
from gmnm_pde.models.modes import Product

_STAGES = ((1e-4, 5), (0.0, 7))
"""Errors aimed at, from there on up, and the stages that steps then have."""


class Ordinary:
    """Marches through one problem in time alone.

    Args:
        statements: The problem.
        breaks: Times at which data break off, as far as they are known.
    """

    def __init__(self, statements: Statements, breaks: Sequence[float] = ()):
        self.system = System(statements)
        values = initial_values(statements, Product([]))
        self.begin = np.array([values[order][field, 0].item() for field, order in self.system.unknowns])
        self.data = look_at_data(self.system, self.begin)
        found = () if self.data is None else self.data.breaks
        near = 1e-6 * (statements.end - statements.start)
        self.breaks = [*found, *(own for own in breaks if all(abs(own - other) > near for other in found))]
        self._before: OrdinaryMarch | None = None

    def march(self, tol: float, stages: int | None, on_step: Callable[[Step], None]) -> OrdinaryMarch:
        """One that aims at a relative error of each unknown at all times; each has shorter steps than the one before.

        Args:
            tol: The error aimed at.
            stages: Of the method; by default by the error.
            on_step: Is called with every step taken.
        """
        count = self.system.count
        own = stages or next(number for above, number in _STAGES if tol >= above)
        tolerance = Tolerance(np.full(count, tol), np.zeros(count), own)
        march = OrdinaryMarch(self.system, tolerance, self.begin, self.breaks, on_step, self.data, self._before)
        self._before = march
        return march
