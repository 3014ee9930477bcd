"""What several commands share: the problem and its parameters, precision and device, the exit status."""

import argparse
import json
from pathlib import Path
from typing import Any

from gmnm_pde import registry
from gmnm_pde._errors import GmnmError
from gmnm_pde.run.result import Status
from gmnm_pde.statement.problem import Problem

STOPPED = 130
"""The exit status after Ctrl-C."""


def add_problem(parser: argparse.ArgumentParser) -> None:
    """The problem by name, and its parameters."""
    parser.add_argument("problem", help="a name that 'gmnm-pde list' shows")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the problem")


def read_problem(options: argparse.Namespace) -> Problem:
    """The problem that was asked for."""
    return registry.load(options.problem, **dict(_parameter(text) for text in options.set))


def add_computing(parser: argparse.ArgumentParser) -> None:
    """How many points, on which device and in which precision."""
    parser.add_argument("--points", type=int, help="interior points; chosen by default")
    parser.add_argument("--device", default=None, help="cpu or cuda (cpu)")
    parser.add_argument("--dtype", default="float64", choices=("float64", "float32"), help="precision (float64)")


def add_output(parser: argparse.ArgumentParser, *, written: str, printed: str) -> None:
    """Files, JSON, and silence; ``written`` and ``printed`` say what of."""
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"write {written} there")
    parser.add_argument("--json", action="store_true", help=f"print {printed} as one JSON object, and nothing else")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def to_json(value: Any, **options: Any) -> str:
    """Strict JSON, which has no NaN and no infinity."""
    return json.dumps(value, allow_nan=False, **options)


def tell_written(options: argparse.Namespace) -> None:
    """Name the files that were written, unless only JSON is wanted."""
    if options.out is not None and not options.json:
        print(f"written to {options.out}/: {', '.join(sorted(path.name for path in options.out.iterdir()))}")


def _parameter(text: str) -> tuple[str, Any]:
    """The name and the value in NAME=VALUE: JSON where it is JSON, else a word."""
    name, equals, value = text.partition("=")
    if not equals:
        raise GmnmError(f"--set {text}: expected NAME=VALUE, as in --set wave_number=2.")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def shown(options: argparse.Namespace, *, silent: bool = False) -> bool | None:
    """Whether a bar is shown, as ``solve(progress=...)`` takes it: where somebody looks, unless silence is wanted."""
    return False if options.quiet or silent else None


def exit_status(status: str, *, converged: bool, tol: float | None) -> int:
    """The exit status of a command that solved: 1 where a tolerance was given and not met."""
    if status == Status.INTERRUPTED.name.lower():
        return STOPPED
    return 0 if converged or tol is None else 1
