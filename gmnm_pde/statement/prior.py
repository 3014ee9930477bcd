"""A prior for fields that data do not determine: that they are smooth."""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any

from gmnm_pde.operators import diff
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

PRIOR = "smooth"
"""The name of the term that says so."""


def with_prior(problem: Problem, fields: Sequence[str]) -> Problem:
    """The problem with all second derivatives in space of some fields among its residuals, or in time alone."""
    space = problem.domain.space or problem.domain.time

    def bends(scope: Mapping[str, Any]) -> dict[str, Any]:
        return {
            f"{PRIOR}_{field}_{x}{y}": (1.0 if x == y else 2**0.5) * diff(scope[field], x, y)
            for field in fields
            for x, y in combinations_with_replacement(space, 2)
        }

    term = Term(PRIOR, "interior", problem.domain.interior, bends)
    return problem.restated([*problem.terms, problem.traced(term)])
