"""A problem during a part of its time, a time slab, that begins with known values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry import Domain, Parted, Region
from gmnm_pde.jets import Alpha
from gmnm_pde.operators import diff
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

Before = Callable[[Tensor, Sequence[Alpha]], Mapping[Alpha, Tensor]]
"""Derivatives of all fields at points [n, d]: for each multi-index, [n, fields]."""


def during(problem: Problem, start: float, end: float, before: Before | None = None) -> Problem:
    """The problem for times from ``start`` to ``end``.

    Args:
        problem: A problem whose domain has time.
        start: The time at which the part begins.
        end: The time at which it ends.
        before: What the fields are up to ``start``; None at the problem's own beginning, whose initial conditions stay.

    Raises:
        GmnmError: the problem cannot be taken apart in time.
    """
    domain = problem.domain.during(start, end)
    terms = []
    for term in problem.terms:
        if not isinstance(term.region, Region):
            raise refuse(
                f"{problem.name}: blocks in time",
                expected="conditions on regions alone",
                got=f"'{term.name}' at given points",
                remedy="Solve without blocks: observations bind all times together.",
            )
        if term.group == "interface":
            moved = replace(term, region=_interface(domain, term))
        elif term.group == "interior":
            moved = replace(term, region=_in_parts(domain, domain.interior, term))
        elif term.group == "initial":
            region = replace(domain.initial, predicates=term.region.predicates)
            moved = replace(term, region=_in_parts(domain, region, term))
            if before is not None:
                moved = replace(moved, residual=_continued(problem, term, before))
        else:
            region = domain.adopt(term.region)
            if region is None:
                raise refuse(
                    f"{problem.name}: blocks in time",
                    expected="conditions that hold at all times, or initially",
                    got=f"'{term.name}' on {term.region.name}",
                )
            moved = replace(term, region=_in_parts(domain, region, term))
        terms.append(moved)
    return problem.restated(terms, domain=domain)


def _interface(domain: Domain, term: Term) -> Region:
    """Where the two parts of a term meet."""
    assert isinstance(domain, Parted)
    region = domain.interface(*term.parts)
    assert region is not None  # they met at all times
    return region


def _in_parts(domain: Domain, region: Region, term: Term) -> Region:
    """The part of a region that belongs to the term's part of the domain."""
    if not (isinstance(domain, Parted) and term.parts):
        return region
    own = domain.beside(region, term.parts[0])
    assert own is not None  # there was one at all times
    return own


def _continued(problem: Problem, term: Term, before: Before) -> Callable[[Mapping[str, Any]], Any]:
    """The residual of an initial condition that takes its value from the time before."""
    if len(term.trace.asked) != 1 or not term.trace.linear:
        raise refuse(
            f"{problem.name}: blocks in time",
            expected="initial conditions that each prescribe a field or a derivative of one",
            got=f"'{term.name}', which binds several",
        )
    ((number, alpha),) = term.trace.asked
    names = [name for name, order in zip(problem.domain.coordinates, alpha, strict=True) for _ in range(order)]
    field = problem.branches[number]

    def residual(scope: Mapping[str, Any]) -> Any:
        columns = [scope[name].tensor for name in problem.domain.coordinates]
        with torch.no_grad():
            value = before(torch.stack(columns, dim=1), (alpha,))[alpha][:, number]
        return (diff(scope[field], *names) if names else 1.0 * scope[field]) - value

    return residual
