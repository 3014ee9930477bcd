"""Whether a linear problem may be at resonance, and how fine the fields are that could then be added to its solution.

Where an equation of second order has a term in u that pulls back, or none, no field other than zero leaves it and its
conditions at zero. With a term that pushes, in systems, and in equations of other types there may be one, and a simple
solution, such as u = x y, is approximated long before that field is.
"""

import math

import torch

from gmnm_pde.geometry import Region
from gmnm_pde.residuals.pointwise import probed
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.scrutiny.posed.boundary import elliptic, equation_of
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_POINTS = 64


def half_waves(problem: Problem) -> float | None:
    """How many half waves a field that could be added has at most across the domain; None where there can be none.

    That is told by the coefficients of what is differentiated most and of what is not, at some points. Problems that
    begin at a time, and nonlinear ones, whose fits are finer from the beginning, are not looked at.
    """
    equations = [term for term in problem.terms if term.group == "interior" and isinstance(term.region, Region)]
    begins = any(term.group == "initial" for term in problem.terms)
    if begins or not equations or not problem.linear or not problem.order or problem.parameters or _pulls(problem):
        return None
    return max(_waves(problem, term) for term in equations)


def _waves(problem: Problem, term: Term) -> float:
    """The half waves of an equation, as if it were of one field."""
    extent = max(high - low for low, high in problem.domain.bounds)
    points = sample(term.region, _POINTS, "sobol", seed=0).points
    most = 0.0
    for own in probed(problem, term, Cloud(points), torch.Generator().manual_seed(0)).values():
        order = max((sum(alpha) for _, alpha in own.slopes), default=0)
        sizes = [torch.zeros(len(points), dtype=torch.float64) for _ in range(2)]
        for (_, alpha), slope in own.slopes.items():
            if sum(alpha) in (0, order):
                sizes[sum(alpha) > 0] = torch.maximum(sizes[sum(alpha) > 0], slope.abs())
        if order:
            ratio = (sizes[0] / sizes[1]).nan_to_num(0.0, 0.0, 0.0).median().item()
            most = max(most, ratio ** (1 / order) * extent / math.pi)
    return most


def _pulls(problem: Problem) -> bool:
    """Whether it is one elliptic equation of second order whose term in u pulls back, without conditions that push."""
    equation = equation_of(problem)
    if equation is None or problem.order != 2 or not elliptic(problem, equation):
        return False
    for term in problem.terms:
        alphas = {sum(alpha) for _, alpha in term.trace.asked}
        if term.group == "boundary" and len(alphas) > 1:
            return False
    points = sample(equation.region, _POINTS, "sobol", seed=0).points
    (own,) = probed(problem, equation, Cloud(points), torch.Generator().manual_seed(0)).values()
    zero = (0,) * problem.domain.dimension
    pull = sum((slope for (_, alpha), slope in own.slopes.items() if alpha == zero), torch.zeros(len(points)))
    curve = sum(slope for (_, alpha), slope in own.slopes.items() if sum(alpha) == 2 and max(alpha) == 2)
    return bool((pull * curve <= 0).all())
