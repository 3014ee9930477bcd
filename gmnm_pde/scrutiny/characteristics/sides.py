"""Sides with fewer conditions than waves enter through them, of hyperbolic systems in time.

As many conditions are needed at a place of the boundary as waves run inwards there: the negative eigenvalues of the
equations' matrix along the outward normal (H.-O. Kreiss, Comm. Pure Appl. Math. 23, 1970). An equation of second order
in time has two waves along each normal.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.multiindex import Alpha
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.scrutiny.characteristics.families import Jets, equations, leading_depends, rows_of
from gmnm_pde.scrutiny.characteristics.places import conditions_at, conditions_of
from gmnm_pde.scrutiny.characteristics.unit_box import UnitBox
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_PLACES = 300
"""Places on the sides at which waves and conditions are counted."""

_SOME = 0.02
"""At a smaller part of the places, as near corners, numbers of conditions may be others."""

_STILL, _REAL = 1e-6, 1e-6
"""Waves do not run through a side that are slower than this part of the fastest; speeds are real up to this."""

_SINGULAR = 1e8
"""The condition number of the matrix of derivatives by time above which some fields have no equation in time."""


def open_side(problem: Problem, box: UnitBox, jets: Jets | None) -> tuple[Tensor, int, int] | None:
    """A place of a side or the beginning where too few conditions hold, [d], their number, and that of the waves.

    None where there is none, where equations are of another kind, or where more conditions than needed hold elsewhere.
    """
    terms, order = equations(problem)
    if not terms or not _is_in_time(problem, box, order) or (jets is None and leading_depends(problem, terms, order)):
        return None
    cloud = _places(problem, box)
    speeds = None if cloud is None else _speeds(problem, terms, order, cloud, jets)
    if cloud is None or speeds is None:
        return None
    wanted = torch.as_tensor((speeds < 0).sum(axis=1))
    given = conditions_at(conditions_of(problem, box), box, box.scaled(cloud.points))
    few, many = given < wanted, (given > wanted).double().mean().item() > _SOME
    axis, waves = problem.domain.coordinates.index(problem.domain.time[0]), order * len(problem.fields)
    start, end = (_given_at(problem, axis, time) for time in problem.domain.bounds[axis])
    if many or start > waves or end:
        return None
    if start < waves:
        return sample(problem.domain.initial, 1, "sobol", seed=0).points[0], start, waves
    if few.double().mean() <= _SOME:
        return None
    k = int(few.nonzero()[:, 0][int(few.sum()) // 2])
    return cloud.points[k], int(given[k]), int(wanted[k])


def _is_in_time(problem: Problem, box: UnitBox, order: int) -> bool:
    """Whether equations of some order may be a hyperbolic system in time, of which lines do not tell all."""
    domain, waves = problem.domain, order * len(problem.fields)
    known = 1 <= order <= (2 if len(problem.fields) == 1 else 1) and (domain.dimension > 2 or waves > 2)
    sides = len(domain.time) == 1 and bool(domain.boundary_charts())
    return known and sides and domain.coordinates.index(domain.time[0]) not in box.periodic


def _given_at(problem: Problem, axis: int, time: float) -> int:
    """How many conditions hold at a time."""
    return sum(len(term.trace.names) for term in problem.terms if term.holds_at(axis, time))


def _places(problem: Problem, box: UnitBox) -> Cloud | None:
    """Places of all sides that are not periodic, with outward normals; None where there are none."""
    cloud = sample(problem.domain.boundary, _PLACES, "sobol", seed=0)
    if cloud.normals is None:
        return None
    rows = (cloud.normals[:, box.periodic].abs() < 0.5).all(dim=1)
    return Cloud(cloud.points[rows], cloud.normals[rows]) if bool(rows.any()) else None


def _speeds(problem: Problem, terms: Sequence[Term], order: int, cloud: Cloud, jets: Jets | None) -> np.ndarray | None:
    """The speeds along outward normals of all waves, [n, waves], 0 where waves run along the sides.

    None where the equations are not hyperbolic.
    """
    rows = [row.slopes for term in terms for row in rows_of(problem, term, cloud.points, jets)]
    n, fields, axis = len(cloud), len(rows), problem.domain.coordinates.index(problem.domain.time[0])
    assert cloud.normals is not None
    by_time = torch.zeros(order + 1, n, fields, fields, dtype=torch.float64)
    sizes = torch.zeros_like(by_time[0])
    for row, slopes in enumerate(rows):
        for (field, alpha), slope in slopes.items():
            if sum(alpha) == order:
                by_time[alpha[axis], :, row, field] += slope * _along(alpha, axis, cloud.normals)
                sizes[:, row, field] += slope.abs() * (alpha[axis] == 0)
    first = by_time[-1].numpy()
    if not bool(by_time.isfinite().all()) or not np.linalg.cond(first).max() < _SINGULAR:
        return None
    inverse = np.linalg.inv(first)
    if order == 1:
        values = np.linalg.eigvals(inverse @ by_time[0].numpy())
    else:  # of s^2 - b s + c, where u_tt + b u_tn + c u_nn are the leading terms
        b, c = (inverse @ by_time[k].numpy() for k in (1, 0))
        values = np.linalg.eigvals(np.block([[b, -c], [np.ones_like(b), np.zeros_like(b)]]))
    size = (np.abs(inverse) @ sizes.numpy()).max() ** (1 / order)
    if not size or np.abs(np.imag(values)).max() > _REAL * size:
        return None
    return np.where(np.abs(values) < _STILL * size, 0.0, np.real(values))


def _along(alpha: Alpha, axis: int, normals: Tensor) -> Tensor:
    """What a derivative becomes of functions of time and the distance along normals [n, d] alone, [n]."""
    power = torch.tensor([0 if k == axis else order for k, order in enumerate(alpha)], dtype=torch.float64)
    return (normals**power).prod(dim=1)
