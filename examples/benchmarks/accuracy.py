"""The table of docs/accuracy.md: errors, estimates and seconds of every registry problem, over seeds.

python examples/benchmarks/accuracy.py                 # all parts, about four minutes on two cores
python examples/benchmarks/accuracy.py --part table    # or: components, tolerance
"""

import argparse
import json
import math

from gmnm_pde import Mixture, registry, solve

PROBLEMS = {
    "poisson": {},
    "wave": {},
    "kovasznay": {},
    "heat": {},
    "helmholtz": {},
    "advection": {},
    "nonlinear_poisson": {},
    "poisson 3-D": {"dimension": 3},
    "inverse_heat": {},
}


def load(label):
    """A problem by its label: the name, with the parameters of this table."""
    return registry.load(label.split()[0], **PROBLEMS[label])


def row_of(label, solution):
    """What one solve showed."""
    report = solution.report
    errors = report.relative_l2 if isinstance(report.relative_l2, dict) else {"u": report.relative_l2}
    error = max(errors.values())
    row = {
        "problem": label,
        "seed": report.seed,
        "relative_l2": error,
        "estimate": report.error_estimate,
        "estimate_over_error": report.error_estimate / error,
        "components": report.components,
        "seconds": report.seconds,
        "converged": report.converged,
    }
    if label == "inverse_heat":
        row["parameter_error"] = abs(report.found["kappa"] - 0.2) / 0.2
    return row


def table(seeds):
    """Every problem with the default settings."""
    return [row_of(label, solve(load(label), seed=seed)) for label in PROBLEMS for seed in range(seeds)]


def components(counts=(300, 600, 900, 1200)):
    """Poisson with fixed numbers of components."""
    return [row_of("poisson", solve(load("poisson"), Mixture(components=n), seed=0)) for n in counts]


def tolerance(tols=(1e-4, 1e-6, 1e-8, 1e-10)):
    """Three problems with tolerances asked for."""
    return [
        {"tol": tol, **row_of(label, solve(load(label), tol=tol, seed=0))}
        for label in ("poisson", "wave", "kovasznay")
        for tol in tols
    ]


def estimates(rows):
    """How good the estimates were."""
    ratios = sorted(row["estimate_over_error"] for row in rows)
    within = sum(ratio <= 1e3 for ratio in ratios) / len(ratios)
    return {
        "solves": len(ratios),
        "least estimate/error": ratios[0],
        "median": ratios[len(ratios) // 2],
        "greatest": ratios[-1],
        "part at most 1000": within,
        "part from 1 to 30": sum(1 <= ratio <= 30 for ratio in ratios) / len(ratios),
    }


def show(title, rows):
    """Print rows as a Markdown table."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    print(f"\n### {title}\n\n| {' | '.join(names)} |\n|{' --- |' * len(names)}")
    for row in rows:
        print(f"| {' | '.join(_text(row.get(name, '')) for name in names)} |")


def _text(value):
    if isinstance(value, float):
        return (
            f"{value:.1e}"
            if value and (abs(value) < 1e-2 or abs(value) >= 1e3) and math.isfinite(value)
            else f"{value:.2f}"
        )
    return str(value)


def main():
    """Run the parts asked for and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("table", "components", "tolerance"), help="only this part")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    parts = {}
    if options.part in (None, "table"):
        parts["Every problem, default settings"] = table(options.seeds)
        parts["Error estimates"] = [estimates(parts["Every problem, default settings"])]
    if options.part in (None, "components"):
        parts["Poisson, number of components"] = components()
    if options.part in (None, "tolerance"):
        parts["Tolerances"] = tolerance()
    if options.json:
        print(json.dumps(parts))
        return
    for title, rows in parts.items():
        show(title, rows)


if __name__ == "__main__":
    main()
