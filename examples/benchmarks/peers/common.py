"""What the scripts share: the size of the work, how a step is timed, and the line that is printed.

The work: Laplacian u = -2 pi^2 sin(pi x) sin(pi y) on [-1, 1]^2 with u = 0 on its boundary; the mean square of the
residual on 2,500 points plus that of u on 400 boundary points; a network 2, 50, 50, 50, 1 with tanh; Adam at 1e-3.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable

WIDTHS = [2, 50, 50, 50, 1]
INTERIOR, BOUNDARY = 2500, 400
LEARNING_RATE = 1e-3


def arguments() -> argparse.Namespace:
    """The precision and the numbers of steps, from the command line."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What every script is told."""
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--short", type=int, default=50, help="steps of the shorter training")
    parser.add_argument("--long", type=int, default=200, help="steps of the longer one")


def seconds_per_step(
    train: Callable[[int], object], short: int, long: int, wait: Callable[[], object] = lambda: None
) -> float:
    """The difference of two trainings over that of their steps: what starting and ending take drops out.

    ``wait`` is called before the clock is read: on a GPU it waits for what is under way there.
    """

    def clock() -> float:
        wait()
        return time.perf_counter()

    train(short)  # to warm up
    started = clock()
    train(short)
    between = clock()
    train(long)
    return (clock() - between - (between - started)) / (long - short)


def report(*, seconds: float, first: float, last: float, version: str) -> None:
    """Print the line that is read, with the most memory that this process took.

    Args:
        seconds: Of one step.
        first: The loss at the start.
        last: The loss at the end.
        version: The package's.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    found = {"seconds": seconds, "first_loss": first, "last_loss": last, "peak_MiB": peak, "version": version}
    print("\n" + json.dumps(found))
