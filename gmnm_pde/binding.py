"""Arguments of a user's functions are bound by name: this file reads the names."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from gmnm_pde._errors import GmnmError, nearest, refuse

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def argument_names(function: Callable[..., Any], *, call: str, rest: Sequence[str] | None = None) -> tuple[str, ...]:
    """The names of the arguments that ``function`` must be given; those with a default are left alone.

    ``*arguments`` stand for those of the names in ``rest`` that are no argument of their own; they are refused where it
    is None.
    """
    names, starred = [], False
    for parameter in _parameters(function, call):
        starred = starred or parameter.kind is inspect.Parameter.VAR_POSITIONAL
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL and rest is not None:
            continue
        if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
            remedy = "Write the fields and coordinates out, as in lambda u, x, y: ..."
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                remedy += ", or name the fields: Problem(..., fields=('u', 'v'))."
            raise refuse(
                call,
                expected="arguments with names, since they are bound by name",
                got=f"the argument '{parameter}' of {describe(function)}",
                remedy=remedy,
            )
        if parameter.default is inspect.Parameter.empty:
            names.append(parameter.name)
    others = [name for name in rest or () if name not in names]
    return (*names, *others) if starred else tuple(names)


def rest_name(function: Callable[..., Any], *, call: str) -> str | None:
    """What the ``*arguments`` of a function are called, if it has any."""
    kinds = {parameter.kind: parameter.name for parameter in _parameters(function, call)}
    return kinds.get(inspect.Parameter.VAR_POSITIONAL)


def bind(
    function: Callable[..., Any], available: Collection[str], *, call: str, rest: Sequence[str] | None = None
) -> Callable[[Mapping[str, Any]], Any]:
    """A caller that picks the arguments of ``function`` by name from a mapping; ``rest`` as in ``argument_names``.

    Raises:
        GmnmError: ``function`` asks for a name that is not ``available``.
    """
    names = argument_names(function, call=call, rest=rest)
    for name in names:
        if name not in available:
            raise GmnmError(
                f"{call}: {describe(function)} asks for '{name}', expected one of {', '.join(available) or 'nothing'}. "
                + nearest(name, available)
            )
    if rest is None or rest_name(function, call=call) is None:
        return lambda values: function(**{name: values[name] for name in names})
    return _with_rest(function, names, call)


def _with_rest(function: Callable[..., Any], names: Sequence[str], call: str) -> Callable[[Mapping[str, Any]], Any]:
    """A caller of a function that has ``*arguments``: what is before them is given by its place."""
    parameters = _parameters(function, call)
    before = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    after = [one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY and one.name in names]
    own = [*(parameter.name for parameter in before), *after]
    others = [name for name in names if name not in own]

    def called(values: Mapping[str, Any]) -> Any:
        first = [values[one.name] if one.default is inspect.Parameter.empty else one.default for one in before]
        return function(*first, *(values[name] for name in others), **{name: values[name] for name in after})

    return called


def describe(function: Callable[..., Any]) -> str:
    """A function as a reader would find it: its name and arguments."""
    name = getattr(function, "__name__", type(function).__name__)
    try:
        return f"{'the lambda' if name == '<lambda>' else name}{inspect.signature(function)}"
    except (TypeError, ValueError):
        return name


def _parameters(function: Callable[..., Any], call: str) -> list[inspect.Parameter]:
    """What a function takes."""
    if not callable(function):
        raise refuse(call, expected="a function of fields and coordinates", got=repr(function))
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise refuse(
            call,
            expected="a function whose arguments have names",
            got=repr(function),
            remedy="Wrap it: lambda x, y: f(x, y).",
        ) from None
