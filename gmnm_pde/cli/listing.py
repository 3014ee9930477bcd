"""``gmnm-pde list``: the problems that have a name."""

import argparse
import inspect

from gmnm_pde import registry
from gmnm_pde._errors import GmnmError, nearest
from gmnm_pde.cli.common import to_json

HELP = "name the problems"
DESCRIPTION = "Name the problems of the registry, with their parameters; with words, those that have all of them."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("words", nargs="*", help="words of the name or the description, such as wave or inverse")
    parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")


def run(options: argparse.Namespace) -> int:
    """Print each problem with the first line of its docstring, and its parameters below."""
    found = [name for name in registry.names() if _has(name, options.words)]
    if not found:
        wanted = " ".join(options.words)
        raise GmnmError(
            f"list {wanted}: no problem has that in its name or description. {nearest(wanted, registry.names())}"
        )
    if options.json:
        print(to_json({name: {"summary": _summary(name), "parameters": _parameters(name)} for name in found}))
        return 0
    width = max(map(len, found))
    for name in found:
        print(f"{name:<{width}}  {_summary(name)}")
        parameters = ", ".join(f"{key}={value}" for key, value in _parameters(name).items())
        if parameters:
            print(f"{'':<{width}}  --set {parameters}")
    return 0


def _has(name: str, words: list[str]) -> bool:
    text = f"{name} {registry.factory(name).__doc__}".lower()
    return all(word.lower() in text for word in words)


def _summary(name: str) -> str:
    lines = (registry.factory(name).__doc__ or "").strip().splitlines()
    return lines[0] if lines else ""


def _parameters(name: str) -> dict[str, object]:
    """The parameters with their defaults, in words where they are no plain values."""
    defaults = {key: one.default for key, one in inspect.signature(registry.factory(name)).parameters.items()}
    plain = (bool, int, float, str, type(None))
    return {key: value if isinstance(value, plain) else str(value) for key, value in defaults.items()}
