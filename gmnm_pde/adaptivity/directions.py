"""On how many coordinates each ridge of a mixture depends, where there are many coordinates.

Ridges that depend on all of many coordinates approximate sums of functions of few coordinates badly, and ridges that
depend on few approximate nothing else.
"""

from dataclasses import replace

from gmnm_pde.adaptivity.interactions import interacting
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.fit import fit
from gmnm_pde.interruption import OutOfTime
from gmnm_pde.methods.monitor import Monitor

_FEW = 3
"""Up to this many coordinates ridges depend on all of them, without trials."""

_COMPONENTS = 300
"""Components of the trials, at most; more in many dimensions."""

_EACH = 8
"""Components for each coordinate that a trial may have."""

_WIDTH = 1.5
"""The slope of the trials' components."""

_CLEARLY = 0.1
"""Sparse directions are chosen where their validation residual is below this part of that of dense ones."""

_BY_PAIRS = 0.3
"""Pairs are chosen where they leave less than this part of what the others leave; they are given more components."""


def choose_directions(setup: Setup, monitor: Monitor) -> Setup:
    """The setup with the mixture's ``active`` chosen by small trials, where it was left open.

    On 1, 2 or all coordinates, or on the pairs that act together.
    """
    mixture, d = setup.mixture, setup.dimension
    if mixture.active is not None or mixture.form != "affine" or d <= _FEW or setup.partition is not None:
        return setup
    widths = setup.widths_or(_WIDTH)
    trials = [replace(setup, mixture=replace(mixture, active=active)) for active in (1, 2, d)]
    most = max(_COMPONENTS, _EACH * d)
    components = min(mixture.components or most, most)
    chosen = trials[-1]
    try:
        *sparse, dense = [fit(trial, components, widths, monitor=monitor).validation_residual for trial in trials]
        if min(sparse) < _CLEARLY * dense:
            chosen = trials[sparse.index(min(sparse))]
        pairs = interacting(setup, components, widths, monitor)
    except OutOfTime:
        return chosen
    return chosen if pairs is None or pairs.fit.validation_residual > _BY_PAIRS * min(*sparse, dense) else pairs.setup
