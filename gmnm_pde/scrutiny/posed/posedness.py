"""Whether a problem is well-posed, as far as can be read from its equations and where its conditions hold."""

from dataclasses import dataclass, replace

from gmnm_pde.scrutiny.characteristics import free_characteristics
from gmnm_pde.scrutiny.posed.boundary import wrong_counts
from gmnm_pde.scrutiny.posed.contradictions import Contradiction, contradictory
from gmnm_pde.scrutiny.posed.ends import missing_at_ends
from gmnm_pde.scrutiny.posed.growth import grows_without_bound
from gmnm_pde.scrutiny.posed.resonance import half_waves
from gmnm_pde.statement.problem import Problem


@dataclass(frozen=True)
class Posedness:
    """What keeps a problem from being well-posed, in words; empty where nothing was found.

    Attributes:
        free: Where conditions are missing, so that it has many solutions.
        ill_posed: Why errors of the data grow without bound, so that the data do not show all of the solution.
        contradiction: Two conditions that no function meets together.
        half_waves: How many half waves a field has across the domain that could be added at resonance; None where there
            is no such field.
    """

    free: str = ""
    ill_posed: str = ""
    contradiction: Contradiction | None = None
    half_waves: float | None = None


def posedness(problem: Problem) -> Posedness:
    """Of a problem as it was stated."""
    return replace(_posed(problem), contradiction=contradictory(problem), half_waves=half_waves(problem))


def _posed(problem: Problem) -> Posedness:
    if grows_without_bound(problem):
        why = "from where values are given in time, waves grow the faster the shorter they are, without bound"
        return Posedness(ill_posed=why)
    ends = missing_at_ends(problem)
    if ends is not None:
        return Posedness(free=f"{ends[0]} condition(s) hold on the interval, and its equations take {ends[1]}")
    few, many = wrong_counts(problem)
    if few is None:
        return Posedness(free=free_characteristics(problem))
    free = few.described(problem.domain.coordinates)
    if many is None:
        return Posedness(free=free)
    return Posedness(ill_posed=f"{free}, and {many.described(problem.domain.coordinates)}")
