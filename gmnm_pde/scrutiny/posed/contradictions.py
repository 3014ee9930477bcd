"""Conditions that say different things of the same at the same places, as two values of a field on one side."""

import itertools
from dataclasses import dataclass, replace

import torch

from gmnm_pde.geometry import Region
from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize, zero_jets
from gmnm_pde.sampling import sample
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_PLACES = 32
"""Points on which conditions are compared."""

_ALIKE = 1e-9
"""Rows that differ by no more than this part are the same but for a factor."""


@dataclass(frozen=True)
class Contradiction:
    """Two conditions, by the names of their residuals, that no function meets together, and on what."""

    first: str
    second: str
    place: str

    def described(self) -> str:
        """It in words."""
        if self.first == self.second:
            return f"'{self.first}' is stated twice on {self.place}, with values that contradict each other"
        return f"'{self.first}' and '{self.second}' on {self.place} contradict each other"


def contradictory(problem: Problem) -> Contradiction | None:
    """Two conditions that ask for other values of the same on a piece of the boundary; None if there are none."""
    terms = [term for term in problem.terms if _is_plain(term)]
    if problem.parameters or len(terms) < 2:
        return None
    for one, other in itertools.combinations(terms, 2):
        place = _shared(one, other) if one.parts == other.parts else None
        if place is None or not set(one.trace.asked) & set(other.trace.asked):
            continue
        rows = [_rows(problem, term, place) for term in (one, other)]
        for (name, own), (others_name, others) in itertools.product(rows[0].items(), rows[1].items()):
            if _differ(own, others):
                return Contradiction(name, others_name, place.charts[0].name)
    return None


def _is_plain(term: Term) -> bool:
    condition = term.group in ("boundary", "initial") and isinstance(term.region, Region) and term.partner is None
    return condition and term.trace.linear and not term.trace.over_space


def _shared(one: Term, other: Term) -> Region | None:
    """The pieces of the boundary, without further bounds, on which both hold; None if there are none."""
    assert isinstance(one.region, Region) and isinstance(other.region, Region)
    known = [(chart.name, chart.measure, chart.keep) for chart in other.region.charts]
    both = tuple(chart for chart in one.region.charts if (chart.name, chart.measure, chart.keep) in known)
    bounded = one.region.predicates or other.region.predicates
    return replace(one.region, charts=both) if both and not bounded else None


def _rows(problem: Problem, term: Term, place: Region) -> dict[str, Linearized]:
    cloud = sample(place, _PLACES, "sobol", seed=0)
    zero = zero_jets(term, cloud.points, len(problem.branches))
    return linearize(problem, Placed(term, cloud), cloud.points, zero, ())


def _differ(one: Linearized, other: Linearized) -> bool:
    """Whether two rows ask for other values of the same."""
    own, others = ({key: slope for key, slope in row.slopes.items() if bool(slope.any())} for row in (one, other))
    if not own or set(own) != set(others):
        return False
    key = max(own, key=lambda key: own[key].abs().max().item())
    if not bool((others[key] != 0).all()):
        return False
    factor = own[key] / others[key]
    gaps = [(slope - factor * others[k]).abs() for k, slope in own.items()]
    values = torch.stack([one.residual, factor * other.residual])
    same = all(bool((gap <= _ALIKE * own[key].abs()).all()) for gap in gaps)
    return same and bool((values[0] - values[1]).abs().median() > _ALIKE * values.abs().max())
