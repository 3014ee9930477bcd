"""How does the time grow with the number of patches, at a fixed accuracy?

python examples/benchmarks/patch_scaling.py                # 2, 4 and 8 wavelengths across
python examples/benchmarks/patch_scaling.py --most 16      # and 16, about a minute on two cores

The Helmholtz equation of the registry, with one patch to a wavelength in each direction and 120 components in each,
an error near 1e-6. Each size is solved --rounds times; the least time counts. The exponent p of time ~ patches^p
is that of the whole range and of each step.
"""

import argparse
import math

import gmnm_pde as g

COMPONENTS, WIDTH = 120, 1.2


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=8, help="the most wavelengths across")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| wavelengths | patches | relative L2 | error estimate | seconds | exponent of the step |")
    print("| --- | --- | --- | --- | --- | --- |")
    known: list[tuple[int, float]] = []
    waves = 2
    while waves <= options.most:
        problem = g.registry.load("helmholtz", wavelengths=waves)
        mixture = g.Mixture(components=COMPONENTS, widths=WIDTH, patches=waves)
        reports = [g.solve(problem, mixture).report for _ in range(options.rounds)]
        seconds = min(report.seconds for report in reports)
        step = math.log(seconds / known[-1][1]) / math.log(4) if known else math.nan
        known.append((waves**2, seconds))
        shown = "" if math.isnan(step) else f"{step:.2f}"
        line = f"| {waves} | {waves**2} | {reports[0].relative_l2:.1e} | {reports[0].error_estimate:.1e} |"
        print(f"{line} {seconds:.2f} | {shown} |", flush=True)
        waves *= 2
    (few, first), (many, last) = known[0], known[-1]
    print(f"\ntime ~ patches^{math.log(last / first) / math.log(many / few):.2f} from {few} to {many} patches")


if __name__ == "__main__":
    main()
