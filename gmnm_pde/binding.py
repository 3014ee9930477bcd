"""Arguments of a user's functions are bound by name: this file reads the names."""

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import torch

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

    A name that is not available itself may stand for numbered ones: x for x_1, x_2, ..., which it gets as one vector.

    Raises:
        GmnmError: ``function`` asks for a name that is not ``available``.
    """
    names = argument_names(function, call=call, rest=rest)
    numbered = {} if all(name in available for name in names) else vectors_of(available)
    for name in names:
        if name not in available and name not in numbered:
            raise GmnmError(
                f"{call}: {describe(function)} asks for '{name}', expected one of {', '.join(available) or 'nothing'}. "
                + nearest(name, available)
            )
    if rest is None or rest_name(function, call=call) is None:
        called = lambda values: function(**{name: values[name] for name in names})  # noqa: E731
    else:
        called = _with_rest(function, names, call)
    together = {name: numbered[name] for name in names if name not in available}
    return called if not together else lambda values: called(_Together(values, together))


class _Together(dict[str, Any]):
    """Values by name, in which some names stand for numbered ones as a vector."""

    def __init__(self, values: Mapping[str, Any], vectors: Mapping[str, Sequence[str]]):
        super().__init__({name: torch.stack([values[one] for one in ones]) for name, ones in vectors.items()})
        self._values = values

    def __missing__(self, name: str) -> Any:
        return self._values[name]


def numbered(name: str, count: int) -> tuple[str, ...]:
    """The names of the components of a vector: x_1, x_2, ..."""
    return tuple(f"{name}_{k}" for k in range(1, count + 1))


def vectors_of(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """What numbered names have in common, and in order the names that have it: x, for x_1, x_2, ..."""
    counts: dict[str, int] = {}
    for name in names:
        found = re.fullmatch(r"(.+)_(\d+)", name)
        if found and int(found[2]) == counts.get(found[1], 0) + 1:
            counts[found[1]] = int(found[2])
    return {name: numbered(name, count) for name, count in counts.items() if count > 1}


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
