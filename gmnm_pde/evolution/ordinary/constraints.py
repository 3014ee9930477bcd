"""What a state has to meet, at all times or at the beginning: the nearest one that does."""

import numpy as np

from gmnm_pde.evolution.ordinary.evaluation import evaluation_of
from gmnm_pde.evolution.reading.statements import Statements

_STEPS = 30

_CLOSE = 1e-14
"""A step of Newton's method below this part of the state is none."""

_RANK = 1e-11
"""Singular values below this part of the largest are zero."""


class Constraints:
    """Equations g(t, y) = 0 for a state.

    Args:
        statements: With the constraints as its equations.
        unknowns: What the state is made of, (field, order).
    """

    def __init__(self, statements: Statements, unknowns: list[tuple[int, int]]):
        asked = dict.fromkeys((field, alpha[0]) for term in statements.equations for field, alpha in term.trace.asked)
        self.asked = list(asked)
        self.evaluation, _ = evaluation_of(statements, self.asked)
        # what the functions ask for beside the constraints themselves does not matter: the last column, zero
        self._columns = np.array([unknowns.index(own) if own in unknowns else len(unknowns) for own in self.asked])

    def nearest(self, time: float, state: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The state that meets them with the least change; as near to that as Newton's method comes.

        Args:
            time: When.
            state: [m].
            weights: How much each number may change, beside others, [m].
        """
        state = np.append(state, 0.0)
        weights = np.append(weights, 0.0)[self._columns]
        for _ in range(_STEPS):
            point = np.concatenate([[time], state[self._columns]])[None]
            left, slopes = self.evaluation.values(point)[0], self.evaluation.slopes(point)[0][:, 1:]
            if not (np.isfinite(left).all() and np.isfinite(slopes).all()):
                break
            change = weights * np.linalg.lstsq(slopes * weights, -left, rcond=_RANK)[0]
            np.add.at(state, self._columns, change)
            if np.abs(change).max(initial=0.0) <= _CLOSE * np.abs(state).max():
                break
        return state[:-1]

    def determine(self, time: float, state: np.ndarray, wanted: np.ndarray) -> bool:
        """Whether they tell some numbers of a state, [m], from the others."""
        point = np.concatenate([[time], np.append(state, 0.0)[self._columns] + 0.3])[None]
        slopes = self.evaluation.slopes(point)[0][:, 1:]
        own = slopes[:, np.append(wanted, False)[self._columns]]
        return bool(np.linalg.matrix_rank(own) >= wanted.sum())

    def left(self, time: float, state: np.ndarray) -> np.ndarray:
        """What a state leaves of them, relative to the slopes, [rows]."""
        point = np.concatenate([[time], np.append(state, 0.0)[self._columns]])[None]
        slopes = np.abs(self.evaluation.slopes(point)[0][:, 1:]).sum(axis=1)
        return np.abs(self.evaluation.values(point)[0]) / np.maximum(slopes, 1e-300)
