"""A solution of another problem as a value: initial, on the boundary, or a coefficient."""

from collections.abc import Callable, Mapping
from typing import Any

from gmnm_pde._errors import refuse
from gmnm_pde.geometry import Domain
from gmnm_pde.jets import KnownFields

_SLACK = 1e-9
"""A time that is no farther outside than this part of a solution's times is one of them."""


def known_value(
    known: KnownFields,
    field: str,
    domain: Domain,
    call: str,
    *,
    at: float | None = None,
    order: int = 0,
) -> Callable[[Mapping[str, Any]], Any]:
    """A known field as a function of a scope, which it asks for its own coordinates by name.

    Args:
        known: The solution.
        field: Which of its fields; where it has one alone, that.
        domain: Of the problem at hand. Where that has no time, the solution is taken at its end.
        call: For messages.
        at: The time at which it is taken; by default that of the scope.
        order: Which time derivative.

    Raises:
        GmnmError: it has no such field, or a coordinate that the problem does not have.
    """
    if field not in known.fields and len(known.fields) > 1:
        remedy = f"Say which: lambda ...: solution(...)['{known.fields[0]}']."
        got = f"one of {', '.join(known.fields)}"
        raise refuse(call, expected=f"a solution with the field '{field}'", got=got, remedy=remedy)
    number = known.fields.index(field) if field in known.fields else 0
    for name in known.coordinates:
        if name not in (*domain.coordinates, *known.time):
            raise refuse(
                call,
                expected=f"a solution whose coordinates are among {', '.join(domain.coordinates)}",
                got=f"one with '{name}'",
                remedy=f"Say where: lambda ...: solution({name}=0.5, ...).",
            )
    end = known.bounds[known.coordinates.index(known.time[0])][1] if known.time else 0.0
    fixed = {name: end if at is None else at for name in known.time if at is not None or name not in domain.coordinates}
    alpha = tuple(order if name in known.time else 0 for name in known.coordinates)

    def value(scope: Mapping[str, Any]) -> Any:
        columns = [fixed[name] if name in fixed else scope[name] for name in known.coordinates]
        return known.derivative_at(columns, alpha, call=call)[number]

    return value


def known_start(
    known: KnownFields, field: str, domain: Domain, call: str, order: int
) -> Callable[[Mapping[str, Any]], Any]:
    """A known field, or its time derivative of an order, at the time at which the domain begins, if it is known then.

    Elsewhere it is taken at its end, as for a problem that counts its time anew.
    """
    if not known.time:
        if order:
            remedy = "For a velocity that a solution gives write order=1, u=lambda x: solution(x)."
            raise refuse(call, expected="a solution with time, for a time derivative", got="one without", remedy=remedy)
        return known_value(known, field, domain, call)
    begin, end = known.bounds[known.coordinates.index(known.time[0])]
    start = domain.bounds[domain.coordinates.index(domain.time[0])][0] if domain.time else end
    slack = _SLACK * (end - begin)
    at = min(max(start, begin), end) if begin - slack <= start <= end + slack else end
    return known_value(known, field, domain, call, at=at, order=order)
