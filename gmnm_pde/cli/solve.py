"""``gmnm-pde solve``: a problem by its name, or from a file."""

import argparse
from pathlib import Path
from typing import Any

import torch

from gmnm_pde._errors import GmnmError, nearest
from gmnm_pde._modes import drawing
from gmnm_pde.cli import derived
from gmnm_pde.cli.common import (
    add_computing,
    add_output,
    add_problem,
    command_of,
    exit_status,
    make_folder,
    parameters_of,
    shown,
    tell_written,
    to_json,
)
from gmnm_pde.cli.distributed import together
from gmnm_pde.cli.problems import find
from gmnm_pde.exports.paraview import check_vtk
from gmnm_pde.methods import METHODS, Method
from gmnm_pde.models import GMNM, MODELS
from gmnm_pde.options.arguments import STRATEGIES
from gmnm_pde.results.solution import Solution
from gmnm_pde.solve import solve
from gmnm_pde.statement.problem import Problem

HELP = "solve a problem by name, or from a file"
DESCRIPTION = "Solve a problem by its name, or from a file of your own."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add_problem(parser)
    parser.add_argument("--model", help=f"one of {', '.join(MODELS)}")
    parser.add_argument("--method", help=f"of {', '.join((*METHODS, *STRATEGIES))}; several, with commas, run in order")
    parser.add_argument("--tol", type=float, help="relative L2 error wanted, by the error estimate")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same digits (0)")
    parser.add_argument("--time-limit", type=float, metavar="S", help="seconds after which the best answer is returned")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="written as it goes, and gone on from if there")
    hard = "conditions met exactly: names of them, with commas, or of kinds (boundary, initial, periodic); without, all"
    parser.add_argument("--hard", nargs="?", const=True, metavar="NAMES", help=hard)
    parser.add_argument("--compile", action="store_true", help="try torch.compile on the loss of what is trained")
    add_computing(parser)
    parser.add_argument("--vtk", type=Path, metavar="FILE", help="write a file for ParaView: .vti, .vtu or .pvd")
    add_output(parser, written="report, history, solution, figures and a page of all", printed="the report")
    derived.add_methods(parser)
    derived.add_models(parser)


def run(options: argparse.Namespace) -> int:
    """Solve, write, print."""
    source = find(options.problem)
    problem = source.problem(parameters_of(options))
    model, methods = _model(options, problem), _methods(options)
    hard = [name.strip() for name in options.hard.split(",")] if isinstance(options.hard, str) else options.hard
    make_folder(options)
    if options.vtk is not None:
        check_vtk(problem.domain, options.vtk, f"--vtk {options.vtk}")
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
        _write(solution, options, source.about)
    print(to_json(solution.report.as_dict()) if options.json else solution)
    tell_written(options)
    if options.vtk is not None:
        file = solution.to_vtk(options.vtk)
        if not options.json:
            print(f"written for ParaView: {options.vtk.with_name(file.name)}")
    return exit_status(solution.report.status, converged=solution.report.converged, tol=options.tol)


def _model(options: argparse.Namespace, problem: Problem) -> Any:
    """The model by name, or made with the options that were given for it."""
    name = options.model
    if name is not None and name not in MODELS:
        raise GmnmError(f"--model {name}: expected one of {', '.join(MODELS)}, got '{name}'. {nearest(name, MODELS)}")
    given = derived.given_to_model(options, name)
    if not given:
        return name
    with drawing(options.seed):
        return MODELS[name or "gmnm"](problem.domain.dimension, len(problem.fields), **given)


def _methods(options: argparse.Namespace) -> list[str | Method] | None:
    """The methods by name, or made with the options that were given for them."""
    known = {**METHODS, **STRATEGIES}
    names = [name.strip() for name in options.method.split(",")] if options.method else []
    for name in names:
        if name not in known:
            raise GmnmError(f"--method {name}: expected names of methods, got '{name}'. {nearest(name, known)}")
    given = derived.given_to_methods(options, names)
    return [known[name](**own) if own else name for name, own in zip(names, given, strict=True)] or None


def _write(solution: Solution, options: argparse.Namespace, about: str) -> None:
    """Write report, history, solution, figures and the page."""
    folder = options.out
    (folder / "report.json").write_text(to_json(solution.report.as_dict(), indent=2) + "\n", encoding="utf-8")
    solution.history.to_csv(folder / "history.csv")
    solution.save(folder / "solution.safetensors")
    solution.plot().savefig(folder / "solution.png")
    solution.history.plot().savefig(folder / "curves.png")
    if isinstance(solution.approximator, GMNM):
        solution.plot_components().savefig(folder / "components.png")
    solution.to_html(folder / "report.html", command=command_of(options), about=about, warned=options.warned)
