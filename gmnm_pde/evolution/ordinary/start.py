"""Values at the beginning that meet the equations: derivatives by time, and fields that have none."""

from dataclasses import dataclass

import numpy as np

from gmnm_pde.evolution.ordinary.system import System

_STEPS, _HALVINGS = 30, 20
"""Newton steps, and how often each is halved."""

_SMALL = 1e-10
"""Newton's method has converged where its step is below this part of the values."""

_SINGULAR = 1e-12
"""Singular values below this part of the largest are zero, rows scaled."""


@dataclass(frozen=True)
class Start:
    """A state that meets the equations, its derivatives by time, and theirs, [m] each.

    The derivatives of unknowns that are not differentiated are not known: zero.
    """

    state: np.ndarray
    slope: np.ndarray
    bend: np.ndarray


def consistent(system: System, time: float, state: np.ndarray, slope: np.ndarray | None = None) -> Start | None:
    """The values at a time, of which those of differentiated unknowns are known; None where they are not determined.

    Args:
        system: The equations.
        time: When.
        state: With guesses for the unknowns that are not differentiated, [m].
        slope: A guess for the derivatives.
    """
    state, slope = state.copy(), np.zeros(system.count) if slope is None else slope.copy()
    at, moving = np.array([time]), system.differential
    left = system.residual(at, state[None], slope[None])[0]
    for _ in range(_STEPS):
        if not np.isfinite(left).all():
            return None
        by_state, by_slope, by_time = system.slopes(time, state, slope)
        matrix = np.where(moving, by_slope, by_state)
        step = _solved(matrix, -left)
        if step is None:
            return None
        values = np.where(moving, slope, state)
        close = np.abs(step).max() <= _SMALL * np.abs(values).max()
        factor = 1.0
        for _ in range(_HALVINGS):
            states, slopes = state + factor * step * ~moving, slope + factor * step * moving
            moved = system.residual(at, states[None], slopes[None])[0]
            if np.isfinite(moved).all() and (close or np.linalg.norm(moved) <= np.linalg.norm(left)):
                break
            factor /= 2
        else:
            break
        state, slope, left = states, slopes, moved
        if close or not left.any():
            break
    by_state, by_slope, by_time = system.slopes(time, state, slope)
    bend = _solved(np.where(moving, by_slope, by_state), -by_time - by_state @ (slope * moving))
    return Start(state, slope, np.zeros(system.count) if bend is None else bend * moving)


def _solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """The solution of a system whose rows are scaled; None where the matrix is singular."""
    if not np.isfinite(matrix).all():
        return None
    size = np.abs(matrix).max(axis=1)
    if not size.all():
        return None
    rows = matrix / size[:, None]
    columns = np.abs(rows).max(axis=0)
    if not columns.all() or np.linalg.svd(rows / columns, compute_uv=False)[-1] < _SINGULAR:
        return None
    return np.linalg.solve(rows / columns, right / size) / columns
