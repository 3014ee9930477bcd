"""Every problem of the registry: how large is the error, and does the estimate know it?

python examples/benchmarks/zoo.py                    # a quarter of an hour on one core
python examples/benchmarks/zoo.py --time-limit 5     # fewer digits, sooner
python examples/benchmarks/zoo.py --only heat        # those whose name holds the word

Each is solved by ``solve(problem, time_limit=...)``, eigenvalue problems by ``eigenmodes``; with noise in its data
where it is an inverse problem of a field. An estimate counts as good within a factor of 30 of the error, and where both
are below 1e-12.
"""

import argparse
import math

import gmnm_pde as g
from gmnm_pde.sampling import sample

NOISY = {"poisson_inverse": {"noise": 0.1}, "heat_inverse": {"noise": 0.1}}
GOOD, ROUNDING = 30.0, 1e-12


def measure(name: str, limit: float) -> tuple[str, float]:
    """A line of the table, and by what factor the estimate is off; NaN where no error is known."""
    problem = g.registry.load(name, **NOISY.get(name, {}))
    if problem.spectrum is not None:
        spectrum = g.eigenmodes(problem, time_limit=limit)
        error = max(spectrum.errors or (math.nan,))
        pairs = zip(spectrum.estimates, spectrum.values, strict=True)
        estimate = max(one / (abs(value) if abs(value) > 1e-6 else 1.0) for one, value in pairs)  # of 0 absolute
        seconds, reason = spectrum.seconds, spectrum.reason
    else:
        if problem.exact is not None:  # references are computed at their first use, outside of the time
            problem.exact_columns(sample(problem.domain.interior, 2).points.unbind(1))
        report = g.solve(problem, time_limit=limit).report
        errors = report.relative_l2
        error = math.nan if errors is None else max(errors.values()) if isinstance(errors, dict) else errors
        estimate, seconds, reason = report.error_estimate, report.seconds, report.reason
    both_rounding = max(error, estimate) < ROUNDING
    factor = 1.0 if both_rounding else max(error, estimate) / max(min(error, estimate), 1e-300)
    shown = "-" if math.isnan(error) else f"{error:.1e}"
    off = "-" if math.isnan(error) else "rounding" if both_rounding else f"{estimate / error:.2g}"
    short = reason if len(reason) < 90 else reason[:87] + "..."
    return f"| {name} | {shown} | {estimate:.1e} | {off} | {seconds:.0f} | {short} |", factor


def main() -> None:
    """Print the table as it comes, and the count of good estimates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time-limit", type=float, default=20.0, help="seconds for each problem")
    parser.add_argument("--only", default="", help="only problems whose name holds this")
    options = parser.parse_args()
    print("| problem | relative L2 | estimate | estimate over error | seconds | how it ended |")
    print("| --- | --- | --- | --- | --- | --- |")
    factors = []
    for name in g.registry.names():
        if options.only in name:
            line, factor = measure(name, options.time_limit)
            print(line, flush=True)
            factors += [] if math.isnan(factor) else [factor]
    print(f"\nestimates within a factor of {GOOD:g}: {sum(one <= GOOD for one in factors)} of {len(factors)}")


if __name__ == "__main__":
    main()
