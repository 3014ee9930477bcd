"""``gmnm-pde show``: what a problem states."""

import argparse
import inspect
import re
from pathlib import Path

from gmnm_pde._errors import refuse
from gmnm_pde.cli.common import add_problem, parameters_of
from gmnm_pde.cli.problems import Source, find
from gmnm_pde.statement.described import describe, origin_of
from gmnm_pde.statement.problem import Problem

HELP = "show what a problem states"
DESCRIPTION = "Print equation, domain, conditions, parameters and source of a problem, and draw its domain."

_PICTURES = (".png", ".svg", ".pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    add_problem(parser)
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="draw the domain, its regions and points: .png, .svg, .pdf"
    )


def run(options: argparse.Namespace) -> int:
    """Print, and draw."""
    source = find(options.problem)
    problem = source.problem(parameters_of(options))
    if options.out is not None and options.out.suffix.lower() not in _PICTURES:
        raise refuse(
            f"--out {options.out}", expected=f"a file that ends with {', '.join(_PICTURES)}", got=options.out.name
        )
    print(f"{problem.name}\n")
    if source.about:
        print(f"{source.about}\n")
    print(describe(problem))
    print("\n".join(_parameters(source)))
    if options.out is not None:
        from gmnm_pde.plots.domain import plot_domain  # here: matplotlib takes long to import

        try:
            plot_domain(problem).savefig(options.out)
        except OSError as error:
            reason = error.strerror or str(error)
            raise refuse(f"--out {options.out}", expected="a place that can be written", got=reason) from None
        print(f"\ndrawn: {options.out}")
    return 0


def _parameters(source: Source) -> list[str]:
    """The parameters with their defaults and what they are, and where the statement is written."""
    text = "" if isinstance(source.made, Problem) else inspect.getdoc(source.made) or ""
    lines = []
    for name, parameter in source.parameters.items():
        default = "..." if parameter.default is parameter.empty else parameter.default
        told = re.search(rf"^    {re.escape(name)}: (.*(?:\n      +.*)*)", text, re.MULTILINE)
        words = " ".join(told[1].split()) if told else ""
        lines.append(f"  {'--set':<12} {name}={default}  {words}".rstrip())
    where = str(source.file) if isinstance(source.made, Problem) else origin_of(source.made)
    return [*lines, f"  {'written in':<12} {where}"]
