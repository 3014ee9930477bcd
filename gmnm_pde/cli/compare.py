"""``gmnm-pde compare``: several models on a problem by its name."""

import argparse
import dataclasses
from typing import Any

import torch

from gmnm_pde._errors import GmnmError, nearest
from gmnm_pde.cli.common import (
    ProgressLine,
    add_computing,
    add_output,
    add_problem,
    read_problem,
    tell_written,
    to_json,
)
from gmnm_pde.compare import PAPER_MODELS, best_methods, compare
from gmnm_pde.methods import METHODS, Method
from gmnm_pde.statement.problem import Problem

HELP = "compare models on a problem by name"
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
    parser.add_argument("--steps", type=int, help="steps of each method that trains; its own default otherwise")
    parser.add_argument("--lr", type=float, help="the learning rate of Adam or SOAP")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="run from the seeds 0 to N - 1 (1)")
    parser.add_argument("--time-limit", type=float, metavar="S", help="seconds for each run")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many runs side by side (1)")
    add_computing(parser)
    add_output(parser, written="rows, curves and the figure", printed="the rows")


def run(options: argparse.Namespace) -> int:
    """Compare, write, print."""
    problem = read_problem(options)
    names = [word.strip() for word in options.models.split(",")]
    if options.seeds < 1:
        raise GmnmError(f"--seeds {options.seeds}: expected a positive number of seeds, got {options.seeds}.")
    line = ProgressLine(options)
    comparison = compare(
        problem,
        names,
        methods=_methods(options, problem, names),
        seeds=range(options.seeds),
        points=options.points,
        time_limit=options.time_limit,
        dtype=getattr(torch, options.dtype),
        device=options.device,
        progress=line,
        jobs=options.jobs,
    )
    line.clear()
    if options.out is not None:
        comparison.write(options.out)
    print(to_json(comparison.as_dict()) if options.json else comparison)
    tell_written(options)
    return 0


def _methods(options: argparse.Namespace, problem: Problem, names: list[str]) -> Any:
    """The methods that were asked for, as ``compare`` takes them."""
    words = [word.strip() for word in options.method.split(",")]
    if words == ["best"]:
        if options.lr is not None:
            raise GmnmError("--lr belongs to --method adam: leave it out with best.")
        sizes = (problem.domain.dimension, len(problem.fields))
        models = {name: PAPER_MODELS[name](*sizes) for name in names if name in PAPER_MODELS}
        return {name: best_methods(models.get(name), steps=options.steps) for name in names}
    return [_method(word, options) for word in words]


def _method(word: str, options: argparse.Namespace) -> Method:
    """A method by its name, with those of the options that it takes."""
    if word not in METHODS:
        raise GmnmError(f"--method {word}: expected best or names of methods, got '{word}'. {nearest(word, METHODS)}")
    method = METHODS[word]
    given = {"steps": options.steps, "lr": options.lr}
    taken = {field.name for field in dataclasses.fields(method)}
    return method(**{name: value for name, value in given.items() if value is not None and name in taken})
