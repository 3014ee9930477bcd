"""``gmnm-pde solve``: a problem by its name."""

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from gmnm_pde._errors import GmnmError
from gmnm_pde.cli.common import (
    add_computing,
    add_output,
    add_problem,
    exit_status,
    read_problem,
    shown,
    tell_written,
    to_json,
)
from gmnm_pde.cli.distributed import together
from gmnm_pde.methods import METHODS, Method
from gmnm_pde.models import MODELS, Mixture
from gmnm_pde.options.arguments import STRATEGIES
from gmnm_pde.results.solution import Solution
from gmnm_pde.solve import solve

HELP = "solve a problem by name"
DESCRIPTION = "Solve a problem by its name."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add_problem(parser)
    parser.add_argument("--model", help=f"one of {', '.join(MODELS)}")
    parser.add_argument("--method", help=f"of {', '.join((*METHODS, *STRATEGIES))}; several, with commas, run in order")
    parser.add_argument("--steps", type=int, help="the most steps of each method")
    parser.add_argument("--components", type=int, help="size of the mixture; chosen by default")
    parser.add_argument("--tol", type=float, help="relative L2 error wanted, by the error estimate")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same digits (0)")
    parser.add_argument("--time-limit", type=float, metavar="S", help="seconds after which the best answer is returned")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="written as it goes, and gone on from if there")
    hard = "conditions met exactly: names of them, with commas, or of kinds (boundary, initial, periodic); without, all"
    parser.add_argument("--hard", nargs="?", const=True, default=False, metavar="NAMES", help=hard)
    parser.add_argument("--compile", action="store_true", help="try torch.compile on the loss of what is trained")
    add_computing(parser)
    add_output(parser, written="report, history, solution and figures", printed="the report")


def run(options: argparse.Namespace) -> int:
    """Solve, write, print."""
    problem = read_problem(options)
    model: Any = options.model
    if options.components is not None:
        if model not in (None, "gmnm"):
            raise GmnmError("--components belongs to --model gmnm: leave it out for other models.")
        model = Mixture(components=options.components)
    methods = _methods(options)
    hard = options.hard if isinstance(options.hard, bool) else [name.strip() for name in options.hard.split(",")]
    with together(options.device) as (speaks, device):
        solution = solve(
            problem,
            model,
            methods,
            tol=options.tol,
            seed=options.seed,
            dtype=getattr(torch, options.dtype),
            device=device,
            points=options.points,
            time_limit=options.time_limit,
            checkpoint=options.checkpoint,
            progress=shown(options, silent=not speaks),
            compiled=options.compile,
            hard=hard,
        )
    if not speaks:
        return 0
    if options.out is not None:
        _write(solution, options.out)
    print(to_json(solution.report.as_dict()) if options.json else solution)
    tell_written(options)
    return exit_status(solution.report.status, converged=solution.report.converged, tol=options.tol)


def _methods(options: argparse.Namespace) -> list[str | Method] | None:
    """The methods by name, or with a number of steps."""
    names = options.method and [name.strip() for name in options.method.split(",")]
    if options.steps is None:
        return names
    if not names:
        raise GmnmError("--steps is of a method: say --method as well, such as --method adam.")
    return [_with_steps(name, options.steps) for name in names]


def _with_steps(name: str, steps: int) -> str | Method:
    """A method with a number of steps; a name that is unknown stays, and is refused with the others."""
    if name not in METHODS:
        return name
    method = METHODS[name]()
    counts = [part.name for part in fields(method) if part.name in ("steps", "max_steps")]
    if not counts:
        raise GmnmError(f"--steps: expected methods that take steps, got '{name}'.")
    return replace(method, **{counts[0]: steps})


def _write(solution: Solution, folder: Path) -> None:
    """Write report, history, solution and figures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(to_json(solution.report.as_dict(), indent=2) + "\n")
    solution.history.to_csv(folder / "history.csv")
    solution.save(folder / "solution.safetensors")
    solution.plot().savefig(folder / "solution.png")
    solution.history.plot().savefig(folder / "curves.png")
    if solution.report.model.startswith("GMNM"):
        solution.plot_components().savefig(folder / "components.png")
