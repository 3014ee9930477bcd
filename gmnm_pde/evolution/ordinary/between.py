"""What the equations do between the stages of a step: states that a solution passes in a short time.

The polynomials of a step are known in all of it, so the equations can be evaluated along them at many places. What they
leave there is as smooth as the polynomials are; where it is not, there is something narrow in the state, such as a
reaction within half a kelvin, a window, or a peak of a table, that the stages do not see.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gmnm_pde.evolution.degree import degree
from gmnm_pde.evolution.ordinary.recording import Unrecorded
from gmnm_pde.evolution.ordinary.stages import Numbers
from gmnm_pde.evolution.ordinary.system import System

_EACH = 64
"""Places in a window of a step, spread unevenly."""

_WINDOWS = 1024
"""Windows in all the time; a step has its part of them, and one at least."""

_PLAIN = 4
"""Polynomials of the state up to this degree, with coefficients that may depend on time, have nothing narrow in them."""


@dataclass(frozen=True)
class Unexplained:
    """What is not smooth of what the equations leave in a step.

    Attributes:
        mean: Its mean over the step, [rows].
        windows: The same in each of some windows of equal length, [windows, rows].
    """

    mean: np.ndarray
    windows: np.ndarray


class Between:
    """The equations along the steps of a march.

    Args:
        system: The equations.
        method: Whose steps these are.
    """

    def __init__(self, system: System, method: Numbers):
        self.system, self.method = system, method
        self._span = system.statements.end - system.statements.start

    def unexplained(self, start: float, length: float, states: np.ndarray, inside: tuple[float, float]) -> Unexplained:
        """What of the residual a step's polynomials do not explain.

        Args:
            start: When the step begins.
            length: How long it is.
            states: At its beginning and its stages, [s + 1, m].
            inside: Between which times the equations are the same.
        """
        windows = 1 << max(0, int(np.ceil(np.log2(_WINDOWS * length / self._span))))
        parts, powers = _places(windows, self.method.stages)
        increments = states - states[0]
        coefficients = self.method.powers @ increments
        rates = coefficients[1:] * (np.arange(1, len(states)) / length)[:, None]
        times = np.clip(start + length * parts, *inside)
        left = self.system.residual(times, states[0] + powers @ coefficients, powers[:, :-1] @ rates)
        left = np.where(np.isfinite(left), left, 0.0)
        smooth, inverse = _smooth(windows, 2 * self.method.stages)
        apart = np.abs(left - smooth @ (inverse @ (smooth.T @ left))).reshape(windows, _EACH, -1).mean(axis=1)
        return Unexplained(apart.mean(axis=0), apart)


def looked_between(system: System, method: Numbers) -> Between | None:
    """A look between the stages of steps; None where the equations can have nothing narrow in the state."""
    try:
        graph, _ = system.original.recorded(1, slopes=False)
    except (Unrecorded, ArithmeticError, TypeError, AttributeError, IndexError, NotImplementedError):
        return Between(system, method)
    plain = degree(graph, [0, *[1] * system.original.numbers]) <= _PLAIN
    return None if plain else Between(system, method)


@lru_cache(maxsize=8)
def _places(windows: int, stages: int) -> tuple[np.ndarray, np.ndarray]:
    """Places in a step of some windows, as parts of it, ascending, and their powers."""
    count = windows * _EACH
    parts = (np.arange(count) + np.random.default_rng(11).random(count)) / count
    return parts, np.vander(parts, stages + 1, increasing=True)


@lru_cache(maxsize=8)
def _smooth(windows: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """So many polynomials at the places of a step, [places, count], and the inverse of their products."""
    parts, _ = _places(windows, 1)
    smooth = np.polynomial.legendre.legvander(2 * parts - 1, count - 1)
    return smooth, np.linalg.inv(smooth.T @ smooth)
