"""Error against seconds beside scipy's Radau and LSODA, on stiff and chaotic problems in time alone.

python examples/benchmarks/ode_solvers.py                    # all problems, a few minutes on one core
python examples/benchmarks/ode_solvers.py lorenz hires       # some of them
python examples/benchmarks/ode_solvers.py --tols 1e-6 1e-10  # other tolerances

All solve the same equations in one run. The error is the largest over the fields of the relative L2 norms over times
at which the reference is known: those are spread evenly, or geometrically where the problem has early times of its own.
Tolerances mean something else to each solver: compare errors with seconds. Seconds of ours are those of all of
``solve``, with its error estimate.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_ivp

import gmnm_pde as g
from gmnm_pde import diff

torch.set_num_threads(1)


@dataclass(frozen=True)
class Case:
    """One problem, for both sides: the equation's residuals, and the right-hand side of y' = f(t, y).

    Attributes:
        equation: As ``Problem`` takes it, of t and the fields in order.
        right: As scipy takes it.
        start: Initial values by field.
        end: The final time; the initial one is 0.
        absolute: Tolerances that scipy needs beside the relative one, as parts of it.
        geometric: The first time of those that errors are measured at, where these are spread geometrically.
        reference: Scipy's method for the reference.
        digits: Its relative tolerance.
    """

    equation: Callable
    right: Callable
    start: dict[str, float]
    end: float
    absolute: tuple[float, ...] | float = 1e-3
    geometric: float | None = None
    reference: str = "Radau"
    digits: float = 1e-13

    @property
    def problem(self) -> g.Problem:
        given: dict[str, Any] = dict(self.start)
        return g.Problem(g.Time(t=(0, self.end)), self.equation, [g.Initial(**given)], fields=tuple(self.start))

    @property
    def times(self) -> np.ndarray:
        if self.geometric is None:
            return np.linspace(0, self.end, 301)[1:]
        return np.geomspace(self.geometric, self.end, 200)

    def by_scipy(self, method: str, tol: float) -> tuple[np.ndarray, float]:
        """The fields at the times, [fields, n], and the seconds that took."""
        began = time.perf_counter()
        absolute = tol * np.asarray(self.absolute)
        span, start = (0, self.end), list(self.start.values())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = solve_ivp(self.right, span, start, method=method, rtol=tol, atol=absolute, t_eval=self.times)
        values = found.y if found.y.shape[1] == len(self.times) else np.full((len(start), len(self.times)), np.nan)
        return values, time.perf_counter() - began


def _van_der_pol() -> Case:
    mu = 1000.0
    return Case(
        lambda u, v, t: (diff(u, t) - v, diff(v, t) - mu * (1 - u**2) * v + u),
        lambda t, y: [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]],
        {"u": 2.0, "v": 0.0},
        2000.0,
    )


def _robertson() -> Case:
    return Case(
        lambda a, b, c, t: (
            diff(a, t) + 0.04 * a - 1e4 * b * c,
            diff(b, t) - 0.04 * a + 1e4 * b * c + 3e7 * b**2,
            diff(c, t) - 3e7 * b**2,
        ),
        lambda t, y: [
            -0.04 * y[0] + 1e4 * y[1] * y[2],
            0.04 * y[0] - 1e4 * y[1] * y[2] - 3e7 * y[1] ** 2,
            3e7 * y[1] ** 2,
        ],
        {"a": 1.0, "b": 0.0, "c": 0.0},
        1e11,
        absolute=(1e-6, 1e-12, 1e-6),
        geometric=1e-2,
    )


def _lorenz() -> Case:
    return Case(
        lambda p, q, r, t: (diff(p, t) - 10 * (q - p), diff(q, t) - p * (28 - r) + q, diff(r, t) - p * q + 8 / 3 * r),
        lambda t, y: [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]],
        {"p": 1.0, "q": 1.0, "r": 1.0},
        10.0,
        reference="DOP853",
        digits=3e-14,
    )


def _hires() -> Case:
    rates = (
        (-1.71, 0.43, 8.32, 0, 0, 0, 0, 0),
        (1.71, -8.75, 0, 0, 0, 0, 0, 0),
        (0, 0, -10.03, 0.43, 0.035, 0, 0, 0),
        (0, 8.32, 1.71, -1.12, 0, 0, 0, 0),
        (0, 0, 0, 0, -1.745, 0.43, 0.43, 0),
        (0, 0, 0, 0.69, 1.71, -0.43, 0.69, 0),
        (0, 0, 0, 0, 0, 0, -1.81, 0),
        (0, 0, 0, 0, 0, 0, 1.81, 0),
    )
    bound = (0, 0, 0, 0, 0, -280.0, 280.0, -280.0)
    matrix, through = np.array(rates), np.array(bound)

    def equation(a, b, c, d, e, f, h, k, t):
        fields = (a, b, c, d, e, f, h, k)
        sums: list[Any] = [sum(rate * y for rate, y in zip(row, fields, strict=True) if rate) for row in rates]
        sums[0] = sums[0] + 0.0007
        return tuple(
            diff(y, t) - own - (part * f * k if part else 0.0) for y, own, part in zip(fields, sums, bound, strict=True)
        )

    def right(t, y):
        own = matrix @ y + through * y[5] * y[7]
        return own + np.array([0.0007, *[0.0] * 7])

    start = dict.fromkeys("abcdefhk", 0.0) | {"a": 1.0, "k": 0.0057}
    return Case(equation, right, start, 321.8122, absolute=1e-5, geometric=1.0)


CASES = {"van_der_pol": _van_der_pol, "robertson": _robertson, "lorenz": _lorenz, "hires": _hires}


def error(found: np.ndarray, right: np.ndarray) -> float:
    """The largest over the fields of the relative L2 norms."""
    return float((np.linalg.norm(found - right, axis=1) / np.linalg.norm(right, axis=1)).max())


def ours(case: Case, tol: float) -> tuple[np.ndarray, float, float]:
    """The fields at the times, the seconds, and the error estimate."""
    problem, began = case.problem, time.perf_counter()
    solution = g.solve(problem, tol=tol)
    seconds = time.perf_counter() - began
    values = solution(t=torch.tensor(case.times))
    return np.stack([values[name].numpy() for name in case.start]), seconds, solution.report.error_estimate


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=[], help=", ".join(CASES))
    parser.add_argument("--tols", nargs="*", type=float, default=[1e-6, 1e-8, 1e-10])
    chosen = parser.parse_args(arguments)
    for name in chosen.cases or CASES:
        case = CASES[name]()
        right, _ = case.by_scipy(case.reference, case.digits)
        ours(case, 1e-3)  # what is done once in a program
        print(f"{name}\n  {'solver':<10} {'tol':>7} {'error':>9} {'seconds':>9} {'estimate':>9}")
        for tol in chosen.tols:
            values, seconds, estimate = ours(case, tol)
            print(f"  {'gmnm_pde':<10} {tol:7.0e} {error(values, right):9.1e} {seconds:9.3f} {estimate:9.1e}")
            for method in ("Radau", "LSODA"):
                values, seconds = case.by_scipy(method, tol)
                print(f"  {method:<10} {tol:7.0e} {error(values, right):9.1e} {seconds:9.3f}", flush=True)


if __name__ == "__main__":
    main()
