"""The command line that the scripts share."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import torch

from gmnm_pde import GmnmError

from .loop import Settings
from .processes import Processes


class Parser(argparse.ArgumentParser):
    """argparse with one clear line for an error."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise SystemExit(2)


def parser(description: str, variants: Sequence[str], *, epochs: int, batch: int, repeats: int) -> Parser:
    """What every script can be told, with its own defaults."""
    made = Parser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    made.add_argument("--variants", default=",".join(variants), help="which networks, with commas between them")
    made.add_argument("--epochs", type=_positive, default=epochs)
    made.add_argument("--repeats", type=_positive, default=repeats, help="each network is trained from so many seeds")
    made.add_argument("--seed", type=int, default=0, help="the first of them")
    made.add_argument("--batch", type=_positive, default=batch, help="examples in a step")
    made.add_argument("--lr", type=float, default=1e-3, help="learning rate of Adam")
    made.add_argument("--schedule", choices=("constant", "cosine"), default="constant", help="of the learning rate")
    made.add_argument("--device", choices=("cpu", "cuda"), help="a GPU where there is one, unless given")
    made.add_argument("--precision", choices=("float32", "bfloat16"), help="bfloat16 on a GPU, unless given")
    made.add_argument("--out", type=Path, metavar="DIR", help="rows, curves, figures and checkpoints are written there")
    made.add_argument("--json", action="store_true", help="print the rows as JSON, alone on standard output")
    return made


def add_images(made: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """What the scripts with images can be told besides."""
    made.add_argument("--dataset", choices=tuple(names), default="digits")
    made.add_argument("--data", type=Path, metavar="DIR", help="the folder that torchvision.datasets downloads to")
    made.add_argument("--train-images", type=_positive, metavar="N", help="a balanced part of those to train on")
    made.add_argument("--test-images", type=_positive, metavar="N", help="a balanced part of those to test on")


def chosen(options: argparse.Namespace, known: Sequence[str]) -> list[str]:
    """The variants that were asked for.

    Raises:
        GmnmError: one that is not known.
    """
    names = options.variants.split(",")
    for name in names:
        if name not in known:
            raise GmnmError(f"--variants {options.variants}: expected some of {','.join(known)}, got {name!r}.")
    return names


def settings(options: argparse.Namespace, processes: Processes, seed: int) -> Settings:
    """How a network is trained, from the command line."""
    precision = options.precision or ("bfloat16" if processes.device.type == "cuda" else "float32")
    return Settings(options.epochs, options.lr, options.schedule, seed, precision)


def run(main: Callable[[argparse.Namespace, Processes], None], made: Parser, arguments: Sequence[str] | None) -> int:
    """Run a script; 0 on success, 2 on bad input, 130 when it was stopped."""
    options = made.parse_args(arguments)
    try:
        processes = Processes.start(options.device)
        torch.backends.cudnn.deterministic = True
        try:
            main(options, processes)
        finally:
            processes.finish()
        return 0
    except GmnmError as error:
        print(f"{made.prog}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        again = "; the same command goes on from its checkpoints" if vars(options).get("out") else ""
        print(f"{made.prog}: stopped{again}", file=sys.stderr)
        return 130


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text}")
    return number
