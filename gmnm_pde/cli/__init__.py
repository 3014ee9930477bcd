"""The command line: gmnm-pde list | show | new | solve | modes | compare | bench, one file for each command.

The file of a command has its HELP and DESCRIPTION, ``add_arguments`` and ``run``.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import gmnm_pde
from gmnm_pde._errors import GmnmError, NumericalWarning, nearest
from gmnm_pde.cli import bench, compare, listing, modes, new, show, solve
from gmnm_pde.cli.common import STOPPED
from gmnm_pde.cli.derived import refuse_unknown
from gmnm_pde.cli.problems import users_file, users_line

_COMMANDS = {
    "list": listing,
    "show": show,
    "new": new,
    "solve": solve,
    "modes": modes,
    "compare": compare,
    "bench": bench,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after ``gmnm-pde``; by default those of this process.

    Returns:
        The exit status: 0 on success, 2 on bad input, 1 where a tolerance was not met, 130 after Ctrl-C, with what
        was asked for printed and written as far as there was an answer.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = argparse.Namespace()
    try:
        options = _parsed(words)
        with _warnings_told() as warned:
            options.warned = warned
            return options.run(options)
    except KeyboardInterrupt:
        print("gmnm-pde: stopped", file=sys.stderr)
        return STOPPED
    except Exception as error:
        told = _told(error, getattr(options, "problem", ""))
        if told is None:
            raise
        print(f"gmnm-pde: {told}", file=sys.stderr)
        return 2


def _parsed(words: list[str]) -> argparse.Namespace:
    parser, of_commands = _parsers()
    options, unknown = parser.parse_known_args(words)
    known = [word for action in of_commands[options.command]._actions for word in action.option_strings]
    refuse_unknown(unknown, known, options.command)
    options.typed = words
    return options


def _told(error: Exception, problem: str) -> str | None:
    """An error in one message: with the user's own line if it is one of a user's file; None for a fault of ours."""
    file = users_file(problem)
    line = None if file is None else users_line(error, file)
    if line is None:
        return str(error) if isinstance(error, GmnmError) else None
    name = "" if isinstance(error, GmnmError) else f"{type(error).__name__}: "
    first = str(error).splitlines()[0] if isinstance(error, SyntaxError) else str(error)
    return f"{line}\n  {name}{first}"


@contextmanager
def _warnings_told() -> Iterator[list[str]]:
    """Warnings of this library are told in a line each, once, and collected."""
    told: list[str] = []
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def tell(message: Any, category: type[Warning], *where: Any, **options: Any) -> None:
            if not issubclass(category, NumericalWarning):
                usual(message, category, *where, **options)
            elif str(message) not in told:
                told.append(str(message))
                print(f"gmnm-pde: warning: {message}", file=sys.stderr)

        warnings.simplefilter("always", NumericalWarning)
        warnings.showwarning = tell
        yield told


class _Parser(argparse.ArgumentParser):
    """argparse with one clear line for an error, and near names for a misspelt command."""

    def error(self, message: str) -> NoReturn:
        if "invalid choice" in message and self.prog == "gmnm-pde":
            word = message.split("'")[1]
            raise GmnmError(f"there is no command '{word}'. {nearest(word, _COMMANDS)}")
        raise GmnmError(": ".join([*self.prog.split()[1:], message]))


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser, and those of the commands by name."""
    parser = _Parser(prog="gmnm-pde", description="Solve differential equations with Gaussian mixture networks.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {gmnm_pde.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    of_commands = {}
    for name, command in _COMMANDS.items():
        of_command = commands.add_parser(name, help=command.HELP, description=command.DESCRIPTION, allow_abbrev=False)
        command.add_arguments(of_command)
        of_command.set_defaults(run=command.run)
        of_commands[name] = of_command
    return parser, of_commands
