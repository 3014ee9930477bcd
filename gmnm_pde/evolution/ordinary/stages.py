"""One step of a Radau method for F(t, y, y') = 0: the stages' equations, solved by simplified Newton steps.

The same as in space and time (``evolution/stages.py``), for states of so few numbers that what surrounds the arithmetic
is what costs: arrays of numpy, and the inverses of the decoupled matrices.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from gmnm_pde.evolution.ordinary.system import System
from gmnm_pde.models.modes import radau

NOISE = 1e-15
"""Rounding of a term, relative to it."""

_MOST = 10
"""Newton steps before a smaller step in time is tried."""

_ROUNDINGS = 4.0
"""Steps of Newton's method below so many times the rounding are none."""

_KNOWN = 0.03
"""By how much Newton's first step shrinks what is left, at most, before that was seen."""

_WEIGHED = 2
"""In the first steps the size of the unknowns is still learnt."""

_SLOW = 0.9
"""Newton steps that shrink by no more than this factor do not converge."""


@dataclass(frozen=True)
class Numbers:
    """Those of a method with s stages, as ``Radau`` has them, for arrays.

    Attributes:
        stages: s.
        nodes: Where the stages are, in parts of the step.
        inverse: A^-1.
        shifts: The eigenvalues that decouple it, one of each complex pair, the real one first.
        modes: Their eigenvectors, [s, (s + 1) / 2], twice those of pairs.
        dual: The rows that belong to them.
        weights: Of the increments in the embedded error estimate.
        powers: From values at 0 and the nodes to the coefficients of the powers of the part of the step.
        tails: From the same to the last four coefficients in Legendre's polynomials.
        norm: Of A^-1.
    """

    stages: int
    nodes: np.ndarray
    inverse: np.ndarray
    shifts: np.ndarray
    modes: np.ndarray
    dual: np.ndarray
    weights: np.ndarray
    powers: np.ndarray
    tails: np.ndarray
    norm: float

    def between(self, states: np.ndarray) -> np.ndarray:
        """The error of the polynomials through states [s + 1, m] between the stages, [m], as coefficients fall."""
        last = np.abs(self.tails @ states)
        before, after = np.maximum(last[0], last[1]), np.maximum(last[2], last[3])
        return after * np.sqrt(np.minimum(1.0, after / np.maximum(before, 1e-300)))

    def at(self, states: np.ndarray, parts: np.ndarray) -> np.ndarray:
        """The polynomials through states [s + 1, m] at some parts of the step, [n, m]."""
        return np.vander(parts, self.stages + 1, increasing=True) @ (self.powers @ states)

    def slopes_at(self, states: np.ndarray, parts: np.ndarray) -> np.ndarray:
        """Their derivatives by the part of the step."""
        coefficients = (self.powers @ states)[1:] * np.arange(1, self.stages + 1)[:, None]
        return np.vander(parts, self.stages, increasing=True) @ coefficients


@cache
def numbers(stages: int) -> Numbers:
    """The method with so many stages."""
    own = radau(stages)
    names = ("nodes", "inverse", "shifts", "modes", "dual", "weights")
    nodes, inverse, shifts, modes, dual, weights = (getattr(own, name).numpy() for name in names)
    twice = modes * np.where(np.arange(len(shifts)) == 0, 1.0, 2.0)
    norm = float(np.abs(inverse).sum(axis=1).max())
    at = np.concatenate([[0.0], nodes])
    powers = np.linalg.inv(np.vander(at, stages + 1, increasing=True))
    tails = np.linalg.inv(np.polynomial.legendre.legvander(2 * at - 1, stages))[-4:]
    return Numbers(stages, nodes, inverse, shifts, twice, dual, weights, powers, tails, norm)


class Linearization:
    """The slopes of F at one state, and the inverses for the last length of a step."""

    def __init__(self, system: System, method: Numbers, time: float, state: np.ndarray, slope: np.ndarray):
        self.by_state, self.by_slope, self.by_time = system.slopes(time, state, slope)
        self.finite = math.isfinite(self.by_state.sum() + self.by_slope.sum())
        self.method, self._length = method, 0.0
        self._sizes = np.abs(self.by_state), np.abs(self.by_slope)
        self.inverses = self.real = self._effect = np.empty(0)

    def for_length(self, length: float) -> bool:
        """Make the inverses for steps of some length; False where there are none."""
        if length == self._length:
            return True
        if not self.finite:
            return False
        rates = self.method.shifts[:, None, None] / length
        try:
            self.inverses = np.linalg.inv(self.by_state + rates * self.by_slope)
        except np.linalg.LinAlgError:
            return False
        self._length = length
        self.real = np.ascontiguousarray(self.inverses[0].real)
        self._effect = NOISE * np.abs(self.real)
        return math.isfinite(self._effect.sum())

    def step(self, left: np.ndarray) -> np.ndarray:
        """By how much Newton's method lowers increments for what the equations leave at the stages, [s, m] each."""
        return np.real(self.method.modes @ self.turned(left))

    def turned(self, left: np.ndarray) -> np.ndarray:
        """What the decoupled systems make of what the equations leave at the stages, [s, m]: [(s + 1) / 2, m]."""
        return (self.inverses @ (self.method.dual @ left)[:, :, None])[:, :, 0]

    def corrected(self, left: np.ndarray) -> np.ndarray:
        """What the real one makes of what the equations leave, [m]."""
        return self.real @ left

    def effect(self, sizes: np.ndarray) -> np.ndarray:
        """How much that may be for sizes of what the equations leave, [rows]: [m]."""
        return np.abs(self.real[:, : len(sizes)]) @ sizes

    def rounding(self, states: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """What rounding in the equations' terms makes of the unknowns at most, [m], for sizes of unknowns and slopes.

        Slopes are differences of increments, whose rounding is larger by the norm of A^-1.
        """
        terms = self._sizes[0] @ states + self.method.norm * (self._sizes[1] @ slopes)
        return self._effect @ terms + NOISE * states


@dataclass(frozen=True)
class Solved:
    """The increments of the stages [s, m], None if Newton's method failed; by which factor its last steps shrank, how
    many there were, and whether it met what is not finite.
    """  # noqa: D205

    increments: np.ndarray | None
    rate: float
    iterations: int
    finite: bool = True


def solve_stages(
    system: System,
    linearization: Linearization,
    times: np.ndarray,
    length: float,
    state: np.ndarray,
    guess: np.ndarray,
    weigh: Callable[[np.ndarray, np.ndarray], np.ndarray],
    enough: float,
) -> Solved:
    """The increments of the stages.

    Args:
        system: The equations.
        linearization: Their slopes nearby, with the inverses for this length.
        times: At which the equations are evaluated, its beginning and the stages, [s + 1].
        length: How long it is.
        state: At its beginning, [m].
        guess: Of the increments, [s, m].
        weigh: Gives what changes of unknowns are multiplied by, [m], for the sizes of unknowns at the stages and what
            rounding makes of them: 1 is the error that a step may make.
        enough: Newton's method ends when what is left is below this.
    """
    method, increments = linearization.method, guess
    inverse = method.inverse / length
    weights, noise, floor, last, rate = state, 0.0, 0.0, None, _KNOWN
    for number in range(1, _MOST + 1):
        states, slopes = state + increments, inverse @ increments
        left = system.residual(times[1:], states, slopes)
        change = linearization.step(left)
        if number <= _WEIGHED:
            sizes = np.abs(states - change).max(axis=0)
            rounding = linearization.rounding(sizes, np.abs(slopes).max(axis=0))
            weights = weigh(sizes, rounding)
            noise = _ROUNDINGS * float((rounding * weights).max())
            floor = max(noise / method.norm, 0.1 * enough)
        norm = float(np.abs(change * weights).max())
        if not math.isfinite(norm):
            return Solved(None, math.inf, number, finite=False)
        if last is not None:
            rate = norm / last
            slower = min(rate, 1.0)  # of those that grow nothing is expected, and powers would overflow
            expected = slower ** (_MOST - number) / (1 - min(rate, _SLOW)) * norm
            surely = number > 2 or rate > 2  # at first one unknown may still follow another
            if surely and norm > noise and (rate > _SLOW or expected > max(enough, noise)):
                return Solved(None, rate, number)
            if rate > _SLOW and norm <= noise:
                return Solved(increments - change if rate < 1 else increments, _SLOW, number)
        increments = increments - change
        if norm <= floor or min(rate, _SLOW) / (1 - min(rate, _SLOW)) * norm < enough:
            return Solved(increments, rate, number)
        last = norm
    return Solved(None, rate, _MOST)


def embedded_error(
    system: System,
    linearization: Linearization,
    times: np.ndarray,
    length: float,
    state: np.ndarray,
    increments: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """The embedded estimate of the error of a step, [m]."""
    slope = (linearization.method.weights @ increments) / -length
    at, moved = times[:1], state[None]
    error = -linearization.corrected(system.residual(at, moved, slope[None])[0])
    if not np.abs(error * weights).max() < 1:  # once more, as stiff parts ask
        error = -linearization.corrected(system.residual(at, moved + error, slope[None])[0])
    return error
