"""A problem at later times: the same equations and conditions, begun with what a solution ends with."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

from gmnm_pde._errors import refuse
from gmnm_pde.geometry import Domain, GivenPoints, Region
from gmnm_pde.jets import KnownFields
from gmnm_pde.statement.conditions import Initial, Statement
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term


def extended(problem: Problem, known: KnownFields, until: dict[str, Any], scalars: dict[str, float]) -> Problem:
    """The problem from the end of a solution to a later time.

    Args:
        problem: What was solved.
        known: Its solution.
        until: The later end, by the name of the time.
        scalars: The values found for unknown parameters, which are constants from then on.

    Raises:
        GmnmError: there is no time, the end is not later, or a condition cannot be continued.
    """
    call = f"solution.extended({', '.join(f'{name}={value!r}' for name, value in until.items())})"
    start, end = _times(problem, known, until, call)
    domain = problem.domain.during(start, end)
    conditions: list[Statement] = []
    starts: list[tuple[str, int]] = []
    for condition in problem.conditions:
        stated = condition.terms(problem.setting) if problem.is_termwise(condition) else []
        if isinstance(condition, Initial):
            found = condition.prescribed(problem.setting)
        else:
            found = [_start(problem, term, call) for term in stated if term.group == "initial"]
        if not found:
            conditions.append(_moved(condition, stated, problem.domain, domain, call))
        starts += found
    if not starts:
        raise refuse(call, expected="a problem with initial values", got="one without")
    for field, order in dict.fromkeys(starts):
        ends: dict[str, Any] = {field: known}
        conditions.append(Initial(order=order, **ends))
    return problem.remade(
        domain=domain,
        conditions=conditions,
        parameters={},
        constants={**problem.constants, **scalars},
        events=[event for event, there in zip(problem.stated["events"], problem.events, strict=True) if not there.at],
        breaks=(),
    )


def _times(problem: Problem, known: KnownFields, until: dict[str, Any], call: str) -> tuple[float, float]:
    """The time at which the solution ends, and the later one."""
    if not problem.domain.time:
        raise refuse(call, expected="a problem in time", got=f"one on {problem.domain}")
    name = problem.domain.time[0]
    if list(until) != [name] or not isinstance(until[name], Real):
        raise refuse(call, expected=f"a later end, as in {name}=2.0", got=f"{until or 'none'}")
    start, end = known.bounds[known.coordinates.index(name)][1], float(until[name])
    if not end > start:
        raise refuse(call, expected=f"a time after {name}={start:g}, at which the solution ends", got=f"{end:g}")
    if known.ends < start:
        raise refuse(
            call,
            expected=f"a solution up to {name}={start:g}",
            got=f"one that ends at {name} = {known.ends:g}, as by an event that stops it",
            remedy="Let the event change the state, or state a problem that begins there.",
        )
    return start, end


def _start(problem: Problem, term: Term, call: str) -> tuple[str, int]:
    """Which field, and which of its time derivatives, an initial condition prescribes."""
    if term.data is not None:
        return term.data.field, term.data.order
    trace = problem.traced(term).trace
    axis = problem.domain.coordinates.index(problem.domain.time[0])
    single = [(number, alpha[axis]) for number, alpha in trace.asked if sum(alpha) == alpha[axis]]
    if len(trace.asked) != 1 or not single or not trace.linear or problem.domain.parts:
        raise refuse(
            call,
            expected="initial conditions that each prescribe a field or a time derivative of one",
            got=f"'{term.name}', which binds several",
            remedy="State them by Initial(...).",
        )
    ((number, order),) = single
    return problem.fields[number], order


def _moved(condition: Statement, stated: Sequence[Term], before: Domain, after: Domain, call: str) -> Statement:
    """The condition at later times; most regions find themselves again, those of the interior are made anew."""
    regions = list(_regions(stated, before, call))
    inside = [region for region in regions if all(chart.normal is None for chart in region.charts)]
    if not inside:
        return condition
    moved = copy.copy(condition)
    moved.on = replace(after.interior, predicates=inside[0].predicates, name=inside[0].name)  # type: ignore[attr-defined]
    return moved


def _regions(stated: Sequence[Term], domain: Domain, call: str) -> Iterator[Region]:
    """The regions of the terms of a condition that holds at all times."""
    for term in stated:
        if isinstance(term.region, GivenPoints):
            got = f"'{term.name}' at given points"
            remedy = "State the later problem with the points that it has."
            raise refuse(call, expected="conditions that hold at all times", got=got, remedy=remedy)
        flat = [chart.flat[0] for chart in term.region.charts if chart.flat is not None]
        if any(domain.coordinates[axis] in domain.time for axis in flat):
            raise refuse(call, expected="conditions that hold at all times", got=f"'{term.name}' at one time")
        yield term.region
