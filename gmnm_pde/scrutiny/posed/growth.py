"""How quickly short waves grow in time, by the symbol of the equations: whether a problem in time is well-posed.

Waves that grow the faster the shorter they are, as those of heat backwards, make a problem ill-posed: what the values
at the beginning do not show, since it is small there, is large later.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import eig

from gmnm_pde.geometry import Region
from gmnm_pde.residuals.pointwise import probed
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term, by_parts

_WAVES, _MORE = 50.0, 400.0
"""Waves along the space that are looked at, and more of them, beside which it is seen whether growth has a bound."""

_UNBOUNDED = 1.5
"""There is no bound where the latter grow so many times as fast."""

_DIRECTIONS, _PLACES = 4, 8

_LOST = 30.0
"""Waves that grow by more than the exponential of this are rounding before the time is over."""


def grows_without_bound(problem: Problem) -> bool:
    """Whether short waves grow without bound from where values in time are given: the beginning, or else the end.

    Nonlinear equations that begin at the beginning are not looked at: their growth depends on the solution; nor are
    equations in places of the domain alone.
    """
    domain = problem.domain
    if len(domain.time) != 1 or domain.dimension < 2 or problem.parameters:
        return False
    axis = domain.coordinates.index(domain.time[0])
    start, end = domain.bounds[axis]
    at_start = any(term.group == "initial" for term in problem.terms)
    at_end = any(term.group == "boundary" and term.holds_at(axis, end) for term in problem.terms)
    equations = [term for term in problem.terms if term.group == "interior" and isinstance(term.region, Region)]
    somewhere = any(isinstance(own.region, Region) and own.region.predicates for own in equations)
    if at_start == at_end or somewhere or (at_start and not problem.linear):
        return False
    most, sign = _LOST / (end - start), 1.0 if at_start else -1.0
    parts = by_parts(equations).values()
    return any(bool(_unbounded(problem, own, axis, sign, most).any()) for own in parts)


def _unbounded(problem: Problem, equations: Sequence[Term], axis: int, sign: float, most: float) -> np.ndarray:
    """At which places [n], in which directions [m], waves grow so, where some equations hold, [n, m]."""
    names = [name for term in equations for name in term.trace.names]
    if len(names) != len(problem.fields):
        return np.zeros((1, 1), dtype=bool)
    few, many = np.moveaxis(_rates(problem, equations, axis, (_WAVES, _MORE), sign), 1, 0)
    return (few > most) & (many > _UNBOUNDED * few)


def _rates(problem: Problem, equations: Sequence[Term], axis: int, waves: Sequence[float], sign: float) -> np.ndarray:
    """How fast waves grow at most, so many of them along the space, [places, waves, directions]."""
    fields, generator = len(problem.fields), torch.Generator().manual_seed(0)
    space = [k for k in range(problem.domain.dimension) if k != axis]
    extents = np.array([problem.domain.bounds[k][1] - problem.domain.bounds[k][0] for k in space])
    directions = torch.randn(_DIRECTIONS, len(space), generator=generator, dtype=torch.float64).numpy()
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    numbers = (2j * math.pi * np.reshape(waves, (-1, 1, 1)) * directions / extents).reshape(-1, len(space))
    order = max(1, *(alpha[axis] for term in equations for _, alpha in term.trace.asked))
    pencils = np.zeros((_PLACES, len(numbers), order + 1, fields, fields), dtype=complex)
    row = 0
    for term in equations:
        points = sample(term.region, 2 * _PLACES, "sobol", seed=1).points  # in shapes about so many
        points = points.repeat(1 + _PLACES // len(points), 1)[:_PLACES]
        for own in probed(problem, term, Cloud(points), generator).values():
            for (branch, alpha), slope in own.slopes.items():
                symbol = (numbers ** np.array([alpha[k] for k in space])).prod(axis=1)
                pencils[:, :, alpha[axis], row, branch % fields] += slope.numpy()[:, None] * symbol
            row += 1
    flat = pencils.reshape(-1, order + 1, fields, fields)
    return np.array([_fastest(pencil, sign) for pencil in flat]).reshape(_PLACES, len(waves), _DIRECTIONS)


def _fastest(pencil: np.ndarray, sign: float) -> float:
    """The largest real part, times ``sign``, of the finite z for which sum_j pencil[j] z^j is singular."""
    order, n = len(pencil) - 1, pencil.shape[1]
    left, right = np.eye(order * n, k=n, dtype=complex), np.eye(order * n, dtype=complex)
    left[-n:], right[-n:, -n:] = -np.hstack(list(pencil[:-1])), pencil[-1]
    size = np.abs(left).max()
    if not size or not (np.isfinite(left).all() and np.isfinite(right).all()):
        return 0.0
    values = eig(left / size, right, right=False, homogeneous_eigvals=True)
    finite = np.abs(values[1]) > 1e-12 * np.abs(values[0])
    rates = size * sign * np.real(values[0][finite] / values[1][finite])
    return float(max(rates, default=0.0))
