"""What several commands share: the problem and its parameters, precision and device, the exit status."""

import argparse
import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from gmnm_pde._errors import refuse
from gmnm_pde.cli.problems import parameter
from gmnm_pde.run.result import Status

STOPPED = 130
"""The exit status after Ctrl-C."""


def add_problem(parser: argparse.ArgumentParser) -> None:
    """The problem by name or in a file, and its parameters."""
    parser.add_argument(
        "problem", help="a name that 'gmnm-pde list' shows, or a file: my_problem.py, or my.py:function"
    )
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the problem")


def parameters_of(options: argparse.Namespace) -> dict[str, Any]:
    """The parameters that were set, by name."""
    return dict(parameter(text) for text in options.set)


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


def make_folder(options: argparse.Namespace) -> None:
    """Make the folder that is written to at the end, before any work is done."""
    if options.out is not None:
        try:
            options.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refuse(f"--out {options.out}", expected="a folder", got=error.strerror or str(error)) from None


def command_of(options: argparse.Namespace) -> str:
    """The command as it would be typed once more."""
    words = ["gmnm-pde", *options.typed]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def to_json(value: Any, **options: Any) -> str:
    """Strict JSON, which has no NaN and no infinity."""
    return json.dumps(value, allow_nan=False, **options)


def tell_written(options: argparse.Namespace) -> None:
    """Name the files that were written, unless only JSON is wanted."""
    if options.out is not None and not options.json:
        print(f"written to {options.out}: {', '.join(sorted(path.name for path in options.out.iterdir()))}")


def shown(options: argparse.Namespace, *, silent: bool = False) -> bool | None:
    """Whether a bar is shown, as ``solve(progress=...)`` takes it: where somebody looks, unless silence is wanted."""
    return False if options.quiet or silent else None


def exit_status(status: str, *, converged: bool, tol: float | None) -> int:
    """The exit status of a command that solved: 1 where a tolerance was given and not met."""
    if status == Status.INTERRUPTED.name.lower():
        return STOPPED
    return 0 if converged or tol is None else 1
