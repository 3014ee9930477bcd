"""Networks of several kinds, each trained from several seeds on one task."""

import argparse
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from . import report
from .loop import Curves, fit
from .options import settings
from .processes import Processes
from .tasks import Task


@dataclass(frozen=True)
class Trained:
    """What became of one kind of network.

    Attributes:
        network: The last one trained.
        runs: The curves of each seed.
    """

    network: nn.Module
    runs: list[Curves]

    @property
    def parameters(self) -> int:
        """The trained parameters of the network."""
        return sum(p.numel() for p in self.network.parameters() if p.requires_grad)

    def least(self, name: str) -> list[float]:
        """The least value over the epochs of each run."""
        return [min(curves[name]) for curves in self.runs]

    def last(self, name: str) -> list[float]:
        """The value at the end of each run."""
        return [curves[name][-1] for curves in self.runs]

    def median(self, name: str) -> list[float]:
        """The median over the epochs of each run."""
        return [statistics.median(curves[name]) for curves in self.runs]

    def row(self, variant: str, paper: int | None, measured: Mapping[str, list[float]]) -> report.Row:
        """A row of the table: the size beside the paper's, what was measured in each run, and the time of a step."""
        size = {"variant": variant, "parameters": self.parameters, "paper_parameters": paper}
        columns = {**measured, "ms_per_step": self.median("ms_per_step")}
        return size | {key: cell for name in columns for key, cell in report.spread(name, columns[name]).items()}


def train_each(
    builds: Mapping[str, Callable[[], nn.Module]],
    task: Task,
    options: argparse.Namespace,
    processes: Processes,
    *,
    title: str,
) -> dict[str, Trained]:
    """Train each network from each seed; with ``--out``, from its checkpoint where there is one.

    Args:
        builds: Makes a network, by name; called right after ``torch.manual_seed``.
        task: What all are trained for.
        options: The command line.
        processes: Which part of it this process does.
        title: Begins the names of checkpoints and lines of progress.
    """
    found = {}
    for name, build in builds.items():
        runs = []
        for seed in range(options.seed, options.seed + options.repeats):
            torch.manual_seed(seed)
            network = build()
            label = f"{title}-{name.replace(' ', '_')}-{seed}"
            file = options.out and options.out / "checkpoints" / f"{label}.pt"
            how, line = settings(options, processes, seed), report.told(label, options.epochs)
            runs.append(fit(network, task, how, processes, checkpoint=file, progress=line))
        found[name] = Trained(network, runs)
    return found


def losses(found: Mapping[str, Trained], part: str) -> dict[str, list[list[float]]]:
    """The losses of a part, ``train`` or ``test``: by name, [runs][epochs]."""
    return {name: [curves[f"{part}_loss"] for curves in one.runs] for name, one in found.items()}


def by_run(found: Mapping[str, Trained], first_seed: int) -> dict[str, Curves]:
    """The curves of every run, by name and seed."""
    return {f"{name}-{first_seed + k}": curves for name, one in found.items() for k, curves in enumerate(one.runs)}
