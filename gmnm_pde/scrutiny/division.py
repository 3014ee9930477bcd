"""A problem whose data jump on planes, divided there into parts that are smooth each.

Between parts the fields and their fluxes are continuous, which is what an equation in divergence form means where its
coefficient jumps, and what a source that jumps leaves smooth.
"""

import math
from collections.abc import Container, Sequence

from gmnm_pde._errors import GmnmError
from gmnm_pde.geometry import Box, Domain, Product
from gmnm_pde.scrutiny.looks.feature import Feature
from gmnm_pde.statement.problem import Problem

_MOST = 64
"""The most parts that a problem is divided into unasked."""


def divided(problem: Problem, features: Sequence[Feature]) -> tuple[Problem, str] | None:
    """The problem on parts between the planes on which its equations' data jump, and in words where those are.

    None where there are none, where something sharp is left that the parts do not part, or where the statement does
    not say what holds between the parts.
    """
    domain = problem.domain
    equations = {name for term in problem.terms if term.group == "interior" for name in (term.name, *term.trace.names)}
    jumps = [feature for feature in features if _divides(feature, problem, equations)]
    planes = {feature.plane for feature in jumps}
    if not jumps or any(feature.plane not in planes and not _is_left(feature, problem) for feature in features):
        return None
    places: dict[str, list[float]] = {}
    for axis, place in sorted(plane for plane in planes if plane is not None):
        places.setdefault(domain.coordinates[axis], []).append(place)
    try:
        parted = _split(domain, places)
        if parted is None or len(parted.parts) > _MOST:
            return None
        told = " and ".join(f"{name} = {place:.6g}" for name, every in places.items() for place in every)
        return problem.on(parted), f"divided at {told}, where {jumps[0].of} jumps"
    except GmnmError:  # the statement does not say what holds there
        return None


def _divides(feature: Feature, problem: Problem, equations: Container[str]) -> bool:
    """Whether it is a jump of what an equation says, on a plane across the space."""
    if feature.kind != "jump" or feature.plane is None or feature.term not in equations:
        return False
    return problem.domain.coordinates[feature.plane[0]] not in problem.domain.time


def _is_left(feature: Feature, problem: Problem) -> bool:
    """Whether a feature may stay within parts: where problems are marched, steps and modes follow what is sharp."""
    return bool(problem.domain.time) and not feature.hidden


def _split(domain: Domain, places: dict[str, list[float]]) -> Domain | None:
    """A box, or a product of one with others, cut at places along coordinates; None for other domains."""
    if isinstance(domain, Box):
        count = math.prod(len(every) + 1 for every in places.values())
        return domain.split(at=places, names=[f"part_{number}" for number in range(1, count + 1)])
    if not isinstance(domain, Product):
        return None
    for space, other, first in ((domain.first, domain.second, True), (domain.second, domain.first, False)):
        if set(places) <= set(space.coordinates):
            parted = _split(space, places)
            return None if parted is None else parted * other if first else other * parted
    return None
