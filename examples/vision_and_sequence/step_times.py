"""What a Gaussian mixture adds to the time of a training step: each network with it and without it, in turns.

python examples/vision_and_sequence/step_times.py
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from models import autoencoder, cnn
from models.heads import Head
from training import options as command
from training import report
from training.processes import Processes

MNIST, CIFAR = (1, 28, 28), (3, 32, 32)

Image = tuple[int, int, int]
Pair = tuple[Image, Callable[[], nn.Module], Callable[[], nn.Module]]
"""Shape of an image, the network without the mixture, and the same network with it."""


def classification(image: Image, classes: int) -> Pair:
    """The CNN with a linear head, and with a mixture in its place."""
    without, mixture = (lambda kind=kind: cnn.sized(image, classes, Head(kind)) for kind in ("linear", "gmnm"))
    return image, without, mixture


PAIRS: dict[str, Pair] = {
    "classification, 28 x 28": classification(MNIST, 10),
    "classification, 32 x 32": classification(CIFAR, 10),
    "classification, 32 x 32, 100 classes": classification(CIFAR, 100),
    "autoencoder, 32 x 32": (
        CIFAR,
        lambda: autoencoder.sized(CIFAR, factors=None),
        lambda: autoencoder.sized(CIFAR, factors=autoencoder.MIXTURE),
    ),
}


class Stepper:
    """One network with its optimiser and a batch of noise; a call is a step and gives its milliseconds."""

    def __init__(self, network: nn.Module, image: Sequence[int], batch: int, device: torch.device):
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.images = torch.rand(batch, *image, device=device).contiguous(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(network.parameters())
        self.device = device

    def __call__(self) -> float:
        began = self._now()
        outputs = self.network(self.images)
        loss = self._loss(outputs)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return 1e3 * (self._now() - began)

    def _loss(self, outputs: Tensor) -> Tensor:
        if outputs.shape == self.images.shape:
            return (outputs - self.images).square().mean()
        return cross_entropy(outputs, torch.zeros(len(outputs), dtype=torch.int64, device=self.device))

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def main(options: argparse.Namespace, processes: Processes) -> None:
    rows = []
    for name, (image, without, with_mixture) in PAIRS.items():
        torch.manual_seed(options.seed)
        plain, mixed = (Stepper(build(), image, options.batch, processes.device) for build in (without, with_mixture))
        times = [(plain(), mixed()) for _ in range(options.steps + 3)][3:]  # the first ones load code
        rows.append(
            {
                "network": name,
                "without_ms": statistics.median(a for a, _ in times),
                "with_ms": statistics.median(b for _, b in times),
                "ratio": statistics.median(b / a for a, b in times),
            }
        )
    print(report.table(rows))


def run(arguments: Sequence[str] | None = None) -> int:
    made = command.Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--steps", type=int, default=40, help="of each network (40)")
    made.add_argument("--batch", type=int, default=64, help="images in a step (64)")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--device", choices=("cpu", "cuda"), help="a GPU where there is one, unless given")
    return command.run(main, made, arguments)


if __name__ == "__main__":
    sys.exit(run())
