"""How many points each term gets, and where: to fit on, and to hold out."""

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from gmnm_pde.geometry import GivenPoints, Region
from gmnm_pde.residuals import Placed
from gmnm_pde.sampling import Cloud, sample, stream
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_FACE_DENSITY = 1.5
"""Boundary points along an edge for each interior point along it; 1 to 2 are alike on the Poisson and wave problems."""

_LEAST = 24
"""The least points of a condition on a small part of the boundary, where the number of all together is given."""

_TENSOR_DIMENSIONS = 3
"""Up to this many coordinates Chebyshev grids are used; beyond, they have too few points a side, and Sobol is used."""


@dataclass(frozen=True)
class Counts:
    """How many points: in the interior, and on all conditions together (None: chosen by the interior's density)."""

    interior: int
    boundary: int | None = None


def counts_for(problem: Problem, unknowns: int, oversampling: float) -> Counts:
    """Enough interior points that the equations alone have ``oversampling`` rows for each unknown."""
    by_part: dict[tuple[str, ...], int] = {}
    for term in problem.terms:
        if term.group == "interior":
            by_part[term.parts] = by_part.get(term.parts, 0) + len(term.trace.names)
    residuals = max(by_part.values(), default=0)
    return Counts(max(16, math.ceil(oversampling * unknowns / max(1, residuals))))


def place(problem: Problem, counts: Counts, *, seed: int, rule: str | None = None) -> list[Placed]:
    """Points to fit on: Chebyshev grids, which are denser at the boundary, or Sobol points in many dimensions."""
    rule = rule or rule_for(problem)
    return [Placed(term, _cloud(problem, term, counts, rule, seed, k)) for k, term in enumerate(problem.terms)]


def rule_for(problem: Problem) -> str:
    """The rule for points to fit on: ``chebyshev`` in few dimensions, else ``sobol``."""
    return "chebyshev" if problem.domain.dimension <= _TENSOR_DIMENSIONS else "sobol"


def without_data(placed: list[Placed]) -> list[Placed]:
    """The terms but for data at given points, of which none are held out; if there are no others, all."""
    return [p for p in placed if not isinstance(p.term.region, GivenPoints)] or placed


def hold_out(problem: Problem, counts: Counts, *, seed: int, most: int = 1500) -> list[Placed]:
    """Held-out points, which are never fitted: Sobol in the interior and on the conditions; data have none."""
    fewer = Counts(min(most, counts.interior), counts.boundary)
    terms = [term for term in problem.terms if not isinstance(term.region, GivenPoints)]
    terms = terms or list(problem.terms)
    return [
        Placed(term, _cloud(problem, term, fewer, "sobol", stream(seed, "held out"), k)) for k, term in enumerate(terms)
    ]


_Key = tuple[int, int, int]

_LAST: WeakKeyDictionary[Problem, dict[_Key, tuple[int, str, Cloud]]] = WeakKeyDictionary()
"""The last points of each term of a problem and seed: a search for widths asks for the same again and again."""


def _cloud(problem: Problem, term: Term, counts: Counts, rule: str, seed: int, number: int) -> Cloud:
    count, last, key = _count(problem, term, counts), _LAST.setdefault(problem, {}), (id(term), number, seed)
    known = last.get(key)
    if known is None or known[:2] != (count, rule):
        known = last[key] = count, rule, sample(term.region, count, rule, seed=stream(seed, "term", number))
    return known[2]


def _count(problem: Problem, term: Term, counts: Counts) -> int:
    if isinstance(term.region, GivenPoints):
        return len(term.region.points)
    if term.group == "interior":
        return counts.interior
    stated = [other.region for other in problem.terms if other.group != "interior" and isinstance(other.region, Region)]
    if counts.boundary is not None:
        total = sum(region.measure for region in stated)
        least = min(_LEAST, counts.boundary // len(stated)) if any(p.dimension for p in term.region.charts) else 0
        return max(len(term.region.charts), least, round(counts.boundary * term.region.measure / total))
    side = _FACE_DENSITY * counts.interior ** (1 / problem.domain.dimension)
    natural = sum(side**chart.dimension for chart in term.region.charts)
    return max(len(term.region.charts), round(min(natural, 2 * counts.interior / len(stated))))
