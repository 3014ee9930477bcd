"""Seconds until a network has so many digits, by seed: Poisson's equation and Burgers' equation.

    python examples/benchmarks/networks_to_digits.py mlp --seeds 0 1 2 3 4 --seconds 40

``mlp`` is a network 2, 30, 30, 1 on the paper's Poisson problem, ``sequential`` the same as torch.nn.Sequential,
``sine`` and ``tanh`` modules 2, 40, 1, and ``burgers`` a network of 941 parameters on Burgers' equation with nu = 0.01,
periodic in x; ``burgers_wide`` has 5,121 parameters and more points, and wants a GPU: ``--device cuda``, whose seconds
are those of the clock. Errors, which stop nothing, are looked at every few steps; that is counted.
"""

import argparse
import math
import time
import warnings
from itertools import pairwise

import torch
from torch import nn

from gmnm_pde import (
    MLP,
    Embedded,
    GmnmError,
    Initial,
    Interval,
    PeriodicEmbedding,
    Problem,
    ProximalGaussNewton,
    ResidualAdaptive,
    Time,
    diff,
    registry,
    solve,
)

NU = 0.01


class Sine(nn.Module):
    """Sines of its inputs."""

    def forward(self, x):
        return torch.sin(x)


def cole_hopf(x, t, nodes=3001):
    """Burgers' solution, by the formula of E. Hopf (1950) and J. Cole (1951)."""
    e = torch.linspace(-12, 12, nodes, dtype=x.dtype)
    y = x[:, None] - e * (4 * NU * t[:, None]).sqrt()
    w = torch.exp(-e * e - (torch.cos(math.pi * y) + 1) / (2 * math.pi * NU))
    return -(torch.sin(math.pi * y) * w).sum(1) / w.sum(1)


def burgers():
    return Problem(
        Interval(x=(-1, 1)) * Time(t=(0, 1)),
        lambda u, x, t: diff(u, t) + u * diff(u, x) - NU * diff(u, x, x),
        [Initial(u=lambda x: -torch.sin(math.pi * x))],
        exact=cole_hopf,
        name="burgers",
    )


def layers(*widths: int, activation: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    inner = [part for a, b in pairwise(widths[:-1]) for part in (nn.Linear(a, b), activation())]
    return nn.Sequential(*inner, nn.Linear(widths[-2], widths[-1]))


POISSON = {
    "problem": lambda: registry.load("poisson"),
    "options": {"points": {"interior": 400, "boundary": 80}, "weights": {"boundary": 100.0}},
}
CASES = {
    "mlp": {**POISSON, "model": lambda: MLP([2, 30, 30, 1])},
    "sequential": {**POISSON, "model": lambda: layers(2, 30, 30, 1)},
    "tanh": {**POISSON, "model": lambda: layers(2, 40, 1)},
    "sine": {**POISSON, "model": lambda: layers(2, 40, 1, activation=Sine)},
    "burgers": {
        "problem": burgers,
        "model": lambda: Embedded(PeriodicEmbedding(2, periods={0: 2.0}), MLP([3, 20, 20, 20, 1])),
        "options": {"points": ResidualAdaptive(3000, boundary=100, every=5), "weights": {"initial": 1000.0}},
    },
    "burgers_wide": {
        "problem": burgers,
        "model": lambda: Embedded(PeriodicEmbedding(2, periods={0: 2.0}), MLP([3, 40, 40, 40, 40, 1])),
        "options": {"points": ResidualAdaptive(12000, boundary=400, every=5), "weights": {"initial": 1000.0}},
    },
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("case", choices=CASES)
parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
parser.add_argument("--seconds", type=float, default=40.0, help="for each seed (40)")
parser.add_argument("--device", default="cpu")
options = parser.parse_args()
torch.set_num_threads(1)
clock = time.process_time if options.device == "cpu" else time.perf_counter
warnings.simplefilter("ignore")  # periodicity is in the network, not among the conditions


class Enough(Exception):
    """The seconds are over."""


for seed in options.seeds:
    case, rows, started = CASES[options.case], [], clock()
    torch.manual_seed(seed)
    model = case["model"]()

    def tell(news, rows=rows, started=started):
        if "relative_l2" in news.figures:
            rows.append((clock() - started, news.figures["relative_l2"], news.figures.get("step", 0)))
        if clock() - started > options.seconds:
            raise Enough

    try:
        solution = solve(
            case["problem"](),
            model,
            ProximalGaussNewton(1000),
            seed=seed,
            callback=tell,
            device=options.device,
            **case["options"],
        )
        ended = solution.report.reason
    except (Enough, GmnmError) as error:
        ended = str(error) or "stopped"
    firsts = [(k, next((row for row in rows if row[1] < 10.0**-k), None)) for k in range(3, 13)]
    found = ", ".join(f"1e-{k} {row[0]:.1f} ({row[2]:.0f})" for k, row in firsts if row)
    count = sum(p.numel() for p in model.parameters())
    best = min(row[1] for row in rows)
    print(f"{options.case} ({count} parameters) seed {seed}: {found}; best {best:.1e}; {ended}", flush=True)
