"""The state at the beginning, by what the problem states there."""

from dataclasses import dataclass, replace

import numpy as np

from gmnm_pde.evolution.ordinary.evaluation import Original
from gmnm_pde.evolution.reading.faces import Unsuited
from gmnm_pde.evolution.reading.statements import Statements

_STEPS, _CLOSE, _RANK = 30, 1e-13, 1e-11
"""Of Newton's method, and singular values below that part of the largest are zero."""


@dataclass(frozen=True)
class Given:
    """What is stated at the beginning, by (field, order)."""

    values: dict[tuple[int, int], float]


def initial_state(statements: Statements) -> Given:
    """The fields and derivatives that the initial conditions determine, however these bind them to each other.

    Raises:
        Unsuited: they contradict each other.
    """
    if not statements.initial:
        return Given({})
    asked = tuple(dict.fromkeys((f, alpha[0]) for term in statements.initial for f, alpha in term.trace.asked))
    original = Original(replace(statements, equations=statements.initial), asked)
    state, slopes, left = np.zeros(len(asked)), np.zeros((1, len(asked))), np.zeros(1)
    for _ in range(_STEPS):
        point = np.concatenate([[statements.start], state])[None]
        left, slopes = original.values(point)[0], original.slopes(point)[0][:, 1:]
        change = np.linalg.lstsq(slopes, -left, rcond=_RANK)[0]
        state = state + change
        if not np.abs(change).max() > _CLOSE * np.abs(state).max():
            break
    size = np.abs(slopes).sum(axis=1) * max(np.abs(state).max(), 1e-300)
    if not (np.abs(left) <= 1e-8 * size + 1e-300).all():
        raise Unsuited("its initial conditions contradict each other")
    _, singular, directions = np.linalg.svd(slopes)
    rank = int((singular > _RANK * singular[0]).sum())
    free = np.abs(directions[rank:]).max(axis=0, initial=0.0) > 1e-8
    return Given({own: float(state[k]) for k, own in enumerate(asked) if not free[k]})
