"""Whether a problem can be solved on boxes: what is asked of it, and in words what it lacks."""

from dataclasses import dataclass

from gmnm_pde.boxes.flat import flat_side
from gmnm_pde.geometry import Domain, GivenPoints
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.geometry.region import unknown_normal
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_MOST_DIMENSIONS = 3
"""The most coordinates."""

_PLANE = 2
"""Boundaries that are not made of sides of boxes are curves."""

_MOST_CHARTS = 64
"""The most of them."""

_HIGHEST = 2
"""The highest order of equations: traces are of values and first derivatives."""


class Unsuited(Exception):
    """In words, why a problem is not solved on boxes."""


@dataclass(frozen=True)
class Statements:
    """A problem that can be solved on boxes.

    Attributes:
        problem: What is solved.
        equation: The term that holds inside.
        others: The terms that hold on flat sides.
    """

    problem: Problem
    equation: Term
    others: tuple[Term, ...]


def read(problem: Problem) -> Statements:
    """The problem with its terms sorted.

    Raises:
        Unsuited: it is not one linear equation of at most second order with conditions on the sides of a box.
    """
    domain = problem.domain
    if not is_box(domain):
        _check_shape(domain)
    if domain.dimension > _MOST_DIMENSIONS:
        raise Unsuited(f"there are more than {_MOST_DIMENSIONS} coordinates")
    if domain.dimension == _MOST_DIMENSIONS and domain.time:
        raise Unsuited("there is time beside two coordinates")
    if len(problem.fields) > 1 or problem.parameters:
        raise Unsuited("more than one field is solved for")
    if problem.lift is not None or problem.periodic:
        raise Unsuited("conditions are met by construction")
    if not problem.linear:
        raise Unsuited("the problem is nonlinear")
    inside = [term for term in problem.terms if term.group == "interior"]
    if len(inside) != 1 or len(inside[0].trace.names) != 1:
        raise Unsuited("there is not one equation")
    if not 0 < problem.order <= _HIGHEST:
        raise Unsuited("the equation is not of first or second order")
    others = tuple(term for term in problem.terms if term.group != "interior")
    for term in (inside[0], *others):
        _check(term, problem)
    return Statements(problem, inside[0], others)


def _check_shape(domain: Domain) -> None:
    """Refuse a domain whose boundary does not consist of a few smooth curves in the plane."""
    if domain.time or domain.dimension != _PLANE or domain.parts or not domain.solid:
        raise Unsuited("the domain is neither a box nor a shape in the plane")
    charts = domain.boundary_charts()
    smooth = all(c.given is None and c.nodes is None and c.normal not in (None, unknown_normal) for c in charts)
    if not smooth or len(charts) > _MOST_CHARTS:
        raise Unsuited("the boundary is not given by a few smooth curves")


def _check(term: Term, problem: Problem) -> None:
    """Refuse a term that is none of an equation inside, or of a condition on a flat side."""
    if term.partner is not None or term.trace.over_space or term.boost != 1.0:
        raise Unsuited(f"'{term.name}' is not pointwise")
    if isinstance(term.region, GivenPoints) or term.noise is not None or term.group == "data":
        raise Unsuited(f"'{term.name}' holds at given points")
    if len(term.trace.names) != 1:
        raise Unsuited(f"'{term.name}' has several residuals")
    if term.group == "interior":
        if term.region.predicates:
            raise Unsuited(f"'{term.name}' holds in a part of the domain")
        return
    for chart in term.region.charts:
        flat = flat_side(chart)
        if flat is None and is_box(problem.domain):
            raise Unsuited(f"'{term.name}' does not hold on a flat side")
        if flat is not None and any(alpha[flat[0]] > 1 for alpha in term.trace.alphas):
            raise Unsuited(f"'{term.name}' has second derivatives across its side")
