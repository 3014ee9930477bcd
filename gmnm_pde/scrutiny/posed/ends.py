"""Intervals with fewer conditions than their equations take.

A system of ordinary differential equations takes as many as the degree of its determinant as a matrix of polynomials in
d/dx: the largest sum of orders of which each equation and each field has one, if the determinant of the coefficients
that belong to it is not zero (C. Jacobi, J. reine angew. Math. 64, 1865).
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import linprog
from torch import Tensor

from gmnm_pde.geometry import GivenPoints, Region
from gmnm_pde.residuals.pointwise import probed
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_INSIDE, _INNER = 1e-4, 100
"""So near the ends, as a part of the interval, and at so many points inside coefficients are looked at."""

_SINGULAR = 1e3
"""Lower terms so many times as strong at the ends as inside leave out solutions that have no bound; so do determinants
so many times as small."""

_NONE = -(2**20)
"""The order of a field that an equation has not."""


def missing_at_ends(problem: Problem) -> tuple[int, int] | None:
    """How many conditions there are, and how many the equations take, if that is more and can be told."""
    equations = _equations(problem)
    given = None if equations is None else _given(problem)
    if equations is None or given is None:
        return None
    inner = sample(problem.domain.interior, _INNER, "sobol", seed=0).points
    ends = sample(problem.domain.boundary, 2, "sobol", seed=0).points
    slopes = _slopes(problem, equations, torch.cat([inner, ends + _INSIDE * (inner[:1] - ends)]))
    orders = np.array(
        [[max((k for f, k in row if f == field), default=_NONE) for field in range(len(slopes))] for row in slopes]
    )
    if given >= orders.max(axis=1, initial=0).sum():
        return None
    rows, columns = _offsets(orders)
    wanted = int(rows.sum() + columns.sum())
    if given >= wanted or not _is_regular(slopes, rows, columns, len(inner)):
        return None
    return given, wanted


def _equations(problem: Problem) -> list[Term] | None:
    """The equations, as many as fields, on all of an interval in space; None where there is anything else."""
    domain, inside = problem.domain, [term for term in problem.terms if term.group == "interior"]
    others = {term.group for term in problem.terms} - {"interior", "boundary", "data"}
    plain = not (others or problem.parameters or problem.domain.parts or problem.periodic or domain.time)
    if not plain or domain.dimension != 1 or not domain.solid or not domain.boundary_charts():
        return None
    whole = all(term.region.__class__ is Region and not term.region.predicates for term in inside)  # type: ignore[union-attr]
    local = not any(term.trace.over_space for term in problem.terms)
    return inside if whole and local and sum(len(term.trace.names) for term in inside) == len(problem.fields) else None


def _given(problem: Problem) -> int | None:
    """How many conditions and exact values there are; None where that cannot be told."""
    count = 0
    for term in problem.terms:
        if term.group == "interior":
            continue
        if term.noise is not None or term.partner is not None:
            return None
        points = (
            term.region.points
            if isinstance(term.region, GivenPoints)
            else sample(term.region, 2, "sobol", seed=0).points
        )
        count += len(points.unique()) * len(term.trace.names)
    return count


def _slopes(problem: Problem, equations: Sequence[Term], points: Tensor) -> list[dict[tuple[int, int], Tensor]]:
    """By equation, the coefficients [n] of derivatives (field, order), for an interval of length one."""
    (low, high), generator = problem.domain.bounds[0], torch.Generator().manual_seed(0)
    found = []
    for term in equations:
        for row in probed(problem, term, Cloud(points), generator).values():
            entries = {
                (k, alpha[0]): slope.expand(len(points)) / (high - low) ** alpha[0]
                for (k, alpha), slope in row.slopes.items()
            }
            found.append({key: slope for key, slope in entries.items() if bool(slope.any())})
    return found


def _offsets(orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least whole numbers of equations and fields whose sums are no less than the orders, by a linear program."""
    n = len(orders)
    sums = np.hstack([np.kron(np.eye(n), np.ones((n, 1))), np.tile(np.eye(n), (n, 1))])
    known = orders.flatten() > _NONE
    least = linprog(np.ones(2 * n), A_ub=-sums[known], b_ub=-orders.flatten()[known], bounds=(None, None)).x
    shift = least[0] - round(least[0])
    return np.rint(least[:n] - shift), np.rint(least[n:] + shift)


def _is_regular(
    slopes: Sequence[dict[tuple[int, int], Tensor]], rows: np.ndarray, columns: np.ndarray, inner: int
) -> bool:
    """Whether the determinant of leading coefficients has one sign, and nothing is singular at the ends."""
    n, count = len(slopes), len(next(iter(slopes[0].values()))) if slopes[0] else 0
    leading, lower = torch.zeros(count, n, n, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
    for equation, row in enumerate(slopes):
        for (field, order), slope in row.items():
            if order == rows[equation] + columns[field]:
                leading[:, equation, field] = slope
            else:
                lower = torch.maximum(lower, slope.abs())
    sizes = leading.abs().amax(dim=2, keepdim=True)
    if not bool(leading.isfinite().all() and lower.isfinite().all() and (sizes > 0).all()):
        return False
    determinant, ratios = torch.linalg.det(leading / sizes), lower / sizes.amin(dim=(1, 2))
    one_sign = bool((determinant > 0).all() or (determinant < 0).all())
    sure = determinant.abs().min() * _SINGULAR > determinant.abs()[:inner].median()
    return one_sign and bool(sure) and ratios.max().item() < _SINGULAR * max(1.0, ratios[:inner].median().item())
