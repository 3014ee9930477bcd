"""``gmnm-pde list``: the problems that have a name."""

import argparse

from gmnm_pde import registry

HELP = "name the problems"
DESCRIPTION = "Name the problems of the registry."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command takes no arguments."""


def run(options: argparse.Namespace) -> int:
    """Print each problem with the first line of its docstring."""
    names = registry.names()
    width = max(map(len, names))
    for name in names:
        summary = (registry.factory(name).__doc__ or "").strip().splitlines()
        print(f"{name:<{width}}  {summary[0] if summary else ''}")
    return 0
