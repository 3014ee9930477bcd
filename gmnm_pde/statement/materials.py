"""A problem on a domain of several parts: each equation and condition stated for every part, and where parts meet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Protocol

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.geometry import GivenPoints, Parted, Region
from gmnm_pde.sampling import sample
from gmnm_pde.statement.interfaces import Interface, Meeting
from gmnm_pde.statement.scope import Coefficient, Scope, branch
from gmnm_pde.statement.terms import Term


class Stated(Protocol):
    """What is seen of a problem."""

    domain: Any
    name: str
    fields: tuple[str, ...]
    parameters: dict[str, float]
    constants: dict[str, float]
    coefficients: dict[str, Coefficient]

    @property
    def branches(self) -> tuple[str, ...]:
        """The unknown functions: the fields, or each of them in each part."""
        ...

    def traced(self, term: Term) -> Term:
        """The term with its trace."""
        ...


def by_part(equations: Any, domain: Any, read: Callable[[Any], dict[str, Callable]]) -> dict[str, dict[str, Callable]]:
    """The equations by part and name: the same in all parts, or stated for each; ``read`` names those of one part.

    Raises:
        GmnmError: they are stated for some parts and not for others.
    """
    parts = tuple(domain.parts) or ("",)
    stated = set(equations) & set(parts) if isinstance(equations, Mapping) else set()
    if not stated:
        return dict.fromkeys(parts, read(equations))
    other = [key for key in equations if key not in parts]
    missing = [part for part in parts if part not in equations]
    if other or missing:
        got = f"'{other[0]}'" if other else f"none for '{missing[0]}'"
        remedy = nearest(other[0], parts) if other else ""
        call = "Problem(domain, {...})"
        raise refuse(call, expected=f"equations for each part: {', '.join(parts)}", got=got, remedy=remedy)
    return {part: read(equations[part]) for part in parts}


def in_part(problem: Stated, term: Term, part: str) -> Term | None:
    """The term in one part, after which its residuals are called; None where it does not hold anywhere there."""
    rows = None
    region: Region | GivenPoints | None
    domain: Parted = problem.domain
    if isinstance(term.region, GivenPoints):
        rows = (domain.owner(term.region.points) == list(domain.parts).index(part)).nonzero()[:, 0]
        region = replace(term.region, points=term.region.points[rows]) if len(rows) else None
    else:
        region = domain.beside(term.region, part)
    if region is None:
        return None
    if term.partner is not None:
        _refuse_other_part(domain, term, region, part)
    known = (problem.constants, problem.coefficients, part, problem.fields)
    inner, data = term.residual, term.data
    if data is not None:
        value = data.value
        data = replace(data, field=branch(data.field, part), value=lambda scope: value(Scope(scope, *known, rows=rows)))
    return replace(
        term,
        region=region,
        residual=lambda scope: inner(Scope(scope, *known, rows=rows)),
        data=data,
        parts=(part,),
        suffix=f".{part}",
    )


def in_parts(problem: Stated, term: Term) -> list[Term]:
    """The term in each part where it holds."""
    found = [made for part in problem.domain.parts if (made := in_part(problem, term, part)) is not None]
    return [replace(found[0], suffix="")] if len(found) == 1 else found


def interfaces(
    problem: Stated,
    equations: Mapping[str, Mapping[str, Callable[[Mapping[str, Any]], Any]]],
    interior: Sequence[Term],
    stated: Sequence[Interface],
) -> list[Term]:
    """The terms that hold where parts meet.

    Raises:
        GmnmError: parts do not meet where a law is stated, or it cannot be told what is continuous.
    """
    domain, terms, used = problem.domain, [], []
    space = [domain.coordinates.index(name) for name in domain.space]
    orders = dict.fromkeys(range(len(problem.branches)), 0)
    for number, alpha in (key for term in interior for key in term.trace.asked):
        orders[number] = max(orders[number], sum(alpha[axis] for axis in space))
    known = {
        "fields": problem.fields,
        "branches": problem.branches,
        "equations": equations,
        "orders": orders,
        "constants": problem.constants,
        "coefficients": problem.coefficients,
        "parameters": problem.parameters,
    }
    for pair in combinations(domain.parts, 2):
        own = [law for law in stated if set(law.between) == set(pair)]
        between = own[0].between if own else pair
        region = domain.interface(*between)
        if region is None:
            continue
        if not own:
            meeting = Meeting(domain, between, region, **known)
            terms.append(problem.traced(meeting.continuity()))
            continue
        laws = []
        for law in own:
            meeting = Meeting(domain, law.between, domain.interface(*law.between), **known)
            laws.append(problem.traced(meeting.law(law)))
            used.append(law)
        _refuse_too_few(laws, Meeting(domain, between, region, **known).wanted())
        terms.extend(laws)
    for law in stated:
        if law not in used:
            _refuse_interface(problem, law)
    return terms


def _refuse_too_few(laws: Sequence[Term], wanted: int | None) -> None:
    count = sum(len(law.trace.names) for law in laws)
    if wanted is not None and count != wanted:
        raise refuse(
            f"Interface '{laws[0].name}'",
            expected=f"{wanted} residuals, since as many fields and fluxes would be continuous there",
            got=f"{count}",
            remedy="Return a tuple or a dict: {'flux': flux.a - flux.b, 'jump': u.b - u.a}.",
        )


def _refuse_interface(problem: Stated, law: Interface) -> None:
    for name in law.between:
        if name not in problem.domain.parts:
            raise refuse(
                f"Interface(between={law.between})",
                expected=f"parts of the domain: {', '.join(problem.domain.parts) or 'it has none'}",
                got=f"'{name}'",
                remedy=nearest(name, problem.domain.parts),
            )
    raise refuse(f"Interface(between={law.between})", expected="two parts that meet", got="two that do not touch")


def _refuse_other_part(domain: Parted, term: Term, region: Any, part: str) -> None:
    """Refuse a periodic condition that binds one part to another."""
    assert term.partner is not None
    cloud = sample(region, 64, "sobol", seed=1)
    inside = cloud.points if cloud.normals is None else cloud.points - 1e-6 * domain.extent * cloud.normals
    other = domain.owner(term.partner(inside)) != domain.owner(inside)
    if bool(other.any()):
        name = list(domain.parts)[int(domain.owner(term.partner(inside))[other][0])]
        got = f"'{part}' at one end and '{name}' at the other"
        raise refuse(f"Periodic: '{term.name}'", expected="the same part at both ends", got=got)


def refuse_without_equation(problem: Stated, interior: Sequence[Term]) -> None:
    """Refuse a field that occurs in no equation of some part."""
    asked = {number for term in interior for number, _ in term.trace.asked}
    for number, name in enumerate(problem.branches):
        if number not in asked:
            field, part = name.rsplit(".", 1)
            got = f"none in '{part}'"
            raise refuse(f"{problem.name}: the field '{field}'", expected="an equation in every part", got=got)
