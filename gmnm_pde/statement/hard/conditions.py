"""Which conditions are met by construction, and the problem that is left without them."""

from collections.abc import Sequence
from typing import Literal

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.geometry import Ball, Region
from gmnm_pde.sampling import sample
from gmnm_pde.statement.hard.lift import lift_for
from gmnm_pde.statement.hard.offsets import value_of
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_SPACE = 3
"""In more dimensions than these conditions may be what is hard to show."""

_POINTS = 64
"""Points at which data are held to be constant."""


def meet_exactly(problem: Problem, hard: str | Sequence[str] | Literal[True]) -> Problem:
    """The problem for v, where u = offset + factor v meets some of the conditions whatever v is.

    Args:
        problem: The problem for u, as the user stated it.
        hard: Names of terms (``dirichlet_u``) or groups (``boundary``, ``initial``), or ``periodic``; True is every
            Dirichlet, Initial and Periodic condition that holds on whole faces.

    Raises:
        GmnmError: there is no such condition, or one cannot be met exactly; the message says why.
    """
    if hard is not True and not isinstance(hard, str | tuple | list):
        raise refuse("solve(hard=...)", expected="True, or names of conditions", got=repr(hard))
    able = [term for term in problem.terms if _able(term)]
    chosen = able if hard is True else _named(problem, able, (hard,) if isinstance(hard, str) else hard)
    if not chosen:
        raise refuse(
            f"{problem.name}: solve(hard=True)",
            expected="a Dirichlet, Initial or Periodic condition on whole faces",
            got=", ".join(term.name for term in problem.terms if term.group != "interior") or "none",
            remedy="Leave hard out.",
        )
    periodic = {_axis(term) for term in chosen if term.partner is not None}
    dropped = [term for term in problem.terms if term in chosen or (term.partner and _axis(term) in periodic)]
    data = [term for term in chosen if term.data is not None]
    lift = lift_for(problem.name, problem.domain, problem.fields, data) if data else None
    kept = [term for term in problem.terms if term not in dropped]
    if lift is not None:
        kept = [problem.traced(lift.applied(term)) for term in kept]
    return problem.restated(kept, lift=lift, periodic=sorted(periodic), met=[term.name for term in dropped])


def is_hard_to_meet(problem: Problem) -> bool:
    """Whether there are many dimensions, and a condition that is not met by construction, but may be."""
    return problem.domain.dimension > _SPACE and not problem.met and any(_able(term) for term in problem.terms)


def is_constant_on_a_sphere(problem: Problem) -> bool:
    """Whether all conditions are a constant for each field, all over the edge of a ball of more than three dimensions.

    There a field is that constant and (r^2 - |x|^2) times one as smooth as itself, and in many dimensions the
    conditions are hard to show otherwise.
    """
    conditions = [term for term in problem.terms if term.group != "interior"]
    able = [term for term in conditions if _able(term) and term.data is not None]
    if not isinstance(problem.domain, Ball) or problem.domain.dimension <= _SPACE or len(able) < len(conditions):
        return False
    if len(able) != len(problem.fields):
        return False
    points = sample(problem.domain.interior, _POINTS).points
    values = [value_of("solve(...)", problem.domain, term)(points) for term in able]
    return all(bool((value == value[0]).all()) for value in values)


def _able(term: Term) -> bool:
    """Whether a term can be met exactly: values of a field on whole faces, or periodicity."""
    whole = isinstance(term.region, Region) and not term.region.predicates
    return whole and (term.partner is not None or (term.data is not None and term.group in ("boundary", "initial")))


def _named(problem: Problem, able: Sequence[Term], names: Sequence[str]) -> list[Term]:
    """The terms that are named, by their own names or by those of groups."""
    known = {term.name: [term] for term in able}
    for term in able:
        known.setdefault(term.group, []).append(term)
        if term.partner is not None:
            known.setdefault("periodic", []).append(term)
    for name in names:
        if name not in known:
            raise refuse(
                f"{problem.name}: solve(hard={names!r})",
                expected=f"conditions that can be met exactly, among {', '.join(known) or 'which there are none'}",
                got=repr(name),
                remedy=nearest(str(name), known),
            )
    chosen = {id(term) for name in names for term in known[name]}
    return [term for term in able if id(term) in chosen]


def _axis(term: Term) -> int:
    """The number of the coordinate along which a term is periodic."""
    assert isinstance(term.region, Region)
    flat = term.region.charts[0].flat
    assert flat is not None
    return flat[0]
