"""Many fields as one vector: ``fields=("y", 20)`` stands for y_1 to y_20, and functions that ask for y get them all."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.binding import bind, numbered, rest_name
from gmnm_pde.jets import KnownFields, Stack

Vectors = Mapping[str, tuple[str, ...]]
"""By the name of each vector, the names of its components, which are fields."""


def read_fields(fields: Any) -> tuple[tuple[str, ...] | None, dict[str, tuple[str, ...]]]:
    """The names of all fields, None where they are to be found out, and the vectors among them.

    ``fields`` is a list of names, each of which may be followed by, or paired with, a number of components.
    """
    if fields is None:
        return None, {}
    names: list[str] = []
    vectors: dict[str, tuple[str, ...]] = {}
    for entry in _entries(fields):
        name, count = entry
        if count is not None:
            vectors[name] = numbered(name, count)
        names.extend(vectors.get(name, (name,)))
    twice = [name for name in (*names, *vectors) if (*names, *vectors).count(name) > 1]
    if twice:
        raise refuse("Problem(fields=...)", expected="fields with names of their own", got=f"'{twice[0]}' twice")
    return tuple(names), vectors


def _entries(fields: Any) -> Iterator[tuple[str, int | None]]:
    """Names with the number of their components, None where they are no vectors."""
    listed = [fields] if isinstance(fields, str) else list(fields) if isinstance(fields, tuple | list) else [None]
    while listed:
        name, count = listed.pop(0), None
        if isinstance(name, tuple | list) and len(name) == 2:
            name, count = name
        elif listed and isinstance(listed[0], Integral):
            count = listed.pop(0)
        whole = count is None or (isinstance(count, Integral) and not isinstance(count, bool) and int(count) > 0)
        if not isinstance(name, str) or not whole:
            expected = "a list of names, or names with a number of components as in ('y', 20)"
            raise refuse("Problem(fields=...)", expected=expected, got=repr(fields))
        yield name, None if count is None else int(count)


def bind_fields(
    function: Callable[..., Any], names: Sequence[str], fields: Sequence[str], vectors: Vectors, *, call: str
) -> Callable[[Mapping[str, Any]], Any]:
    """A caller of a function of ``names``, which hold the fields, and of vectors; ``*u`` gets the fields not named."""
    rest = rest_of(function, fields, vectors, call=call)
    bound = bind(function, (*names, *vectors), call=call, rest=rest)
    return (lambda scope: bound(_WithVectors(scope, vectors))) if vectors else bound


def rest_of(function: Callable[..., Any], fields: Sequence[str], vectors: Vectors, *, call: str) -> tuple[str, ...]:
    """The fields that a function with ``*arguments`` gets: the components of a vector of that name, or all fields."""
    return vectors.get(rest_name(function, call=call) or "", tuple(fields))


class _WithVectors(Mapping[str, Any]):
    """A scope in which the names of vectors stand for all their components."""

    def __init__(self, scope: Mapping[str, Any], vectors: Vectors):
        self._scope, self._vectors = scope, vectors

    def __getitem__(self, name: str) -> Any:
        if name not in self._vectors:
            return self._scope[name]
        parts = [self._scope[component] for component in self._vectors[name]]
        return Stack(parts, parts[0].frame)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._scope, *self._vectors])

    def __len__(self) -> int:
        return len(self._scope) + len(self._vectors)


def spread(value: Any, names: Sequence[str], call: str, points: int | None = None) -> dict[str, Any]:
    """The values of the components of a vector, from one for all: a number, [k] numbers, or a function that gives k.

    Args:
        value: What the user gave.
        names: The components.
        call: For messages.
        points: How many points the user gave, if so; then values are [points, k].
    """
    count = len(names)
    if isinstance(value, KnownFields):
        return dict.fromkeys(names, value)
    if callable(value) and not isinstance(value, Tensor):
        return {name: _component(value, k, count, call) for k, name in enumerate(names)}
    if isinstance(value, Real):
        return dict.fromkeys(names, value)
    try:
        data = torch.as_tensor(value, dtype=torch.float64).detach()
    except (TypeError, ValueError, RuntimeError):
        raise refuse(call, expected=f"{count} numbers, or a function that gives them", got=repr(value)) from None
    if data.ndim == 0:
        return dict.fromkeys(names, data)
    shape = (count,) if points is None else (points, count)
    if data.shape != shape:
        what = "one number for each component" if points is None else "a row of components for each point"
        raise refuse(call, expected=f"{what}, shape {shape}", got=f"shape {tuple(data.shape)}")
    return dict(zip(names, data.unbind(-1), strict=True))


def rows_of(values: Any, count: int, call: str) -> Sequence[Any]:
    """The components of what a function gave: a list, a tuple, or a tensor [k, ...]."""
    if not isinstance(values, tuple | list | Stack | Tensor) or len(values) != count:
        got = f"{len(values)}" if isinstance(values, tuple | list | Stack) else f"a {type(values).__name__}"
        if isinstance(values, Tensor):
            got = f"shape {tuple(values.shape)}"
        raise refuse(call, expected=f"{count} components, as a list or by torch.stack([...])", got=got)
    return list(values)


def _component(function: Callable[..., Any], number: int, count: int, call: str) -> Callable[..., Any]:
    """A function of the same arguments that gives one component alone."""

    @functools.wraps(function)  # the arguments are bound by name
    def component(*columns: Any, **named: Any) -> Any:
        return rows_of(function(*columns, **named), count, call)[number]

    return component
