"""Arguments of a user's functions are bound by name: this file reads the names."""

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

from gmnm_pde._errors import GmnmError, nearest, refuse


def argument_names(function: Callable[..., Any], *, call: str) -> tuple[str, ...]:
    """The names of the arguments that ``function`` must be given; those with a default are left alone."""
    if not callable(function):
        raise refuse(call, expected="a function of fields and coordinates", got=repr(function))
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise refuse(
            call,
            expected="a function whose arguments have names",
            got=repr(function),
            remedy="Wrap it: lambda x, y: f(x, y).",
        ) from None
    unnamed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    names = []
    for parameter in parameters:
        if parameter.kind in unnamed:
            raise refuse(
                call,
                expected="arguments with names, since they are bound by name",
                got=f"the argument '{parameter}' of {describe(function)}",
                remedy="Write the fields and coordinates out, as in lambda u, x, y: ...",
            )
        if parameter.default is inspect.Parameter.empty:
            names.append(parameter.name)
    return tuple(names)


def bind(function: Callable[..., Any], available: Collection[str], *, call: str) -> Callable[[Mapping[str, Any]], Any]:
    """A caller that picks the arguments of ``function`` by name from a mapping.

    Raises:
        GmnmError: ``function`` asks for a name that is not ``available``.
    """
    names = argument_names(function, call=call)
    for name in names:
        if name not in available:
            raise GmnmError(
                f"{call}: {describe(function)} asks for '{name}', expected one of {', '.join(available) or 'nothing'}. "
                + nearest(name, available)
            )
    return lambda values: function(**{name: values[name] for name in names})


def describe(function: Callable[..., Any]) -> str:
    """A function as a reader would find it: its name and arguments."""
    name = getattr(function, "__name__", type(function).__name__)
    try:
        return f"{'the lambda' if name == '<lambda>' else name}{inspect.signature(function)}"
    except (TypeError, ValueError):
        return name
