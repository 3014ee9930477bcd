"""Whether a problem can be solved on boxes: what is asked of it, and in words what it lacks."""

from collections.abc import Sequence
from dataclasses import dataclass

from gmnm_pde.geometry import Domain, GivenPoints, Region
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.geometry.flat import flat_side
from gmnm_pde.geometry.region import unknown_normal
from gmnm_pde.statement.conditions import Periodic
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_MOST_DIMENSIONS = 3
"""The most coordinates."""

_PLANE = 2
"""Boundaries that are not made of sides of boxes are curves."""

_MOST_CHARTS = 64
"""The most of them."""

_HIGHEST = 4
"""The highest order of equations."""


class Unsuited(Exception):
    """In words, why a problem is not solved on boxes."""


@dataclass(frozen=True)
class Statements:
    """A problem that can be solved on boxes.

    Attributes:
        problem: What is solved.
        equations: The terms that hold inside.
        others: The terms that hold on flat sides.
        data: Those that hold at given points.
        across: How many traces each field has: as many as the order of the equations in it, and as conditions ask for.
        periodic: The axes along which the last boxes meet the first ones.
    """

    problem: Problem
    equations: tuple[Term, ...]
    others: tuple[Term, ...]
    data: tuple[Term, ...] = ()
    across: tuple[int, ...] = (2,)
    periodic: tuple[int, ...] = ()


def read(problem: Problem) -> Statements:
    """The problem with its terms sorted.

    Raises:
        Unsuited: it is not made of equations of at most fourth order in a box or a shape in the plane with conditions
            on the boundary; in three coordinates it is not linear.
    """
    domain = problem.domain
    if not is_box(domain):
        _check_shape(domain)
        if _periodic(problem):
            raise Unsuited("a shape that is no box is periodic")
    if domain.dimension > _MOST_DIMENSIONS:
        raise Unsuited(f"there are more than {_MOST_DIMENSIONS} coordinates")
    if problem.parameters:
        raise Unsuited("numbers are solved for, too")
    if problem.lift is not None or problem.periodic:
        raise Unsuited("conditions are met by construction")
    if domain.dimension == _MOST_DIMENSIONS:
        _refuse_in_space(problem)
    if not 0 < problem.order <= _HIGHEST:
        raise Unsuited("the equation is of no order from 1 to 4")
    inside = tuple(term for term in problem.terms if term.group == "interior")
    data = tuple(term for term in problem.terms if isinstance(term.region, GivenPoints))
    ends = tuple(term for term in problem.terms if term.partner is not None)
    others = tuple(term for term in problem.terms if term not in (*inside, *data, *ends))
    for term in (*inside, *others, *data):
        _check(term, problem)
    if sum(len(term.trace.names) for term in inside) < len(problem.fields):
        raise Unsuited("there are fewer equations than fields")
    return Statements(problem, inside, others, data, _across(problem, inside, others), _periodic(problem))


def _check_shape(domain: Domain) -> None:
    """Refuse a domain whose boundary does not consist of a few smooth curves in the plane, or surfaces in space."""
    if domain.time or not _PLANE <= domain.dimension <= _MOST_DIMENSIONS or domain.parts or not domain.solid:
        raise Unsuited("the domain is neither a box nor a shape in the plane or in space")
    charts = domain.boundary_charts()
    smooth = all(c.given is None and c.nodes is None and c.normal not in (None, unknown_normal) for c in charts)
    if not smooth or len(charts) > _MOST_CHARTS:
        raise Unsuited("the boundary is not given by a few smooth pieces")


def _refuse_in_space(problem: Problem) -> None:
    if problem.domain.time:
        raise Unsuited("there is time beside two coordinates")
    if not problem.linear:
        raise Unsuited("the problem is nonlinear in three coordinates")
    if _periodic(problem):
        raise Unsuited("it is periodic in three coordinates")


def _periodic(problem: Problem) -> tuple[int, ...]:
    """The axes along which all fields are periodic."""
    names = {condition.coordinate for condition in problem.conditions if isinstance(condition, Periodic)}
    return tuple(k for k, name in enumerate(problem.domain.coordinates) if name in names)


def _across(problem: Problem, inside: Sequence[Term], others: Sequence[Term]) -> tuple[int, ...]:
    """How many traces each field has; one that is solved for alone has values and derivatives."""
    counts = [2 if len(problem.fields) == 1 else 1] * len(problem.fields)
    for term in inside:
        for field, alpha in term.trace.asked:
            counts[field] = max(counts[field], sum(alpha))
    for term in others:
        flats = [flat_side(chart) for chart in term.region.charts] if isinstance(term.region, Region) else []
        for axis in {flat[0] for flat in flats if flat}:
            for field, alpha in term.trace.asked:
                counts[field] = max(counts[field], 1 + alpha[axis])
    return tuple(counts)


def _check(term: Term, problem: Problem) -> None:
    """Refuse a term that is none of an equation inside, of a condition on a flat side, or of exact data at points."""
    if term.trace.over_space or term.boost != 1.0:
        raise Unsuited(f"'{term.name}' is not pointwise")
    if term.noise is not None:
        raise Unsuited(f"'{term.name}' is noisy")
    if isinstance(term.region, GivenPoints):
        if not term.trace.linear:
            raise Unsuited(f"'{term.name}' is nonlinear at given points")
        return
    if term.group == "interior":
        if term.region.predicates:
            raise Unsuited(f"'{term.name}' holds in a part of the domain")
        return
    for chart in term.region.charts:
        flat = flat_side(chart)
        if flat is None and is_box(problem.domain):
            raise Unsuited(f"'{term.name}' does not hold on a flat side")
        if flat is not None and any(alpha[flat[0]] >= _HIGHEST for alpha in term.trace.alphas):
            raise Unsuited(f"'{term.name}' has derivatives of fourth order across its side")
