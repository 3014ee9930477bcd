"""How long until a trained network is right to so many digits? Gauss-Newton on MLPs and a KAN, on one thread.

python examples/benchmarks/time_to_digits.py                    # all parts, about twenty minutes
python examples/benchmarks/time_to_digits.py --part poisson     # or: dimensions, kan
python examples/benchmarks/time_to_digits.py --time-limit 5     # each training stopped after five seconds

Seconds are those of ``solution.history``: they start with the call of ``solve``, so importing is not in them, and hold
the history itself, each row of which is judged on thousands of points. Rows lie up to a tenth of the steps apart; the
first one below an error counts. The time limit of a part is for each training.
"""

import argparse
import dataclasses
import json
import math
import statistics
from typing import Any

import torch

from gmnm_pde import KAN, MLP, Box, Dirichlet, GaussNewton, LeastSquares, Problem, Solution, laplacian, registry, solve
from gmnm_pde.models import Normalized
from gmnm_pde.sampling import sample

DIGITS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
NETWORKS = {"MLP [2, 30, 30, 1]": [2, 30, 30, 1], "MLP [2, 50, 50, 50, 1]": [2, 50, 50, 50, 1]}
LIMITS = {"poisson": 60.0, "dimensions": 300.0, "kan": 60.0}
WEIGHTS = {"boundary": 100.0}

Row = dict[str, Any]


def first_below(solution: Solution, error: float) -> float:
    """Seconds until the relative L2 error was below ``error`` for the first time; infinite if it never was."""
    history = solution.history
    pairs = zip(history["seconds"], history["relative_l2"], strict=True)
    return next((seconds for seconds, found in pairs if found < error), math.inf)


def error_at(solution: Solution, seconds: float) -> float | None:
    """The relative L2 error in the last row of the history up to ``seconds``."""
    pairs = list(zip(solution.history["seconds"], solution.history["relative_l2"], strict=True))
    return next((error for when, error in reversed(pairs) if when <= seconds), None)


def poisson(seeds: int, limit: float) -> list[Row]:
    """Seconds to digits on the paper's Poisson problem, and errors at the end: least, median and most of the seeds."""
    rows: list[Row] = []
    for name, widths in NETWORKS.items():
        runs = []
        for seed in range(seeds):
            torch.manual_seed(seed)
            runs.append(
                solve(
                    registry.load("poisson"),
                    MLP(widths),
                    GaussNewton(steps=2000),
                    points={"interior": 400, "boundary": 80},
                    weights=WEIGHTS,
                    seed=seed,
                    time_limit=limit,
                )
            )
        for error in DIGITS:
            found = [first_below(run, error) for run in runs]
            there = [seconds for seconds in found if math.isfinite(seconds)]
            median = statistics.median(found)
            rows.append(
                {
                    "model": name,
                    "parameters": runs[0].report.parameters,
                    "relative L2 below": error,
                    "seeds": f"{len(there)} of {seeds}",
                    "least": min(there, default=None),
                    "median": median if math.isfinite(median) else None,
                    "most": max(found) if len(there) == seeds else None,
                }
            )
        ends = sorted(run.history["relative_l2"][-1] for run in runs)
        steps = sorted(int(run.history["step"][-1]) for run in runs)
        rows.append(
            {
                "model": name,
                "parameters": runs[0].report.parameters,
                "relative L2 below": f"at the end, {steps[0]} to {steps[-1]} steps",
                "seeds": f"{seeds}",
                "least": ends[0],
                "median": statistics.median(ends),
                "most": ends[-1],
            }
        )
    return rows


def in_five_dimensions() -> Problem:
    """Poisson's equation on the unit cube of R^5, with u = sum_i cos(pi x_i) on its boundary."""

    def waves(x1, x2, x3, x4, x5):
        return sum(torch.cos(torch.pi * x) for x in (x1, x2, x3, x4, x5))

    def equation(u, x1, x2, x3, x4, x5):
        return laplacian(u) + torch.pi**2 * waves(x1, x2, x3, x4, x5)

    return Problem(
        domain=Box(**{f"x{k}": (0.0, 1.0) for k in range(1, 6)}),
        equations=equation,
        conditions=[Dirichlet(u=waves)],
        exact=waves,
        name="poisson 5-D",
    )


def dimensions(limit: float) -> list[Row]:
    """The error after a fifth, two fifths and all of the time."""
    torch.manual_seed(0)
    model, method = MLP([5, 30, 30, 1]), GaussNewton(steps=100_000)
    points = {"interior": 1500, "boundary": 750}
    solution = solve(in_five_dimensions(), model, method, points=points, weights=WEIGHTS, time_limit=limit)
    report = solution.report
    errors = {seconds: error_at(solution, seconds) for seconds in (limit / 5, 2 * limit / 5, report.seconds)}
    name, parameters = "MLP [5, 30, 30, 1]", report.parameters
    return [
        {"model": name, "parameters": parameters, "seconds": seconds, "relative L2": error}
        for seconds, error in errors.items()
    ]


def kan(limit: float) -> list[Row]:
    """A coarse KAN of high order trained, and the same function on a finer grid, where only rounding may change it."""
    problem = registry.load("poisson")
    torch.manual_seed(0)
    coarse = KAN([2, 10, 10, 1], grid=3, order=7)
    points = {"interior": 900, "boundary": 160}
    method = GaussNewton(steps=100_000)
    trained = solve(problem, coarse, method, points=points, weights=WEIGHTS, time_limit=limit)
    fine = trained.model.inner.extended(72)
    extended = dataclasses.replace(trained, model=Normalized(fine, problem.domain.bounds).double())
    solved = solve(problem, fine, LeastSquares())
    stages = {
        "grid 3, trained": (trained, trained.report.seconds),
        "extended to grid 72": (extended, 0.0),
        "its last layer solved for": (solved, solved.report.seconds),
    }
    return [_judged(stage, solution, seconds) for stage, (solution, seconds) in stages.items()]


def _judged(stage: str, solution: Solution, seconds: float) -> Row:
    """Error and residual of a solution at points that nothing else uses."""
    problem = solution.problem
    assert problem is not None and problem.exact is not None
    points = sample(problem.domain.interior, 4000, "sobol", seed=1).points
    exact = torch.sin(torch.pi * points).prod(dim=1)
    found = solution(*points.unbind(-1))
    (residual,) = solution.residuals(points).values()
    return {
        "KAN [2, 10, 10, 1], order 7": stage,
        "parameters": sum(p.numel() for p in solution.model.parameters()),
        "relative L2": ((found - exact).norm() / exact.norm()).item(),
        "residual": residual.square().mean().sqrt().item(),
        "seconds": seconds,
    }


def show(title: str, rows: list[Row]) -> None:
    """Print rows as a Markdown table."""
    names = list(rows[0])
    print(f"\n### {title}\n\n| {' | '.join(names)} |\n|{' --- |' * len(names)}")
    for row in rows:
        print(f"| {' | '.join(_text(value) for value in row.values())} |")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.1e}" if value and abs(value) < 1e-1 else f"{value:.1f}"
    return str(value)


def main() -> None:
    """Run the parts asked for and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=tuple(LIMITS), help="only this part")
    parser.add_argument("--seeds", type=int, default=5, help="of the part poisson (5)")
    parser.add_argument("--time-limit", type=float, metavar="S", help="seconds for each training (60; dimensions: 300)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts: dict[str, list[Row]] = {}
    for part in (options.part,) if options.part else LIMITS:
        limit = options.time_limit or LIMITS[part]
        if part == "poisson":
            parts[part] = poisson(options.seeds, limit)
        else:
            parts[part] = dimensions(limit) if part == "dimensions" else kan(limit)
    if options.json:
        print(json.dumps(parts))
        return
    for title, rows in parts.items():
        show(title, rows)


if __name__ == "__main__":
    main()
