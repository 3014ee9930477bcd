"""Exact solutions: a function of coordinates, or one for each part of the domain."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.binding import bind
from gmnm_pde.geometry import Parted
from gmnm_pde.jets import Quantity, Stack, columns_by_name
from gmnm_pde.statement.vectors import Vectors, rows_of

_CALL = "Problem(exact=...)"


class Stated(Protocol):
    """What is seen of a problem."""

    name: str
    domain: Any
    fields: tuple[str, ...]
    parameters: dict[str, float]
    exact: Any
    vectors: dict[str, tuple[str, ...]]


def check_exact(problem: Stated) -> None:
    """Refuse an exact solution that asks for other names than coordinates, or that parts or fields have none of."""
    exact, domain = problem.exact, problem.domain
    if exact is None:
        return
    for part in domain.parts if _is_by_part(exact, domain) else ("",):
        own = _of_part(exact, part)
        if isinstance(own, Mapping):
            _refuse_other_names(problem, own)
        for name, function in own.items() if isinstance(own, Mapping) else [("", own)]:
            if callable(function) or not name:
                bind(function, domain.coordinates, call=f"Problem(exact={{'{name}': ...}})" if name else _CALL)


def exact_columns(problem: Stated, columns: Sequence[Tensor], part: str) -> tuple[dict[str, Tensor], dict[str, float]]:
    """See ``Problem.exact_columns``."""
    if problem.exact is None:
        raise refuse(f"{problem.name}: exact", expected="a problem with an exact solution", got="none")
    if _is_by_part(problem.exact, problem.domain) and not part:
        return _by_part(problem, problem.domain, columns)
    values = _evaluated(_of_part(problem.exact, part), problem.domain.coordinates, columns)
    named = _by_field(values, problem.vectors) if isinstance(values, Mapping) else _named(values, problem.fields)
    _refuse_other_names(problem, named)
    like = columns[0]
    fields = {name: _column(named[name], like, name) for name in problem.fields}
    return fields, {name: float(named[name]) for name in problem.parameters if name in named}


def _by_part(problem: Stated, domain: Parted, columns: Sequence[Tensor]) -> tuple[dict[str, Tensor], dict[str, float]]:
    """The exact fields of the part that each point lies in."""
    every = [exact_columns(problem, columns, part) for part in domain.parts]
    values = torch.stack([column for fields, _ in every for column in fields.values()], dim=1)
    own = domain.own(values, torch.stack([column.detach() for column in columns], dim=1))
    return dict(zip(problem.fields, own.unbind(1), strict=True)), every[0][1]


def _is_by_part(exact: Any, domain: Any) -> bool:
    """Whether there is an exact solution for each part, rather than for each field."""
    return isinstance(exact, Mapping) and bool(set(exact) & set(domain.parts))


def _of_part(exact: Any, part: str) -> Any:
    """The exact solution in a part: its own, or that of the whole domain."""
    if not part or not isinstance(exact, Mapping):
        return exact
    if part not in exact:
        raise refuse("Problem(exact={...})", expected="a function for each part", got=f"none for '{part}'")
    return exact[part]


def _evaluated(exact: Any, coordinates: Sequence[str], columns: Sequence[Tensor]) -> Any:
    """What an exact solution gives, a function of coordinates or a function or number for each field."""
    if isinstance(exact, Mapping):
        return {name: _evaluated(own, coordinates, columns) if callable(own) else own for name, own in exact.items()}
    return bind(exact, coordinates, call=_CALL)(columns_by_name(coordinates, columns))


def _refuse_other_names(problem: Stated, named: Mapping[str, Any]) -> None:
    """Refuse exact values that lack a field, or belong to none."""
    known = {one for name in named for one in problem.vectors.get(name, (name,))}
    if not set(problem.fields) <= known <= {*problem.fields, *problem.parameters}:
        raise refuse("exact(...)", expected=f"the fields {', '.join(problem.fields)}", got=f"{', '.join(named)}")


def _by_field(values: Mapping[str, Any], vectors: Vectors) -> dict[str, Any]:
    """The values by name, of vectors those of their components."""
    named: dict[str, Any] = {}
    for name, value in values.items():
        names = vectors.get(name)
        rows = [value] if names is None else rows_of(value, len(names), f"exact(...): {name}")
        named.update(zip(names or (name,), rows, strict=True))
    return named


def _named(values: Any, fields: Sequence[str]) -> dict[str, Any]:
    if isinstance(values, Tensor | Stack) and values.ndim and len(fields) > 1:
        values = list(values)
    values = values if isinstance(values, tuple | list) else (values,)
    if len(values) != len(fields):
        raise refuse("exact(...)", expected=f"{len(fields)} field(s): {', '.join(fields)}", got=len(values))
    return dict(zip(fields, values, strict=True))


def _column(value: Any, like: Tensor, name: str) -> Tensor:
    """What an exact solution gave for a field, a number or one number per point, as [n]."""
    tensor = (
        value.tensor if isinstance(value, Quantity) else torch.as_tensor(value, dtype=like.dtype, device=like.device)
    )
    if tensor.ndim and tensor.shape != like.shape:
        raise refuse(f"exact(...): {name}", expected=f"shape {tuple(like.shape)}", got=f"{tuple(tensor.shape)}")
    return tensor.expand(like.shape)
