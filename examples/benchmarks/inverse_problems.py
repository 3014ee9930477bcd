"""How near do inverse problems come to the truth, and do they know it?

python examples/benchmarks/inverse_problems.py            # about three minutes on two cores
python examples/benchmarks/inverse_problems.py --quick    # a smoke run

First, how often the 95 % interval of a scalar found from noisy data holds the true value, over repeats with noise of
their own. Then PINNacle's two problems with an unknown field (corrected), noise 0.1: the relative L2 errors of both
fields, and the error that the noise sets, as the posterior tells it.
"""

import argparse

import gmnm_pde as g


def coverage(repeats: int) -> int:
    """How many of so many intervals hold the truth."""
    inside = 0
    for seed in range(repeats):
        posterior = g.solve(g.registry.load("inverse_heat", noise=0.05, seed=seed)).posterior
        assert posterior is not None
        low, high = posterior.interval("kappa")
        inside += low < 0.2 < high
    return inside


def main() -> None:
    """Print the count, then a line for each problem and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    repeats, seeds = (3, 1) if quick else (100, 3)
    print(f"95 % intervals that hold the truth: {coverage(repeats)} of {repeats}\n")
    print("| problem | seed | relative L2 of u | of a | a, as the posterior tells | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in ("poisson_inverse",) if quick else ("poisson_inverse", "heat_inverse"):
        for seed in range(seeds):
            report = g.solve(g.registry.load(name, noise=0.1, seed=seed), time_limit=120).report
            assert isinstance(report.relative_l2, dict)
            u, a = report.relative_l2["u"], report.relative_l2["a"]
            print(
                f"| {name} | {seed} | {u:.1e} | {a:.1e} | {report.estimates['a']:.1e} | {report.seconds:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
