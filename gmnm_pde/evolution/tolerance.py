"""Tolerances: one for all fields, or by field, relative and absolute."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from gmnm_pde._errors import nearest, refuse

ByField = float | Mapping[str, float]


@dataclass(frozen=True)
class Tolerance:
    """Errors that are wanted of fields: ``solve(problem, tol=Tolerance(1e-6, absolute={"w": 1e-12}))``.

    A field is met where its error is below the relative tolerance times its size, or below the absolute one. A dict
    alone, ``tol={"w": 1e-8}``, is short for relative ones; fields that it does not name have the largest of them.

    Args:
        relative: For all fields, or by name.
        absolute: Likewise, in the units of the field; 0 for those that are not named.
    """

    relative: ByField
    absolute: ByField = 0.0

    def by_field(self, fields: Sequence[str]) -> "FieldTolerances":
        """Both for every field.

        Raises:
            GmnmError: they are no positive numbers, or name a field that there is not.
        """
        named = list(self.relative.values()) if isinstance(self.relative, Mapping) else [self.relative]
        for value in named:
            _check("relative", value, value_ok=lambda own: own > 0)
        relative = _spread("relative", self.relative, fields, max(named, default=1e-6))
        absolute = _spread("absolute", self.absolute, fields, 0.0)
        for value in absolute:
            _check("absolute", value, value_ok=lambda own: own >= 0)
        return FieldTolerances(tuple(fields), relative, absolute)


@dataclass(frozen=True)
class FieldTolerances:
    """Tolerances of each field of a problem."""

    fields: tuple[str, ...]
    relative: tuple[float, ...]
    absolute: tuple[float, ...]

    @property
    def least(self) -> float:
        """The smallest relative one."""
        return min(self.relative)

    def excess(self, errors: Mapping[str, float], sizes: Sequence[float]) -> float:
        """The largest error beside its tolerance, times the smallest tolerance: small enough where below that."""
        ratios = [
            errors[name] / max(relative, absolute / size if size else 0.0)
            for name, relative, absolute, size in zip(self.fields, self.relative, self.absolute, sizes, strict=True)
        ]
        return self.least * max(ratios)


def read_tolerance(tol: Any, fields: Sequence[str]) -> FieldTolerances | None:
    """Tolerances by field; None where there is one number for all, or none."""
    if isinstance(tol, Mapping):
        tol = Tolerance(tol)
    return tol.by_field(fields) if isinstance(tol, Tolerance) else None


def _spread(kind: str, given: ByField, fields: Sequence[str], rest: float) -> tuple[float, ...]:
    if not isinstance(given, Mapping):
        return (float(given),) * len(fields) if isinstance(given, Real) else (math.nan,)
    for name in given:
        if name not in fields:
            call = f"solve(tol=...): {kind}"
            raise refuse(call, expected="fields of the problem", got=repr(name), remedy=nearest(str(name), fields))
    return tuple(float(given.get(name, rest)) for name in fields)


def _check(kind: str, value: Any, *, value_ok: Any) -> None:
    if not (isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value) and value_ok(value)):
        raise refuse(f"solve(tol=...): {kind}", expected="positive numbers", got=repr(value))
