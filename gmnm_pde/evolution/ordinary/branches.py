"""The ways that a solution can go on from one state, where equations are not linear in the derivatives."""

import numpy as np

from gmnm_pde.evolution.ordinary.start import Start, consistent
from gmnm_pde.evolution.ordinary.system import System

_GUESSES, _SIZES = 12, (0.1, 1.0, 10.0)
"""From so many random numbers, of these sizes, Newton's method begins."""

_SAME = 1e-6
"""Ways that differ by no more than this part are one."""


def ways_on(system: System, time: float, state: np.ndarray, slope: np.ndarray, *, guessed: bool) -> list[Start]:
    """All that were found, that nearest to the guess first.

    Args:
        system: The equations.
        time: When.
        state: The state; of unknowns that are not differentiated, guesses.
        slope: Guesses for the derivatives, [m].
        guessed: Whether the user gave guesses: then the way nearest to them alone counts.
    """
    with np.errstate(all="ignore"):
        first = consistent(system, time, state, slope)
        if first is not None and (guessed or is_linear(system, time, state)):
            return [first]
        found = [] if first is None else [first]
        draws = np.random.default_rng(0)
        size = max(np.abs(state).max(), 1e-3)
        for number in range(_GUESSES):
            own = size * _SIZES[number % len(_SIZES)] * draws.standard_normal(system.count)
            slopes = np.where(system.differential, own, 0.0)
            other = consistent(system, time, np.where(system.differential, state, own), slopes)
            if other is not None and not any(_same(other, known) for known in found):
                found.append(other)
    return sorted(found, key=lambda own: (round(np.abs(own.slope).max() / size, 6), -own.slope.sum()))


def is_linear(system: System, time: float, state: np.ndarray) -> bool:
    """Whether derivatives, and unknowns that are not differentiated, stand in the equations linearly."""
    draws, matrices = np.random.default_rng(1), []
    for _ in range(2):
        own = draws.standard_normal(system.count)
        by_state, by_slope, _ = system.slopes(time, np.where(system.differential, state, own), own)
        matrices.append(np.where(system.differential, by_slope, by_state))
    return np.allclose(*matrices, rtol=1e-9, atol=1e-12)


def _same(one: Start, other: Start) -> bool:
    pairs = [(one.slope, other.slope), (one.state, other.state)]
    return all(np.abs(a - b).max() <= _SAME * max(np.abs(a).max(), np.abs(b).max()) for a, b in pairs)
