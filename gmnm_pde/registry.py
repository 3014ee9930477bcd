"""Problems by name, from this library and from other distributions.

The files of ``gmnm_pde.problems`` are found in the installed package; other distributions add theirs through the
entry-point group ``gmnm_pde.problems``, each entry a function that returns a Problem.
"""

import importlib
import importlib.metadata
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

from gmnm_pde._doors import front_door
from gmnm_pde._errors import nearest, refuse
from gmnm_pde.statement.problem import Problem

_PACKAGE = "gmnm_pde.problems"
"""Where this library's problems are, and the name of the entry-point group for those of others."""


def names() -> list[str]:
    """The names of all problems, sorted."""
    package = importlib.import_module(_PACKAGE)
    own = {module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")}
    return sorted(own | set(_entry_points()))


@front_door
def load(name: str, **parameters: Any) -> Problem:
    """The problem called ``name``, with its parameters, as in ``load("poisson", wave_number=2)``.

    Raises:
        GmnmError: there is no such problem, or it takes no such parameter.
    """
    function = factory(name)
    known = inspect.signature(function).parameters
    for parameter in parameters:
        if parameter not in known:
            raise refuse(
                f"load('{name}', {parameter}=...)",
                expected=f"a parameter of {name}: {', '.join(known) or 'none'}",
                got=f"'{parameter}'",
                remedy=nearest(parameter, known),
            )
    return function(**parameters)


def factory(name: str) -> Callable[..., Problem]:
    """The function that makes the problem called ``name``; its docstring states equation, domain and source."""
    if name not in names():
        raise refuse(f"load('{name}')", expected="the name of a problem", got=repr(name), remedy=nearest(name, names()))
    if name in _entry_points():
        return _entry_points()[name].load()
    return getattr(importlib.import_module(f"{_PACKAGE}.{name}"), name)


def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    """The problems of other distributions."""
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=_PACKAGE)}
