"""The one loop: epochs of steps of Adam, a test after each, and a checkpoint."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde import GmnmError

from . import checkpoints
from .processes import Processes
from .tasks import Task

Curves = dict[str, list[Any]]
"""By name, one entry for each epoch: ``train_loss``, ``test_loss`` and the like, numbers or lists [copies]; the
``seconds`` of its steps and ``ms_per_step``."""

Progress = Callable[[int, Curves], None]


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Attributes:
        epochs: Passes over the examples.
        lr: Adam's learning rate.
        schedule: ``constant``, or ``cosine`` to fall to zero at the end.
        seed: Of the order of the examples.
        precision: ``float32``, or ``bfloat16`` for mixed precision.
    """

    epochs: int
    lr: float = 1e-3
    schedule: str = "constant"
    seed: int = 0
    precision: str = "float32"


def fit(
    network: nn.Module,
    task: Task,
    settings: Settings,
    processes: Processes,
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Curves:
    """Train a network in place.

    Args:
        network: Any module; the same one, made by the same seed, in every process.
        task: What it is trained for.
        settings: How.
        processes: Which part of it this process does.
        checkpoint: A file written after each epoch; where it is there already, training goes on from it, to the same
            curves as without the stop.
        progress: Called after each epoch, in the first process.

    Returns:
        The measures: over the steps of each epoch as they were taken for training, after it for the test.

    Raises:
        GmnmError: a loss that is no number; a checkpoint of other settings.
    """
    device = processes.device
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    task = task.to(device)
    trained = processes.wrap(network)
    optimizer = torch.optim.Adam(network.parameters(), settings.lr)
    curves: Curves = {}
    made_by = {**task.about, **asdict(settings), "batch": task.batch, "processes": processes.count, "epochs": None}
    if settings.schedule != "constant":
        made_by["epochs"] = settings.epochs  # else a run may be made longer
    if checkpoint is not None and checkpoint.exists():
        curves = checkpoints.read(checkpoint, network, optimizer, made_by, device)
    for epoch in range(len(curves.get("seconds", ())), settings.epochs):
        found = _epoch(trained, task, settings, processes, optimizer, epoch)
        for name, value in found.items():
            curves.setdefault(name, []).append(value)
        if checkpoint is not None and processes.rank == 0:
            checkpoints.write(checkpoint, network, optimizer, made_by, curves)
        if progress is not None and processes.rank == 0:
            progress(epoch, curves)
    return {name: values[: settings.epochs] for name, values in curves.items()}


def _epoch(
    network: nn.Module, task: Task, settings: Settings, processes: Processes, optimizer: torch.optim.Adam, epoch: int
) -> dict[str, Any]:
    steps, began = task.steps(), _now(processes.device)
    network.train()
    sums = _Means()
    for step, numbers in enumerate(task.orders(settings.seed, epoch)):
        for group in optimizer.param_groups:
            group["lr"] = _rate(settings, (epoch + step / steps) / settings.epochs)
        numbers = processes.share(numbers)
        with torch.autocast(processes.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            measures = task.measures(network, task.train, numbers)
        optimizer.zero_grad()
        measures["loss"].sum().backward()
        optimizer.step()
        sums.add(measures, numbers.shape[-1])
    seconds = _now(processes.device) - began
    found = {f"train_{name}": value for name, value in sums.over(processes).items()}
    if not torch.tensor(found["train_loss"]).isfinite().all():
        raise GmnmError(f"epoch {epoch + 1}: expected a finite loss, got {found['train_loss']}. Try a smaller --lr.")
    found |= {f"test_{name}": value for name, value in _test(network, task, processes).items()}
    return found | {"seconds": seconds, "ms_per_step": 1e3 * seconds / steps}


def _rate(settings: Settings, through: float) -> float:
    """The learning rate at a point of the training from 0 to 1."""
    return settings.lr * (0.5 * (1 + math.cos(math.pi * through)) if settings.schedule == "cosine" else 1.0)


@torch.no_grad()
def _test(network: nn.Module, task: Task, processes: Processes) -> dict[str, Any]:
    network.eval()
    processes.agree(network)
    sums = _Means()
    alone = getattr(network, "module", network)  # nothing to exchange while testing
    for piece in task.pieces():
        own = piece[..., processes.rank :: processes.count]
        if own.numel():
            sums.add(task.measures(alone, task.test, own), own.shape[-1])
    return sums.over(processes)


class _Means:
    """Means of measures over batches of several sizes, kept on the device until they are asked for."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.count = 0

    def add(self, measures: dict[str, Tensor], count: int) -> None:
        for name, value in measures.items():
            part = count * value.detach().double()
            self.sums[name] = self.sums[name] + part if name in self.sums else part
        self.count += count

    def over(self, processes: Processes) -> dict[str, Any]:
        """By name, the means over all processes, as numbers or lists [copies]."""
        count = processes.total(torch.tensor(float(self.count), device=processes.device))
        return {name: (processes.total(value) / count).tolist() for name, value in self.sums.items()}


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
