"""How the error estimates of trained networks compare with their errors: ``python network_estimates.py [NAMES]``."""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from gmnm_pde import KAN, MLP, SIREN, ProximalGaussNewton, registry, solve

PROBLEMS = "poisson nonlinear_poisson heat advection wave klein_gordon fisher kovasznay helmholtz burgers".split()

MODELS: dict[str, Callable[[int, int], nn.Module]] = {
    "mlp": lambda d, fields: MLP([d, 16, 16, fields]),
    "sine": lambda d, fields: SIREN([d, 16, 16, fields]),
    "sequential": lambda d, fields: nn.Sequential(
        nn.Linear(d, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, fields)
    ),
    "kan": lambda d, fields: KAN([d, 6, fields], grid=4, order=5),
}


def main() -> None:
    """Train networks on each problem, for a few and for more steps, and print what came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=PROBLEMS)
    parser.add_argument("--models", nargs="*", default=["mlp"], choices=MODELS)
    parser.add_argument("--steps", nargs="*", type=int, default=(8, 30))
    parser.add_argument("--seeds", nargs="*", type=int, default=(0,))
    arguments = parser.parse_args()
    print(
        f"{'problem':<20} {'model':<10} {'steps':>5} {'seed':>4} {'error':>9} {'estimate':>9} {'ratio':>7} {'CPU s':>6}"
    )
    ratios = []
    for name in arguments.names:
        for kind in arguments.models:
            for steps in arguments.steps:
                for seed in arguments.seeds:
                    ratios.append(_measured(name, kind, steps, seed))
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    print(f"estimate over error of {len(ratios)}: {low:.2f} at least, {middle:.2f} in the middle, {high:.1f} at most")


def _measured(name: str, kind: str, steps: int, seed: int) -> float:
    """Train one network, print a line, and give the ratio of estimate and error."""
    problem = registry.load(name)
    torch.manual_seed(seed)
    network = MODELS[kind](problem.domain.dimension, len(problem.fields))
    started = time.process_time()
    method = ProximalGaussNewton(steps=steps)
    report = solve(problem, network, method, points={"interior": 300, "boundary": 100}, seed=seed).report
    error = max(report.relative_l2.values()) if isinstance(report.relative_l2, dict) else report.relative_l2
    assert error is not None
    ratio, seconds = report.error_estimate / error, time.process_time() - started
    figures = f"{error:9.1e} {report.error_estimate:9.1e} {ratio:7.2f} {seconds:6.1f}"
    print(f"{name:<20} {kind:<10} {steps:>5} {seed:>4} {figures}", flush=True)
    return ratio


if __name__ == "__main__":
    main()
