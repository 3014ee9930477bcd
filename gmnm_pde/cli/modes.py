"""``gmnm-pde modes``: an eigenvalue problem by its name, or from a file."""

import argparse

import torch

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
from gmnm_pde.cli.problems import find
from gmnm_pde.eigenmodes import eigenmodes
from gmnm_pde.models import Mixture

HELP = "find the modes of an eigenvalue problem by name, or from a file"
DESCRIPTION = "Find the eigenvalues nearest to the guess of a problem's unknown parameter, and their modes."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add_problem(parser)
    parser.add_argument("--count", type=int, default=6, help="how many modes (6)")
    parser.add_argument("--tol", type=float, help="relative error of the values wanted, by the error estimate")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same digits (0)")
    parser.add_argument("--time-limit", type=float, metavar="S", help="seconds after which no larger mixture is begun")
    add_computing(parser)
    add_output(parser, written="values, history, the figure of the modes and a page of all", printed="the values")
    derived.add_models(parser, only=["gmnm"])


def run(options: argparse.Namespace) -> int:
    """Solve, write, print."""
    source = find(options.problem)
    problem, mixture = source.problem(parameters_of(options)), derived.given_to_model(options, "gmnm")
    make_folder(options)
    spectrum = eigenmodes(
        problem,
        options.count,
        Mixture(**mixture) if mixture else None,
        tol=options.tol,
        seed=options.seed,
        dtype=getattr(torch, options.dtype),
        device=options.device,
        points=options.points,
        time_limit=options.time_limit,
        progress=shown(options),
    )
    if options.out is not None:
        (options.out / "modes.json").write_text(to_json(spectrum.as_dict(), indent=2) + "\n", encoding="utf-8")
        spectrum.history.to_csv(options.out / "history.csv")
        spectrum.plot().savefig(options.out / "modes.png")
        told = {"command": command_of(options), "about": source.about, "warned": options.warned}
        spectrum.to_html(options.out / "report.html", **told)
    print(to_json(spectrum.as_dict()) if options.json else spectrum)
    tell_written(options)
    return exit_status(spectrum.status, converged=spectrum.converged, tol=options.tol)
