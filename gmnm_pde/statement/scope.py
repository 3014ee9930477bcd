"""What the functions of a problem ask for by name: coordinates, fields and scalars, in a part where there are parts."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.geometry import Domain
from gmnm_pde.jets import KnownFields
from gmnm_pde.jets.values import Coordinate
from gmnm_pde.statement.known import known_value
from gmnm_pde.statement.values import ROWS, check_value
from gmnm_pde.statement.vectors import Vectors, bind_fields

Coefficient = Mapping[str, Any]
"""Of one coefficient: by part, a number or a function of a scope; under the empty name where there are no parts."""


def branch(field: str, part: str) -> str:
    """The name of a field in a part, which is an unknown function of its own."""
    return f"{field}.{part}"


class Scope(Mapping[str, Any]):
    """Values by name, looked up when they are asked for.

    Args:
        values: Coordinates, fields and parameters.
        constants: Known scalars.
        coefficients: Known functions, by part.
        part: The part at hand, whose fields and coefficients are meant; empty where there are no parts.
        fields: The names of the fields.
        shift: How far the coordinates are moved into the part, [n, d], so that functions that jump at its boundary give
            their values in it.
        rows: Which of the user's points these are.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        constants: Mapping[str, float],
        coefficients: Mapping[str, Coefficient],
        part: str = "",
        fields: Sequence[str] = (),
        *,
        shift: Tensor | None = None,
        rows: Tensor | None = None,
    ):
        self._values, self._constants, self._coefficients = values, constants, coefficients
        self._part, self._shift, self._rows = part, shift, rows
        self._branches = {field: branch(field, part) for field in fields} if part else {}

    def __getitem__(self, name: str) -> Any:
        if name in self._branches:
            return self._values[self._branches[name]]
        if name in self._coefficients:
            value = self._coefficients[name][self._part]
            return value(self) if callable(value) else value
        if name == ROWS and self._rows is not None:
            return self._rows
        value = self._constants[name] if name in self._constants else self._values[name]
        if self._shift is not None and isinstance(value, Coordinate):
            axis = value.frame.names.index(name)
            return Coordinate(value.tensor + self._shift[:, axis], value.frame, name)
        return value

    def __iter__(self) -> Iterator[str]:
        rows = () if self._rows is None else (ROWS,)
        return iter([*self._branches, *self._coefficients, *self._constants, *self._values, *rows])

    def __len__(self) -> int:
        return len(list(iter(self)))


def read_coefficients(
    given: Mapping[str, Any] | None,
    domain: Domain,
    known: Sequence[str],
    available: Sequence[str],
    vectors: Vectors = MappingProxyType({}),
) -> dict[str, Coefficient]:
    """Coefficients by name and part.

    Args:
        given: By name a number, a function, or one of these for each part.
        domain: With the parts.
        known: Names that have another meaning.
        available: Names that functions may ask for.
        vectors: Names that stand for several fields.

    Raises:
        GmnmError: a name is taken, a part has no value, or there is no such part.
    """
    read = {}
    for name, values in (given or {}).items():
        call = f"coefficients={{'{name}': ...}}"
        if name in known or not isinstance(name, str) or not name.isidentifier():
            raise refuse(call, expected="a name of its own", got=repr(name))
        if not isinstance(values, Mapping):
            values = dict.fromkeys(domain.parts or ("",), values)
        elif not domain.parts:
            remedy = "Split it: domain.split(by=shape, names=(...))."
            raise refuse(call, expected="a domain with parts", got=f"{domain}, which has none", remedy=remedy)
        for part in values:
            if part not in domain.parts and part:
                parts = ", ".join(domain.parts)
                remedy = nearest(part, domain.parts)
                raise refuse(call, expected=f"a part of the domain, one of {parts}", got=f"'{part}'", remedy=remedy)
        missing = [part for part in domain.parts if part not in values]
        if missing:
            raise refuse(call, expected="a value in every part", got=f"none for '{missing[0]}'")
        read[name] = {
            part: known_value(value, name, domain, call)
            if isinstance(value, KnownFields)
            else _value(value, available, vectors, f"{call[:-5]}{part or name}: ...")
            for part, value in values.items()
        }
    return read


def _value(value: Any, available: Sequence[str], vectors: Vectors, call: str) -> Any:
    """A number as it is, or a function as one of a scope."""
    check_value(value, call)
    if callable(value) and not isinstance(value, Tensor):
        return bind_fields(value, available, (), vectors, call=call)
    number = torch.as_tensor(value, dtype=torch.float64)
    if number.numel() != 1 or not torch.isfinite(number).all():
        raise refuse(call, expected="a finite number, or a function", got=repr(value))
    return number.item()
