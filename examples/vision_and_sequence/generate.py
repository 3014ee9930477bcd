"""Tables 4 and 5 of arXiv 2510.06660: a Gaussian mixture of the latent vector weighs an autoencoder's channels.

python examples/vision_and_sequence/generate.py                                     the digits, in seconds
python examples/vision_and_sequence/generate.py --dataset cifar10 --data DIR --train-images 10000 --out pictures
"""

import argparse
import sys
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from data.images import SOURCES, Images, load
from models import autoencoder
from training import options as command
from training import report
from training.experiment import Trained, by_run, losses, train_each
from training.figures import plot_curves, plot_reconstructions
from training.processes import Processes
from training.tasks import Measures, Task

PAPER = {"ae": 2_813_167, "ae_att": 3_224_687, "ae_gmnm": 2_778_723, "ae_att_gmnm": 3_190_243}
"""Parameters in Table 4."""

PICTURES = 10


def task(images: Images, batch: int) -> Task:
    """Images from themselves, by the mean squared error of pixels in [0, 1]."""
    known, new = (images.train, images.train), (images.test, images.test)
    return Task(known, new, measure, prepare, about={"data": str(images)}, batch=batch)


def prepare(images: Tensor) -> Tensor:
    """uint8 to [0, 1]."""
    return (images.float() / 255).contiguous(memory_format=torch.channels_last)


def measure(reconstructed: Tensor, images: Tensor) -> Measures:
    """The mean squared error."""
    return {"loss": (reconstructed.float() - prepare(images)).square().mean()}


def main(options: argparse.Namespace, processes: Processes) -> None:
    images = load(options.dataset, options.data).subset(options.train_images, options.test_images)
    if processes.rank == 0:
        print(images, file=sys.stderr)
    names = command.chosen(options, autoencoder.WEIGHED)
    builds = {name: lambda n=name: autoencoder.named(n, images.shape) for name in names}
    found = train_each(builds, task(images, options.batch), options, processes, title=options.dataset)
    if processes.rank == 0:
        shown = prepare(images.test[:PICTURES])
        reconstructed = {name: pictures(one.network, shown) for name, one in found.items()}
        figures = {
            "curves": plot_curves(losses(found, "train"), losses(found, "test"), label="MSE"),
            "pictures": plot_reconstructions(shown, reconstructed),
        }
        paper = PAPER if images.shape[1] == 32 else {}
        rows = [row(name, one, paper.get(name)) for name, one in found.items()]
        report.give(options, rows, by_run(found, options.seed), figures)


@torch.no_grad()
def pictures(network: nn.Module, images: Tensor) -> Tensor:
    """Reconstructions of some images, on the CPU."""
    network.eval()
    return network(images.to(next(network.parameters()).device)).float().cpu()


def row(name: str, found: Trained, paper: int | None) -> report.Row:
    """Least losses over the epochs, as the paper reports them."""
    return found.row(
        name, paper, {"min_train_mse": found.least("train_loss"), "min_test_mse": found.least("test_loss")}
    )


def run(arguments: Sequence[str] | None = None) -> int:
    title = "Autoencoders with a Gaussian mixture of the latent vector."
    made = command.parser(title, autoencoder.VARIANTS, epochs=40, batch=64, repeats=1)
    command.add_images(made, list(SOURCES))
    return command.run(main, made, arguments)


if __name__ == "__main__":
    sys.exit(run())
