"""Events: what happens when a function of the fields is zero, or at known times; stopping, and jumps of the state."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import torch

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.binding import argument_names
from gmnm_pde.geometry import Domain
from gmnm_pde.jets import Alpha
from gmnm_pde.operators import diff
from gmnm_pde.statement import observables
from gmnm_pde.statement.observables import Function, observable
from gmnm_pde.statement.terms import Term
from gmnm_pde.statement.values import check_value
from gmnm_pde.statement.vectors import spread

_DIRECTIONS = (-1, 0, 1)


@dataclass(frozen=True)
class Event:
    """Something that happens while a problem evolves in time: ``Event(lambda h: h, direction=-1, stop=True)``.

    With space, an event is where the largest value that its function has anywhere rises through zero, or the smallest
    falls.

    Args:
        function: A function of fields, coordinates and scalars, by name; the event is where it is zero.
        direction: 1 where it must rise through zero, -1 where it must fall, 0 for both.
        stop: Whether the solution ends there.
        change: What fields are afterwards: by field a number or a function of what they were before,
            ``{"v": lambda v: -0.8 * v}``. A time derivative of a field in an equation of higher order is ``h_t``.
        at: In place of a function, the time or times at which it happens, as of doses.
        name: In reports; by default event_1, event_2 and so on.
    """

    function: Callable[..., Any] | None = None
    direction: int = 0
    stop: bool = False
    change: Mapping[str, Any] | None = None
    at: float | Sequence[float] = ()
    name: str | None = None

    def __post_init__(self) -> None:
        times = read_times(self.at, "Event(at=...)")
        object.__setattr__(self, "at", times)
        if (self.function is None) == (not times):
            expected = "a function of the fields, or at=[...], the times at which it happens"
            got = "neither" if self.function is None else "both"
            raise refuse("Event(...)", expected=expected, got=got)
        if self.function is not None and not callable(self.function):
            raise refuse("Event(function, ...)", expected="a function of fields and time", got=repr(self.function))
        if self.direction not in _DIRECTIONS or isinstance(self.direction, bool):
            raise refuse("Event(direction=...)", expected="1, -1 or 0", got=repr(self.direction))
        if times and self.direction:
            got = f"{self.direction}, with at=..."
            raise refuse("Event(direction=...)", expected="0 for an event at known times", got=got)
        if not isinstance(self.stop, bool):
            raise refuse("Event(stop=...)", expected="True or False", got=repr(self.stop))
        if self.change is not None and not (isinstance(self.change, Mapping) and self.change):
            example = "{'v': lambda v: -0.8 * v}"
            raise refuse(
                "Event(change=...)", expected=f"a dict from fields to values, as in {example}", got=repr(self.change)
            )
        for field, value in (self.change or {}).items():
            check_value(value, f"Event(change={{'{field}': ...}})")
        if self.name is not None and not isinstance(self.name, str):
            raise refuse("Event(name=...)", expected="a string", got=repr(self.name))


@dataclass(frozen=True)
class Change:
    """What a field, or its time derivative of an order, is after an event.

    Attributes:
        field: Its name.
        order: Which time derivative; 0 is the field's own value.
        value: Gives it at points of a frame, from what is there before: ``value.evaluate(frame, values)``.
    """

    field: str
    order: int
    value: Term


@dataclass(frozen=True)
class Happening:
    """An event in a problem.

    Attributes:
        name: Of the event.
        function: Is zero where it happens, ``function.evaluate(frame, values)[name]``; None for one at known times.
        at: These times, in order.
        direction: 1 where the function must rise through zero, -1 where it must fall, 0 for both.
        stop: Whether the solution ends there.
        changes: Of the state; what is not among them stays.
    """

    name: str
    function: Term | None
    at: tuple[float, ...]
    direction: int
    stop: bool
    changes: tuple[Change, ...]


class Stated(observables.Stated, Protocol):
    """What is seen of a problem."""

    fields: tuple[str, ...]
    vectors: dict[str, tuple[str, ...]]


def read_events(events: Any) -> list[Event]:
    """Events from one or several."""
    listed = [events] if isinstance(events, Event) else [] if events is None else events
    if not isinstance(listed, list | tuple) or not all(isinstance(event, Event) for event in listed):
        raise refuse("Problem(events=[...])", expected="events, as in Event(lambda h: h, stop=True)", got=repr(events))
    return list(listed)


def read_times(times: Any, call: str) -> tuple[float, ...]:
    """Times in order, each once, from one or several numbers."""
    given = times.tolist() if hasattr(times, "tolist") else times
    listed = [given] if isinstance(given, Real) else given
    if not isinstance(listed, list | tuple) or not all(isinstance(time, Real) for time in listed):
        raise refuse(call, expected="times", got=repr(times))
    found = sorted({float(time) for time in listed})
    if not all(torch.tensor(found).isfinite().tolist()):
        raise refuse(call, expected="finite times", got=repr(times))
    return tuple(found)


def within(times: tuple[float, ...], domain: Domain, call: str) -> tuple[float, ...]:
    """The times, refusing those that a domain does not have."""
    for time in times:
        start, end = time_of(domain, call)
        if not start <= time <= end:
            raise refuse(call, expected=f"times from {start:g} to {end:g}", got=f"{time:g}")
    return times


def time_of(domain: Domain, call: str) -> tuple[float, float]:
    """The times at which a domain begins and ends."""
    if not domain.time:
        raise refuse(call, expected="a domain with time", got=f"{domain}", remedy="Multiply by Time(t=(0, 1)).")
    return domain.bounds[domain.coordinates.index(domain.time[0])]


def happenings(problem: Stated, events: Any, orders: Mapping[str, Alpha]) -> tuple[Happening, ...]:
    """Events as those of a problem, after each of their functions has been run once.

    Args:
        problem: What they belong to.
        events: One or several, as the user gave them.
        orders: How often each field is differentiated by each coordinate.

    Raises:
        GmnmError: something else is given, or a function or a field that there is not.
    """
    found: list[Happening] = []
    for k, event in enumerate(read_events(events), start=1):
        name = event.name or f"event_{k}"
        if name in [other.name for other in found]:
            raise refuse("Problem(events=[...])", expected="events with names of their own", got=f"'{name}' twice")
        found.append(_happening(problem, event, name, orders))
    return tuple(found)


def _happening(problem: Stated, event: Event, name: str, orders: Mapping[str, Alpha]) -> Happening:
    call, domain = f"Event '{name}'", problem.domain
    time_of(domain, call)
    if domain.parts:
        raise refuse(call, expected="a problem without parts", got=f"one on {domain}")
    assert isinstance(event.at, tuple)
    function = None
    if event.function is not None:
        function = observable(problem, name, _bound(problem, event.function, orders, call), call, unknown=True)
    changes = [
        change
        for key, value in (event.change or {}).items()
        for change in _changes(problem, key, value, orders, f"{call}: change={{'{key}': ...}}")
    ]
    return Happening(name, function, within(event.at, domain, call), int(event.direction), event.stop, tuple(changes))


def _changes(problem: Stated, key: str, value: Any, orders: Mapping[str, Alpha], call: str) -> list[Change]:
    """The changes of a field, of its time derivative, or of all components of a vector."""
    field, order = _field_and_order(problem, key, orders, call)
    names = problem.vectors.get(field)
    values = {field: value} if names is None else spread(value, names, call)
    return [Change(one, order, _changed(problem, one, given, orders, call)) for one, given in values.items()]


def _field_and_order(problem: Stated, key: Any, orders: Mapping[str, Alpha], call: str) -> tuple[str, int]:
    """Which field a key such as h, or h_t, means, and which time derivative of it."""
    known, state = (*problem.fields, *problem.vectors), _derivatives(problem, orders)
    if key in known:
        return key, 0
    if key in state:
        return state[key]
    expected = f"a field of the problem, one of {', '.join((*known, *state))}"
    raise refuse(call, expected=expected, got=repr(key), remedy=nearest(str(key), (*known, *state)))


def _derivatives(problem: Stated, orders: Mapping[str, Alpha]) -> dict[str, tuple[str, int]]:
    """The time derivatives that are part of the state, such as h_t: of which field, and the order."""
    time = problem.domain.time[0]
    axis = problem.domain.coordinates.index(time)
    return {
        f"{name}_{time * order}": (name, order)
        for name in (*problem.fields, *problem.vectors)
        for order in range(1, max(orders[one][axis] for one in problem.vectors.get(name, (name,))))
    }


def _bound(problem: Stated, function: Callable[..., Any], orders: Mapping[str, Alpha], call: str) -> Function:
    """A user's function as one of a scope; it may ask for the time derivatives of the state by their names."""
    names, time = argument_names(function, call=call, rest=()), problem.domain.time[0]
    known = {*problem.fields, *problem.vectors, *problem.domain.coordinates}
    state = {name: own for name, own in _derivatives(problem, orders).items() if name in names and name not in known}
    if not state:
        return problem.bound(function, call)

    def spelled(**values: Any) -> Any:
        slopes = {name: diff(values[field], *[time] * order) for name, (field, order) in state.items()}
        return function(**{name: slopes[name] if name in slopes else values[name] for name in names})

    wanted = dict.fromkeys([*(name for name in names if name not in state), *(field for field, _ in state.values())])
    keywords = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in wanted]
    spelled.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    return problem.bound(spelled, call)


def _changed(problem: Stated, field: str, value: Any, orders: Mapping[str, Alpha], call: str) -> Term:
    """The term of a new value, a number or a function."""
    if callable(value) and not isinstance(value, torch.Tensor):
        return observable(problem, field, _bound(problem, value, orders, call), call)
    number = torch.as_tensor(value, dtype=torch.float64)
    if number.numel() != 1 or not number.isfinite().all():
        raise refuse(call, expected="a finite number, or a function of the fields before", got=repr(value))
    constant = number.item()
    return observable(problem, field, lambda scope: constant, call)
