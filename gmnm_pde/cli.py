"""The command line: gmnm-pde list | solve."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch

from gmnm_pde import registry
from gmnm_pde._errors import GmnmError, nearest
from gmnm_pde.fitting.progress import Progress
from gmnm_pde.methods import METHODS
from gmnm_pde.models import MODELS, Mixture
from gmnm_pde.results.solution import Solution
from gmnm_pde.solve import solve

_COMMANDS = ("list", "solve")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 2 on bad input, 1 when a solve did not converge to a given tolerance."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except GmnmError as error:
        print(f"gmnm-pde: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gmnm-pde: stopped", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """argparse with one clear line for an error, and near names for a misspelt command."""

    def error(self, message: str) -> NoReturn:
        words = [word for word in sys.argv[1:] if not word.startswith("-")]
        if "invalid choice" in message and words and words[0] not in _COMMANDS:
            message = f"there is no command '{words[0]}'. {nearest(words[0], _COMMANDS)}"
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gmnm-pde", description="Solve differential equations with Gaussian mixture networks.")
    commands = parser.add_subparsers(required=True, metavar="command")
    listing = commands.add_parser("list", help="name the problems", description="Name the problems of the registry.")
    listing.set_defaults(run=_list)
    solving = commands.add_parser("solve", help="solve a problem by name", description="Solve a problem by its name.")
    solving.set_defaults(run=_solve)
    solving.add_argument("problem", help="a name that 'gmnm-pde list' shows")
    solving.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the problem")
    solving.add_argument("--model", help=f"one of {', '.join(MODELS)}")
    solving.add_argument("--method", help=f"one of {', '.join(METHODS)}")
    solving.add_argument("--components", type=int, help="size of the mixture; chosen by default")
    solving.add_argument("--tol", type=float, help="relative L2 error wanted, by the error estimate")
    solving.add_argument("--points", type=int, help="interior points; chosen by default")
    solving.add_argument("--seed", type=int, default=0, help="same seed, same digits (0)")
    solving.add_argument("--device", default=None, help="cpu or cuda (cpu)")
    solving.add_argument("--dtype", default="float64", choices=("float64", "float32"), help="precision (float64)")
    solving.add_argument(
        "--time-limit", type=float, metavar="S", help="seconds after which the best answer is returned"
    )
    solving.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="written as it goes, and gone on from if there"
    )
    solving.add_argument("--out", type=Path, metavar="DIR", help="write report, history, solution and figures there")
    solving.add_argument("--json", action="store_true", help="print the report as one JSON object, and nothing else")
    solving.add_argument("--quiet", action="store_true", help="no progress line")
    return parser


def _list(options: argparse.Namespace) -> int:
    names = registry.names()
    width = max(map(len, names))
    for name in names:
        summary = (registry.factory(name).__doc__ or "").strip().splitlines()
        print(f"{name:<{width}}  {summary[0] if summary else ''}")
    return 0


def _solve(options: argparse.Namespace) -> int:
    problem = registry.load(options.problem, **dict(_setting(text) for text in options.set))
    model: Any = options.model
    if options.components is not None:
        if model not in (None, "gmnm"):
            raise GmnmError("--components belongs to --model gmnm: leave it out for other models.")
        model = Mixture(components=options.components)
    line = _ProgressLine(shown=not options.quiet and sys.stderr.isatty())
    solution = solve(
        problem,
        model,
        options.method,
        tol=options.tol,
        seed=options.seed,
        dtype=getattr(torch, options.dtype),
        device=options.device,
        points=options.points,
        time_limit=options.time_limit,
        checkpoint=options.checkpoint,
        progress=line,
    )
    line.clear()
    if options.out is not None:
        _write(solution, options.out)
    print(json.dumps(solution.report.as_dict(), allow_nan=False) if options.json else solution)
    if options.out is not None and not options.json:
        print(f"written to {options.out}/: {', '.join(sorted(path.name for path in options.out.iterdir()))}")
    return 0 if solution.report.converged or options.tol is None else 1


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise GmnmError(f"--set {text}: expected NAME=VALUE, as in --set wave_number=2.")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _write(solution: Solution, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(solution.report.as_dict(), indent=2, allow_nan=False) + "\n")
    solution.history.to_csv(folder / "history.csv")
    solution.save(folder / "solution.safetensors")
    solution.plot().savefig(folder / "solution.png")
    solution.history.plot().savefig(folder / "curves.png")
    if solution.report.model.startswith("GMNM"):
        solution.plot_components().savefig(folder / "components.png")


class _ProgressLine:
    """One line on standard error that is written over; nothing where that is no terminal."""

    def __init__(self, *, shown: bool):
        self._shown = shown
        self._width = 0

    def __call__(self, news: Progress) -> None:
        if self._shown:
            text = f"{news.seconds:6.1f} s  {news.message}"
            print(f"\r{text:<{self._width}}", end="", file=sys.stderr, flush=True)
            self._width = len(text)

    def clear(self) -> None:
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
