"""Points where several parts of a domain meet: how singular a solution may be there."""

from functools import lru_cache

import torch

from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize, zero_jets
from gmnm_pde.sampling import sample
from gmnm_pde.statement.problem import Problem

_PLACES = 16
"""Points of each interface that are looked at."""

_NONE = 1e-9
"""A jump of this part of what jumps is none."""


@lru_cache(maxsize=16)
def are_weak(problem: Problem) -> bool:
    """Whether fields and fluxes go on through every interface of a linear problem as if there were none.

    Then only sources and lower terms jump. Where their jumps meet, second derivatives grow as a logarithm, which high
    degrees resolve to many digits; where factors of fluxes jump a solution may be as singular as one likes.
    """
    fields, branches = len(problem.fields), len(problem.branches)
    for term in problem.terms:
        if term.group != "interface":
            continue
        cloud = sample(term.region, _PLACES, "sobol", seed=1)
        points = cloud.points
        scalars = [points.new_tensor(float(value)) for value in problem.parameters.values()]
        laws = linearize(problem, Placed(term, cloud), points, zero_jets(term, points, branches), scalars)
        if not all(_goes_on(law, fields) for law in laws.values()):
            return False
    return True


def _goes_on(law: Linearized, fields: int) -> bool:
    """Whether a law says that the same on both sides is equal."""
    largest = max((slope.abs().max().item() for slope in law.slopes.values()), default=0.0)
    sums: dict[tuple[int, tuple[int, ...]], torch.Tensor] = {}
    for (branch, alpha), slope in law.slopes.items():
        key = branch % fields, tuple(alpha)
        sums[key] = sums.get(key, torch.zeros_like(slope)) + slope
    jumps = max((total.abs().max().item() for total in sums.values()), default=0.0)
    return max(jumps, law.residual.abs().max().item()) <= _NONE * largest
