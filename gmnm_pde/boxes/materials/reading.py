"""A problem on a domain of several parts as one problem a part, and the laws that hold where parts meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gmnm_pde.boxes.reading import Statements, Unsuited, read
from gmnm_pde.geometry import Parted
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.scope import branch
from gmnm_pde.statement.terms import Term


@dataclass(frozen=True)
class SeveralParts(Statements):
    """A problem that can be solved on boxes of several parts.

    Attributes:
        parts: What holds in each part alone, with the fields of that part.
        meetings: What holds where two parts meet.
    """

    parts: tuple[Statements, ...] = ()
    meetings: tuple[Term, ...] = ()


def read_parts(problem: Problem) -> Statements:
    """The problem with its terms sorted, for domains with parts and without.

    Raises:
        Unsuited: it is not solved on boxes.
    """
    domain = problem.domain
    if not isinstance(domain, Parted):
        return read(problem)
    if domain.time or domain.dimension != _PLANE:
        raise Unsuited("the domain has parts and is not in the plane")
    if not problem.linear:
        raise Unsuited("the problem is nonlinear, on several parts")
    own = [read(_in_part(problem, name)) for name in domain.parts]
    if any(one.periodic for one in own) or len({len(_rows(one)) for one in own}) > 1:
        raise Unsuited("it is periodic on several parts, or parts have different numbers of equations")
    meetings = tuple(term for term in problem.terms if term.group == "interface")
    across = tuple(max(counts) for counts in zip(*(one.across for one in own), strict=True))
    own = [replace(one, across=across) for one in own]
    return SeveralParts(
        problem,
        equations=tuple(term for one in own for term in one.equations),
        others=tuple(term for one in own for term in one.others),
        data=tuple(term for one in own for term in one.data),
        across=across,
        parts=tuple(own),
        meetings=meetings,
    )


_PLANE = 2
"""Parts are told by curves in the plane."""


def _rows(statements: Statements) -> list[str]:
    return [name for term in statements.equations for name in term.trace.names]


def _in_part(problem: Problem, name: str) -> Problem:
    """What is stated in one part alone, of its own fields."""
    alone = problem.restated((), domain=problem.domain.parts[name], reference=())
    terms = [term for term in problem.terms if term.parts == (name,)]
    return alone.restated([alone.traced(_of_fields(term, problem.fields, name)) for term in terms])


def _of_fields(term: Term, fields: Sequence[str], part: str) -> Term:
    """A term of the fields in a part as one of fields."""
    inner = term.residual

    def residual(values: Mapping[str, Any]) -> Any:
        return inner({**values, **{branch(name, part): values[name] for name in fields}})

    return replace(term, residual=residual, data=None, parts=())
