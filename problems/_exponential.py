"""Exponential Runge-Kutta steps of order four, for references of stiff equations."""

from collections.abc import Callable, Iterator

import numpy as np


def etdrk4(
    start: np.ndarray, linear: np.ndarray, nonlinear: Callable[[np.ndarray], np.ndarray], step: float, count: int
) -> Iterator[np.ndarray]:
    """The state after each step of w' = linear w + nonlinear(w), ``linear`` diagonal; the start first.

    Source: A.-K. Kassam and L. N. Trefethen, SIAM Journal on Scientific Computing 26 (2005).
    """
    whole, half = np.exp(step * linear), np.exp(step * linear / 2)
    first, weight_1, weight_2, weight_3 = np.zeros((4, *linear.shape))
    # The coefficients' formulas cancel near 0; as means over a circle around each value they do not.
    for turn in np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32):
        z = step * linear + turn
        first += (step / 32) * ((np.exp(z / 2) - 1) / z).real
        weight_1 += (step / 32) * ((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3).real
        weight_2 += (step / 32) * ((2 + z + np.exp(z) * (z - 2)) / z**3).real
        weight_3 += (step / 32) * ((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3).real
    w = start
    yield w
    for _ in range(count):
        at_w, halfway = nonlinear(w), half * w
        a = halfway + first * at_w
        at_a = nonlinear(a)
        at_b = nonlinear(halfway + first * at_a)
        at_c = nonlinear(half * a + first * (2 * at_b - at_w))
        w = whole * w + weight_1 * at_w + 2 * weight_2 * (at_a + at_b) + weight_3 * at_c
        yield w
