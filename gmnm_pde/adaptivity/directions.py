"""On how many coordinates each ridge of a mixture depends, where there are many coordinates.

Sums of functions of few coordinates are hardly to be had from ridges across all of many, and other functions not at all
from ridges in few.
"""

from dataclasses import replace

from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.fit import fit
from gmnm_pde.methods.monitor import Monitor
from gmnm_pde.models import along_each

_FEW = 3
"""Up to this many coordinates ridges depend on all of them."""

_COMPONENTS = 300
"""Of the trials."""

_WIDTH = 1.5
"""Of the trials' components."""

_CLEARLY = 0.1
"""Sparse directions are chosen where their residual is below this part of that of dense ones."""


def choose_directions(setup: Setup, monitor: Monitor) -> Setup:
    """The setup with ``active`` chosen by small trials, where that is open."""
    mixture, d = setup.mixture, setup.dimension
    if mixture.active is not None or mixture.form != "affine" or d <= _FEW or setup.partition is not None:
        return setup
    widths = along_each(mixture.widths or _WIDTH, d)
    trials = [replace(setup, mixture=replace(mixture, active=active)) for active in (1, 2, d)]
    components = min(mixture.components or _COMPONENTS, _COMPONENTS)
    *sparse, dense = (fit(trial, components, widths, monitor=monitor).validation_residual for trial in trials)
    best = min(range(len(sparse)), key=sparse.__getitem__)
    return trials[best if sparse[best] < _CLEARLY * dense else -1]
