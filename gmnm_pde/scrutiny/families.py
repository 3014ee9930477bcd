"""The families of characteristics of first-order and hyperbolic equations, from their leading coefficients."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.geometry import Region
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize, probed
from gmnm_pde.sampling import Cloud
from gmnm_pde.scrutiny.flow import Flow
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_NODES, _FEWER = {2: 65, 3: 17}, {2: 33, 3: 13}
"""Nodes along each coordinate, by the number of coordinates, and where the solution is to be evaluated there."""

_SYSTEM = 17
"""Nodes for several families, whose directions are eigenvectors at each node."""

_MOST = 4
"""Of more coordinates than this nothing is told, and of this many only where coefficients are the same everywhere."""

_PROBES = 32
"""Points at which it is seen whether coefficients vary."""

_ALIKE = 1e-9
"""Coefficients for different fields that differ by no more than this part do not depend on fields."""

_ANGLES = (0.0, 0.7, 1.4, 2.1)
"""Turns of the coordinates in which no family runs along the second of them."""

_STEEP, _SKEW = 1e3, 1e5
"""Slopes of lines in such coordinates, and condition numbers of eigenvectors, above which equations are degenerate."""

_REAL, _APART = 1e-9, 1e-3
"""Slopes are real, and where they vary belong to the same families at all places, by these parts of the largest."""

Jets = Callable[[Term, Tensor], dict[Alpha, Tensor]]
"""From a term and points [n, d] to the derivatives that it needs, [n, fields] each."""

Table = dict[tuple[int, Alpha], Tensor]
"""The coefficients of an equation, [n] each, by the derivatives that they multiply."""


def families(problem: Problem, jets: Jets | None) -> tuple[Flow, ...] | None:
    """Those of a problem's equations; None where they are of another kind, or degenerate, or it cannot be told.

    Args:
        problem: As it was stated.
        jets: Where its equations are linearised; without it, nothing is told of those whose leading coefficients depend
            on the fields.
    """
    terms, order = _equations(problem)
    if not terms or (jets is None and any(_depends(problem, term, order) for term in terms if not term.trace.linear)):
        return None
    d, one = problem.domain.dimension, len(problem.fields) == 1 and order == 1
    tables = _tables(problem, terms, torch.rand(_PROBES, d, generator=_generator(2)).double(), jets)
    varies = any(bool((slope != slope[0]).any()) for table in tables for slope in table.values())
    nodes = 1
    if varies:
        if d not in _NODES:
            return None
        nodes = _SYSTEM if not one else _NODES[d] if jets is None else _FEWER[d]
        axis = torch.linspace(0, 1, nodes, dtype=torch.float64)
        unit = torch.stack(torch.meshgrid(*[axis] * d, indexing="ij"), dim=-1).flatten(0, -2)
        tables = _tables(problem, terms, unit, jets)
    else:
        tables = [{key: slope[:1] for key, slope in table.items()} for table in tables]
    if not all(bool(slope.isfinite().all()) for table in tables for slope in table.values()):
        return None
    shape = (nodes,) * d
    return _of_one(tables[0], shape) if one else _of_several(tables, len(problem.fields), order, shape)


def _equations(problem: Problem) -> tuple[list[Term], int]:
    """The equations and their order, if they may have characteristics: of one field, or in two coordinates."""
    terms = [term for term in problem.terms if term.group == "interior"]
    whole = all(term.region.__class__ is Region and not term.region.predicates for term in terms)  # type: ignore[union-attr]
    fields, d = len(problem.fields), problem.domain.dimension
    order = max((sum(alpha) for term in terms for _, alpha in term.trace.asked), default=0)
    highest = 2 if fields == 1 and d == 2 else 1
    known = 1 <= order <= highest and d <= (_MOST if fields == 1 else 2)
    return (terms, order) if whole and known and sum(len(term.trace.names) for term in terms) == fields else ([], 0)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _rows(problem: Problem, term: Term, points: Tensor, jets: Jets | None) -> list[Linearized]:
    if jets is None:
        return list(probed(problem, term, Cloud(points), _generator(0)).values())
    return list(linearize(problem, Placed(term, Cloud(points)), points, jets(term, points), ()).values())


def _depends(problem: Problem, term: Term, order: int) -> bool:
    """Whether the leading coefficients of a nonlinear term depend on the fields."""
    low, high = torch.tensor(problem.domain.bounds, dtype=torch.float64).unbind(1)
    points = low + (high - low) * torch.rand(_PROBES, len(low), generator=_generator(2)).double()
    one, other = (probed(problem, term, Cloud(points), _generator(seed)) for seed in (0, 1))
    return any(
        bool(((slope - other[name].slopes.get(key, 0.0)).abs() > _ALIKE * slope.abs()).any())
        for name, row in one.items()
        for key, slope in row.slopes.items()
        if sum(key[1]) == order
    )


def _tables(problem: Problem, terms: Sequence[Term], unit: Tensor, jets: Jets | None) -> list[Table]:
    """The coefficients of all equations for the unit box, at points of it [n, d]."""
    low, high = torch.tensor(problem.domain.bounds, dtype=torch.float64).unbind(1)
    rows = [row for term in terms for row in _rows(problem, term, low + unit * (high - low), jets)]
    return [
        {
            (field, alpha): slope.expand(len(unit)) / ((high - low) ** torch.tensor(alpha, dtype=torch.float64)).prod()
            for (field, alpha), slope in row.slopes.items()
        }
        for row in rows
    ]


def _of_one(table: Table, shape: tuple[int, ...]) -> tuple[Flow, ...] | None:
    """The one family of a first-order equation of one field."""
    velocity, rate = torch.zeros(*shape, len(shape), dtype=torch.float64), torch.zeros(*shape, dtype=torch.float64)
    for (_, alpha), slope in table.items():
        if any(alpha):
            velocity[..., alpha.index(1)] = slope.reshape(shape)
        else:
            rate = slope.reshape(shape)
    return (Flow(velocity, rate),) if bool(velocity.any()) else None


def _of_several(tables: Sequence[Table], fields: int, order: int, shape: tuple[int, ...]) -> tuple[Flow, ...] | None:
    """The families of a system of first order, or of one equation of second order as one for its two derivatives."""
    n, size = shape[0] * shape[1], fields * order
    along = torch.zeros(2, n, size, size, dtype=torch.float64)
    if order == 2:
        for alpha, axis, column in (((2, 0), 0, 0), ((1, 1), 0, 1), ((0, 2), 1, 1)):
            along[axis, :, 0, column] = tables[0].get((0, alpha), torch.zeros(n, dtype=torch.float64))
        along[0, :, 1, 1], along[1, :, 1, 0] = -1.0, 1.0
    else:
        for row, table in enumerate(tables):
            for (field, alpha), slope in table.items():
                if any(alpha):
                    along[alpha.index(1), :, row, field] = slope
    directions = _directions(along.numpy())
    still = torch.zeros(shape, dtype=torch.float64)
    return None if directions is None else tuple(Flow(own.reshape(*shape, 2), still) for own in directions)


def _directions(along: np.ndarray) -> Tensor | None:
    """The directions of all families, [families, n, 2], from the matrices of derivatives by x and y, [2, n, k, k].

    In turned coordinates, with matrices A and B, they are (1, s) for the eigenvalues s of A^-1 B. None where no turn
    makes A regular everywhere, or eigenvalues are not all real with eigenvectors of their own.
    """
    for angle in _ANGLES:
        c, s = np.cos(angle), np.sin(angle)
        first, second = c * along[0] + s * along[1], c * along[1] - s * along[0]
        if np.linalg.cond(first).max() < _STEEP:
            break
    else:
        return None
    slopes, vectors = np.linalg.eig(np.linalg.solve(first, second))
    size = np.abs(slopes).max()
    if np.abs(slopes.imag).max() > _REAL * size or np.linalg.cond(vectors).max() > _SKEW:
        return None
    slopes = np.sort(slopes.real, axis=1)
    if len(slopes) > 1 and np.diff(slopes, axis=1).min(initial=np.inf) <= _APART * size:
        return None
    directions = np.stack([c - s * slopes, s + c * slopes], axis=-1)
    return torch.as_tensor(np.moveaxis(directions, 1, 0).copy())
