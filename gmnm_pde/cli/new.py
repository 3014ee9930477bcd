"""``gmnm-pde new``: a file to begin with."""

import argparse
from pathlib import Path

from gmnm_pde._errors import refuse
from gmnm_pde.cli.template import TEMPLATE

HELP = "write a file to begin a problem of your own with"
DESCRIPTION = "Write a commented file that states a problem, and solves as it is; change it into your own."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", type=Path, help="such as my_problem.py; a file that is there stays as it is")


def run(options: argparse.Namespace) -> int:
    """Write the file, and say what can be done with it."""
    file: Path = options.file
    if file.suffix != ".py" or not file.stem:
        raise refuse(f"new {file}", expected="a name that ends with .py", got=f"'{file.name}'")
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(TEMPLATE.replace("{name}", file.name).replace("{stem}", file.stem))
    except FileExistsError:
        raise refuse(f"new {file}", expected="a name that is free", got="one of a file that is there") from None
    except OSError as error:
        raise refuse(f"new {file}", expected="a place that can be written", got=error.strerror or str(error)) from None
    print(f"written: {file}\n  gmnm-pde show {file}\n  gmnm-pde solve {file} --tol 1e-6 --out results")
    return 0
