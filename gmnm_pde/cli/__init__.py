"""The command line: gmnm-pde list | solve | modes | compare | bench, one file for each command.

The file of a command has its HELP and DESCRIPTION, ``add_arguments`` and ``run``.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

import gmnm_pde
from gmnm_pde._errors import GmnmError, nearest
from gmnm_pde.cli import bench, compare, modes, solve
from gmnm_pde.cli import list as list_problems
from gmnm_pde.cli.common import STOPPED

_COMMANDS = {"list": list_problems, "solve": solve, "modes": modes, "compare": compare, "bench": bench}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after ``gmnm-pde``; by default those of this process.

    Returns:
        The exit status: 0 on success, 2 on bad input, 1 where a tolerance was not met, 130 after Ctrl-C, with what
        was asked for printed and written as far as there was an answer.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except GmnmError as error:
        print(f"gmnm-pde: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gmnm-pde: stopped", file=sys.stderr)
        return STOPPED


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
    parser.add_argument("--version", action="version", version=f"%(prog)s {gmnm_pde.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, command in _COMMANDS.items():
        of_command = commands.add_parser(name, help=command.HELP, description=command.DESCRIPTION)
        command.add_arguments(of_command)
        of_command.set_defaults(run=command.run)
    return parser
