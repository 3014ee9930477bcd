"""A march through a problem in time alone, from its statements."""

from collections.abc import Callable, Sequence

import numpy as np

from gmnm_pde.evolution.initial import initial_values
from gmnm_pde.evolution.marching import Step
from gmnm_pde.evolution.ordinary.march import OrdinaryMarch, Tolerance
from gmnm_pde.evolution.ordinary.system import System
from gmnm_pde.models.modes import Product

_STAGES = ((1e-4, 5), (0.0, 7))
"""Errors aimed at, from there on up, and the stages that steps then have."""


def ordinary_march(
    system: System, tol: float, stages: int | None, breaks: Sequence[float], on_step: Callable[[Step], None]
) -> OrdinaryMarch:
    """The march that aims at a relative error of each unknown at all times.

    Args:
        system: The equations.
        tol: The error aimed at.
        stages: Of the method; by default by the error.
        breaks: Times at which data break off.
        on_step: Is called with every step taken.
    """
    values = initial_values(system.statements, Product([]))
    begin = np.array([values[order][field, 0].item() for field, order in system.unknowns])
    least = np.full(system.count, tol)
    own = stages or next(number for above, number in _STAGES if tol >= above)
    return OrdinaryMarch(system, Tolerance(least, np.zeros(system.count), own), begin, breaks, on_step)
