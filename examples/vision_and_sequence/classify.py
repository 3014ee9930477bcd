"""Tables 2 and 3 of arXiv 2510.06660: a Gaussian mixture as the head of a small convolutional network.

python examples/vision_and_sequence/classify.py                                     the digits, in seconds
python examples/vision_and_sequence/classify.py --dataset mnist --data DIR --out mnist
torchrun --nproc-per-node 2 examples/vision_and_sequence/classify.py --dataset cifar10 --data DIR
"""

import argparse
import sys
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from data.images import SOURCES, Images, load
from models import cnn
from models.heads import Head
from training import options as command
from training import report
from training.experiment import Trained, by_run, losses, train_each
from training.figures import plot_curves
from training.processes import Processes
from training.tasks import Measures, Task

PAPER = {
    "mnist": {"cnn": 28_586, "cnn_att": 32_874, "cnn_gmnm": 29_930},
    "cifar10": {"cnn": 209_098, "cnn_att": 213_386, "cnn_gmnm": 200_618},
    "cifar100": {"cnn": 209_098, "cnn_att": 213_386, "cnn_gmnm": 200_618},
}
"""Parameters in Table 2."""

ABLATION = {
    "linear": Head("linear"),
    "mlp": Head("mlp"),
    "kan": Head("kan"),
    "gmnm": Head(gain=cnn.GAIN),
    "gmnm 10": Head(components=10, gain=cnn.GAIN),
    "gmnm 160": Head(components=160, gain=cnn.GAIN),
    "gmnm trained centres": Head(trainable_centers=True, gain=cnn.GAIN),
    "gmnm diagonal": Head(form="diagonal", gain=cnn.GAIN),
    "gmnm full": Head(form="full", gain=cnn.GAIN),
    "gmnm gain 1": Head(),
}
"""Heads on one and the same network."""


def task(images: Images, batch: int) -> Task:
    """Labels from images, by cross-entropy."""
    pixels = images.train.float().div_(255)
    mean, deviation = (f(pixels, (0, 2, 3)).view(-1, 1, 1) for f in (torch.mean, torch.std))

    def prepare(batch: Tensor) -> Tensor:
        standard = (batch.float() / 255 - mean.to(batch.device)) / deviation.to(batch.device)
        return standard.contiguous(memory_format=torch.channels_last)

    known, new = (images.train, images.train_labels), (images.test, images.test_labels)
    return Task(known, new, measure, prepare, about={"data": str(images)}, batch=batch)


def measure(logits: Tensor, labels: Tensor) -> Measures:
    """Cross-entropy, that of every class against the rest (binary, the mean over the classes), and the accuracy.

    The binary one is what the size of the losses in the paper's Table 3 points to; see docs/vision_and_sequence.md.
    """
    logits = logits.float()
    log_p = logits.log_softmax(1)
    true = nn.functional.one_hot(labels, logits.shape[1]).bool()
    rest = torch.log1p(-log_p.exp().clamp_max(1 - 1e-7))
    return {
        "loss": cross_entropy(logits, labels),
        "binary": -torch.where(true, log_p, rest).mean(),
        "accuracy": (logits.argmax(1) == labels).float().mean(),
    }


def networks(options: argparse.Namespace, images: Images) -> dict[str, Callable[[], nn.Module]]:
    """What is trained, by name."""
    if options.ablation:
        return {name: lambda h=head: cnn.sized(images.shape, images.classes, h) for name, head in ABLATION.items()}
    names = command.chosen(options, cnn.HEADED)
    return {name: lambda n=name: cnn.named(n, images.shape, images.classes) for name in names}


def main(options: argparse.Namespace, processes: Processes) -> None:
    images = load(options.dataset, options.data).subset(options.train_images, options.test_images)
    if processes.rank == 0:
        print(images, file=sys.stderr)
    builds, given = networks(options, images), task(images, options.batch)
    found = train_each(builds, given, options, processes, title=options.dataset)
    if processes.rank == 0:
        paper = {} if options.ablation else PAPER.get(options.dataset, {})
        figure = plot_curves(losses(found, "train"), losses(found, "test"), label="cross-entropy")
        rows = [row(name, one, paper.get(name)) for name, one in found.items()]
        report.give(options, rows, by_run(found, options.seed), {"curves": figure})


def row(name: str, found: Trained, paper: int | None) -> report.Row:
    """Least losses over the epochs, as the paper reports them, and what stands at the end."""
    measured = {
        "min_train_loss": found.least("train_loss"),
        "min_test_loss": found.least("test_loss"),
        "min_train_binary": found.least("train_binary"),
        "min_test_binary": found.least("test_binary"),
        "test_loss": found.last("test_loss"),
        "test_accuracy": found.last("test_accuracy"),
    }
    return found.row(name, paper, measured)


def run(arguments: Sequence[str] | None = None) -> int:
    title = "Classification with a Gaussian mixture as the head."
    made = command.parser(title, cnn.VARIANTS, epochs=40, batch=64, repeats=1)
    command.add_images(made, list(SOURCES))
    made.add_argument("--ablation", action="store_true", help="heads of all kinds on one network, not --variants")
    return command.run(main, made, arguments)


if __name__ == "__main__":
    sys.exit(run())
