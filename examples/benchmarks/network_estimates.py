"""How the error estimates of trained networks compare with their errors: ``python network_estimates.py [NAMES]``."""

import argparse
import time

import torch

from gmnm_pde import MLP, ProximalGaussNewton, registry, solve

PROBLEMS = ("poisson", "nonlinear_poisson", "heat", "advection", "wave", "klein_gordon", "fisher", "kovasznay")


def main() -> None:
    """Train one network on each problem, for a few and for more steps, and print what came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=PROBLEMS)
    parser.add_argument("--steps", nargs="*", type=int, default=(8, 30))
    arguments = parser.parse_args()
    print(f"{'problem':<20} {'steps':>5} {'error':>9} {'estimate':>9} {'ratio':>7} {'CPU s':>6}")
    for name in arguments.names:
        problem = registry.load(name)
        for steps in arguments.steps:
            torch.manual_seed(0)
            network = MLP([problem.domain.dimension, 16, 16, len(problem.fields)])
            started = time.process_time()
            method = ProximalGaussNewton(steps=steps)
            report = solve(problem, network, method, points={"interior": 300, "boundary": 100}).report
            error = max(report.relative_l2.values()) if isinstance(report.relative_l2, dict) else report.relative_l2
            assert error is not None
            ratio, seconds = report.error_estimate / error, time.process_time() - started
            print(
                f"{name:<20} {steps:>5} {error:9.1e} {report.error_estimate:9.1e} {ratio:7.1f} {seconds:6.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
