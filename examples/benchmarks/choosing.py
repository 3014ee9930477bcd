"""What models, methods, strategies and tolerances give: the tables of docs/how_to_choose.md.

python examples/benchmarks/choosing.py
"""

import time

import torch

from gmnm_pde import Adam, GmnmError, Mixture, registry, solve

ROWS = {
    "tolerance": [
        ("`tol=1e-3`", "poisson", {}, {"tol": 1e-3}),
        ("`tol=1e-6`", "poisson", {}, {"tol": 1e-6}),
        ("`tol=1e-9`", "poisson", {}, {"tol": 1e-9}),
        ("left out", "poisson", {}, {}),
        ("left out, `dtype=torch.float32`", "poisson", {}, {"dtype": torch.float32}),
    ],
    "model and method": [
        ("left out", "poisson", {}, {}),
        ('`"rbf"`', "poisson", {}, {"model": "rbf"}),
        ('`"mlp"`, which Gauss-Newton trains', "poisson", {}, {"model": "mlp", "time_limit": 60}),
        ('`"kan"`, which Gauss-Newton trains', "poisson", {}, {"model": "kan", "time_limit": 60}),
        ('`"mlp"`, `Adam(5000)`', "poisson", {}, {"model": "mlp", "method": Adam(5000), "time_limit": 60}),
    ],
    "strategy": [
        ("heat in time", "heat", {}, {"tol": 1e-8}),
        ("the same, space and time at once", "heat", {}, {"tol": 1e-8, "method": "least-squares"}),
        ("a front in time", "burgers", {}, {"tol": 1e-6}),
        ("a layer of width 1e-3", "boundary_layer", {}, {"tol": 1e-6}),
        ("the same, one mixture", "boundary_layer", {}, {"tol": 1e-6, "model": Mixture(patches=1)}),
        ("two materials", "two_materials", {}, {"tol": 1e-4}),
        ("nonlinear, three fields", "kovasznay", {}, {"tol": 1e-6}),
        ("five dimensions", "poisson_nd", {}, {"tol": 1e-3}),
    ],
}
"""By what is chosen: what is written, the problem, its parameters, and the arguments of ``solve``."""


def main():
    """Solve and print a table for each choice."""
    for choice, rows in ROWS.items():
        print(f"\n| {choice} | error estimate | error | unknowns | seconds | method |")
        print("| --- | --- | --- | --- | --- | --- |")
        for written, name, parameters, arguments in rows:
            begun = time.process_time()
            try:
                report = solve(registry.load(name, **parameters), **arguments).report
            except GmnmError as error:
                print(f"| {written} | {error} |")
                continue
            seconds = time.process_time() - begun
            errors = report.relative_l2
            error = max(errors.values()) if isinstance(errors, dict) else errors
            method = report.method.partition(",")[0].partition(":")[0].partition("(")[0]
            print(
                f"| {written} | {report.error_estimate:.0e} | {error:.0e} | {report.unknowns} | {seconds:.1f} | "
                f"{method}, {report.status} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
