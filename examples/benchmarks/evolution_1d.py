"""One dimension of space in time: error against seconds, with nothing chosen but the tolerance.

python examples/benchmarks/evolution_1d.py                # all of the table, two minutes on two cores
python examples/benchmarks/evolution_1d.py burgers front  # some

Errors are relative L2 norms over space and time, against the exact solution.
"""

import argparse
import math
import time
from collections.abc import Callable
from functools import partial

import torch
from scipy.optimize import brentq

import gmnm_pde as g
from gmnm_pde import Dirichlet, Initial, Problem, diff, registry

LINE = g.Interval(x=(0, 1)) * g.Time(t=(0, 1))


def front() -> Problem:
    """A front that travels: Burgers' equation with nu = 0.003."""
    nu = 0.003

    def exact(x, t):
        return (1 - torch.tanh((x - 0.2 - t / 2) / (4 * nu))) / 2

    return Problem(
        LINE,
        lambda u, x, t: diff(u, t) + u * diff(u, x) - nu * diff(u, x, x),
        [Dirichlet(u=exact), Initial(u=lambda x: exact(x, 0 * x))],
        exact=exact,
        name="front",
    )


def moving_source() -> Problem:
    """Heat from a source of width 0.02 that moves."""

    def exact(x, t):
        return torch.exp(-(((x - 0.3 - 0.4 * t) / 0.02) ** 2)) * x * (1 - x) * 4

    def source(x, t):
        return diff(exact(x, t), t) - 0.01 * diff(exact(x, t), x, x)

    return Problem(
        LINE,
        lambda u, x, t: diff(u, t) - 0.01 * diff(u, x, x) - source(x, t),
        [Dirichlet(u=0), Initial(u=lambda x: exact(x, 0 * x))],
        exact=exact,
        name="moving source",
    )


def quenched() -> Problem:
    """A body of temperature 1 between walls at 0: the initial value meets no condition."""

    def exact(x, t):
        k = math.pi * torch.arange(1, 400, 2, dtype=torch.float64)
        return (4 / k * torch.sin(k * x[..., None]) * torch.exp(-(k**2) * t[..., None])).sum(dim=-1)

    return Problem(
        LINE,
        lambda u, x, t: diff(u, t) - diff(u, x, x),
        [Dirichlet(u=0), Initial(u=1)],
        exact=exact,
        name="quenched",
    )


def wall() -> Problem:
    """Plastic on copper in SI units, 10 mm thick, between walls at 293.15 K: what is slowest dies out in a minute."""
    low, high = (0.2, 1.5e6, 0.004), (400.0, 3.4e6, 0.006)  # conductivity, heat capacity, thickness

    def mismatch(decay: float) -> float:
        (k, c, a), (m, d, b) = low, high
        p, q = math.sqrt(decay * c / k), math.sqrt(decay * d / m)
        return k * p * math.cos(p * a) * math.sin(q * b) + m * q * math.cos(q * b) * math.sin(p * a)

    decay = float(brentq(mismatch, 0.06, 0.1))  # type: ignore[arg-type]
    p, q = (math.sqrt(decay * c / k) for k, c, _ in (low, high))
    ratio = math.sin(p * low[2]) / math.sin(q * high[2])

    def exact(x, t):
        shape = torch.where(x < low[2], torch.sin(p * x), ratio * torch.sin(q * (0.01 - x)))
        return 293.15 + 50 * shape * torch.exp(-decay * t)

    plate = g.Interval(x=(0, 0.01)).split(at=low[2], names=("plastic", "copper")) * g.Time(t=(0, 60))
    return Problem(
        plate,
        lambda T, x, t, k, c: c * diff(T, t) - g.div(k * g.grad(T)),
        [Dirichlet(T=293.15), Initial(T=lambda x: exact(x, 0 * x))],
        coefficients={"k": {"plastic": low[0], "copper": high[0]}, "c": {"plastic": low[1], "copper": high[1]}},
        exact=exact,
        name="wall of two layers",
    )


def block() -> Problem:
    """Heat that is 1 on a part of the line at first and 0 beside it."""

    def exact(x, t):
        k = math.pi * torch.arange(1, 400, dtype=torch.float64)
        sines = 2 / k * (torch.cos(0.3 * k) - torch.cos(0.7 * k))
        return (sines * torch.sin(k * x[..., None]) * torch.exp(-(k**2) * t[..., None])).sum(dim=-1)

    return Problem(
        LINE,
        lambda u, x, t: diff(u, t) - diff(u, x, x),
        [Dirichlet(u=0), Initial(u=lambda x: torch.where((x - 0.5).abs() < 0.2, 1.0, 0.0))],
        exact=exact,
        name="block",
    )


CASES: dict[str, tuple[Callable[[], Problem], float]] = {
    **{
        name: (partial(registry.load, name), 1e-8)
        for name in ("burgers", "kdv", "allen_cahn", "sine_gordon", "fisher", "schrodinger", "klein_gordon", "wave")
    },
    **{name: (partial(registry.load, name), 1e-8) for name in ("heat", "convection", "fokker_planck", "black_scholes")},
    "kuramoto_sivashinsky": (partial(registry.load, "kuramoto_sivashinsky"), 1e-7),
    "front": (front, 1e-6),
    "moving_source": (moving_source, 1e-6),
    "quenched": (quenched, 1e-6),
    "block": (block, 1e-6),
    "wall": (wall, 1e-8),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)}")
    print("| problem | tol | relative L2 | error estimate | seconds |\n| --- | --- | --- | --- | --- |")
    for name in parser.parse_args().names:
        make, tol = CASES[name]
        problem = make()
        started = time.perf_counter()
        report = g.solve(problem, tol=tol).report
        seconds = time.perf_counter() - started
        error = report.relative_l2
        worst = max(error.values()) if isinstance(error, dict) else error or math.nan
        mark = "" if report.converged else " (not converged)"
        print(f"| {name} | {tol:.0e} | {worst:.1e} | {report.error_estimate:.1e}{mark} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
