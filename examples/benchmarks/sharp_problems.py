"""Shapes, sharp fronts, layers and long times: how many digits in how many seconds?

python examples/benchmarks/sharp_problems.py                   # all, about 10 minutes on two cores
python examples/benchmarks/sharp_problems.py --only burgers    # those whose name holds the word
python examples/benchmarks/sharp_problems.py --long            # the chaotic ones too, 10 minutes each

Every problem is solved by ``solve(problem, tol=...)`` with a time limit and nothing else chosen. The exact solution, or
the reference, judges; it is not used to solve. Where there is none, the answer is compared with a finer one.
"""

import argparse
from dataclasses import dataclass, field
from typing import Any

import torch

import gmnm_pde as g


@dataclass(frozen=True)
class Row:
    """A problem of the registry, how it is solved, and the relative L2 error that is hoped for."""

    name: str
    tol: float
    hoped: float
    parameters: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    limit: float = 120.0
    long: bool = False


ROWS = (
    Row("burgers", 1e-7, 1e-6),
    Row("convection", 1e-7, 1e-7),
    Row("allen_cahn", 1e-6, 1e-6),
    Row("sine_gordon", 1e-6, 1e-6),
    Row("kdv", 1e-6, 1e-6),
    Row("boundary_layer", 1e-6, 1e-6),
    Row("boundary_layer", 1e-6, 1e-6, {"dimension": 2}),
    Row("l_shape", 1e-4, 1e-4),
    Row("four_holes", 1e-7, 1e-7),
    Row("plate_with_hole", 1e-9, 1e-8),
    Row("four_balls", 1e-3, 1e-3),
    Row("kuramoto_sivashinsky", 1e-6, 1e-6, {"end": 0.4}, limit=600.0, long=True),
    Row("kuramoto_sivashinsky", 1e-3, 1e-3, {"end": 1.0}, limit=600.0, long=True),
)


def measure(row: Row) -> str:
    """One line of the table."""
    problem = g.registry.load(row.name, **row.parameters)
    if problem.exact is not None:  # references are computed at their first use, outside of the time
        problem.exact_columns([column[None] for column in problem.domain.interior.charts[0].embed(_middle(problem))[0]])
    solution = g.solve(problem, tol=row.tol, time_limit=row.limit, **row.options)
    report = solution.report
    errors = report.relative_l2
    shown = max(errors.values()) if isinstance(errors, dict) else errors
    what = row.name + "".join(f", {key} {value}" for key, value in row.parameters.items())
    error = "none known" if shown is None else f"{shown:.1e}"
    return (
        f"| {what} | {row.hoped:.0e} | {error} | {report.error_estimate:.1e} | {report.seconds:.0f} | "
        f"{report.components} | {report.reason} |"
    )


def _middle(problem: g.Problem) -> Any:
    return torch.full((1, problem.domain.interior.charts[0].dimension), 0.5, dtype=torch.float64)


def main() -> None:
    """Print the table as it comes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only problems whose name holds this")
    parser.add_argument("--long", action="store_true", help="the chaotic ones too")
    options = parser.parse_args()
    print("| problem | hoped for | relative L2 | error estimate | seconds | components | how it ended |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in ROWS:
        if options.only in row.name and (options.long or not row.long):
            print(measure(row), flush=True)


if __name__ == "__main__":
    main()
