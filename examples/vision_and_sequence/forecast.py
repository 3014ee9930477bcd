"""Table 6 of arXiv 2510.06660: a small LSTM with a Gaussian mixture after it, and a large one without.

python examples/vision_and_sequence/forecast.py --repeats 20 --out forecast
"""

import argparse
import statistics
import sys
from collections.abc import Sequence

import torch

from data.signals import Signals, draw
from models import recurrent
from models.readout import features, solved
from training import options as command
from training import report
from training.figures import plot_curves
from training.loop import Curves, fit
from training.processes import Processes
from training.tasks import Measures, Task


def task(signals: Signals, options: argparse.Namespace) -> Task:
    """Values from windows, by the mean squared error, for as many copies as repeats, each with its own split."""
    windows, values = signals.windows.float(), signals.values.float()
    parts = [split(len(values), options.split, options.seed + copy) for copy in range(options.repeats)]
    train, test = (torch.stack(numbers) for numbers in zip(*parts, strict=True))
    known, new = (windows[train], values[train]), (windows[test], values[test])
    about = {name: vars(options)[name] for name in ("samples", "scale", "series", "split", "start", "repeats")}
    return Task(known, new, measure, lambda inputs: inputs, about, copies=options.repeats, batch=options.batch)


def split(count: int, kind: str, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers of the 80 % to train on and the 20 % to test on."""
    order = torch.arange(count)
    if kind == "random":
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[: 4 * count // 5], order[4 * count // 5 :]


def measure(forecast: torch.Tensor, values: torch.Tensor) -> Measures:
    """The mean squared error of each copy."""
    return {"loss": (forecast - values).square().mean((1, 2))}


def main(options: argparse.Namespace, processes: Processes) -> None:
    signals = draw(options.samples, scale=options.scale, seed=options.series)
    given = task(signals, options)
    if processes.rank == 0:
        print(signals, file=sys.stderr)
    seeds = range(options.seed, options.seed + options.repeats)
    found: dict[str, Curves] = {}
    rows: list[report.Row] = []
    for name in command.chosen(options, recurrent.HEADED):
        network = recurrent.Copies(lambda n=name: recurrent.named(n, options.start), seeds)
        drawn = [network.alone(number) for number in range(options.repeats)]
        file = options.out and options.out / "checkpoints" / f"{name}.pt"
        how, line = command.settings(options, processes, options.seed), report.told(name, options.epochs)
        found[name] = fit(network, given, how, processes, checkpoint=file, progress=line)
        trained = [network.alone(number) for number in range(options.repeats)]
        rows.append(row(name, network.parameters_each, found[name], signals))
        for column, networks in (("test_mse_solved", trained), ("test_mse_drawn", drawn)):
            errors = [solved_mse(one, signals, options, seed) for one, seed in zip(networks, seeds, strict=True)]
            rows[-1] |= report.spread(column, errors)
    if processes.rank == 0:
        figure = plot_curves(losses(found, "train"), losses(found, "test"), label="MSE")
        report.give(options, rows, found, {"curves": figure})


@torch.no_grad()
def solved_mse(network: recurrent.Forecaster, signals: Signals, options: argparse.Namespace, seed: int) -> float:
    """The mean squared error on the test once the weights of the last layer are solved for, in double precision."""
    train, test = split(len(signals.values), options.split, seed)
    network = network.double().cpu()
    at = [features(network.head, network.states(signals.windows[numbers])) for numbers in (train, test)]
    _, forecast = solved(at[0], signals.values[train], at[1])
    return float((forecast - signals.values[test]).square().mean())


def losses(found: dict[str, Curves], part: str) -> dict[str, list[list[float]]]:
    """The losses of a part: by name, [copies][epochs]."""
    return {name: [list(copy) for copy in zip(*one[f"{part}_loss"], strict=True)] for name, one in found.items()}


def row(name: str, parameters: int, curves: Curves, signals: Signals) -> report.Row:
    """Mean squared errors at the end of training, means over the copies, with the spread.

    ``relative`` is the mean squared error on the test over the variance of the values; ``seconds`` are those of all
    copies together. To these come ``test_mse_solved``, with the last layer solved for after the training, and
    ``test_mse_drawn``, with it solved for and nothing trained.
    """
    train, test = (curves[f"{part}_loss"][-1] for part in ("train", "test"))
    return {
        "variant": name,
        "parameters": parameters,
        **report.spread("train_mse", train),
        **report.spread("test_mse", test),
        "test_mse_median": statistics.median(test),
        "relative": statistics.fmean(test) / float(signals.values.var()),
        "seconds": sum(curves["seconds"]),
    }


def run(arguments: Sequence[str] | None = None) -> int:
    title = "Forecasting with a Gaussian mixture after an LSTM."
    made = command.parser(title, recurrent.VARIANTS, epochs=50, batch=32, repeats=1)
    made.add_argument("--samples", type=int, default=10_000)
    made.add_argument("--scale", type=float, default=1.0, help="a_i and b_i are drawn from [-scale, scale]")
    made.add_argument("--series", type=int, default=0, help="seed of a_i and b_i")
    made.add_argument("--start", choices=("pytorch", "keras"), default="pytorch", help="of the LSTM's weights")
    made.add_argument("--split", choices=("random", "time"), default="random", help="of training and test")
    return command.run(main, made, arguments)


if __name__ == "__main__":
    sys.exit(run())
