"""``gmnm-pde compare``: several models on a problem by its name, or from a file."""

import argparse
from typing import Any

import torch

from gmnm_pde._errors import GmnmError, nearest
from gmnm_pde.cli import derived
from gmnm_pde.cli.common import (
    STOPPED,
    add_computing,
    add_output,
    add_problem,
    command_of,
    make_folder,
    parameters_of,
    shown,
    tell_written,
    to_json,
)
from gmnm_pde.cli.problems import find
from gmnm_pde.compare import PAPER_MODELS, best_methods, compare
from gmnm_pde.methods import METHODS
from gmnm_pde.statement.problem import Problem

HELP = "compare models on a problem by name, or from a file"
DESCRIPTION = "Run several models on one problem, from the same points, with the same steps and seeds."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add_problem(parser)
    parser.add_argument(
        "--models", default=",".join(PAPER_MODELS), help="names, separated by commas; the paper's sizes (%(default)s)"
    )
    parser.add_argument(
        "--method",
        default="best",
        help=f"of {', '.join(METHODS)}, several in order with commas between them; or best: each model's own (best)",
    )
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="run from the seeds 0 to N - 1 (1)")
    parser.add_argument("--time-limit", type=float, metavar="S", help="seconds for each run")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many runs side by side (1)")
    add_computing(parser)
    add_output(parser, written="rows, curves, the figure and a page of all", printed="the rows")
    derived.add_methods(parser, only=METHODS)


def run(options: argparse.Namespace) -> int:
    """Compare, write, print."""
    source = find(options.problem)
    problem = source.problem(parameters_of(options))
    names = [word.strip() for word in options.models.split(",")]
    if options.seeds < 1:
        raise GmnmError(f"--seeds {options.seeds}: expected a positive number of seeds, got {options.seeds}.")
    make_folder(options)
    comparison = compare(
        problem,
        names,
        methods=_methods(options, problem, names),
        seeds=range(options.seeds),
        points=options.points,
        time_limit=options.time_limit,
        dtype=getattr(torch, options.dtype),
        device=options.device,
        progress=shown(options),
        jobs=options.jobs,
    )
    if options.out is not None:
        comparison.write(options.out)
        told = {"command": command_of(options), "about": source.about, "warned": options.warned}
        comparison.to_html(options.out / "report.html", **told)
    print(to_json(comparison.as_dict()) if options.json else comparison)
    tell_written(options)
    return STOPPED if comparison.interrupted else 0


def _methods(options: argparse.Namespace, problem: Problem, names: list[str]) -> Any:
    """The methods that were asked for, as ``compare`` takes them."""
    words = [word.strip() for word in options.method.split(",")]
    if words == ["best"]:
        (given,) = derived.given_to_methods(options, ["gauss-newton"])
        steps = given.pop("steps", None)
        if given:
            raise GmnmError(f"--{next(iter(given))}: expected a method that takes it, got --method best.")
        sizes = (problem.domain.dimension, len(problem.fields))
        models = {name: PAPER_MODELS[name](*sizes) for name in names if name in PAPER_MODELS}
        return {name: best_methods(models.get(name), steps=steps) for name in names}
    for word in words:
        if word not in METHODS:
            known = nearest(word, METHODS)
            raise GmnmError(f"--method {word}: expected best or names of methods, got '{word}'. {known}")
    given = derived.given_to_methods(options, words)
    return [METHODS[word](**own) for word, own in zip(words, given, strict=True)]
