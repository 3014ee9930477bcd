"""The families of characteristics of first-order and hyperbolic equations, from their leading coefficients."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from gmnm_pde.geometry import Region
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize, probed
from gmnm_pde.sampling import Cloud
from gmnm_pde.scrutiny.characteristics.flow import Flow
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
    terms, order = equations(problem)
    if not _has_families(problem, order) or (jets is None and leading_depends(problem, terms, order)):
        return None
    d, one = problem.domain.dimension, len(problem.fields) == 1 and order == 1
    few = _tables(problem, terms, torch.rand(_PROBES, d, generator=_generator(2)).double(), jets)
    varies = any(_varies(slope) for table in few for (_, alpha), slope in table.items() if sum(alpha) == order)
    if (varies and d not in _NODES) or not (one or _are_hyperbolic(few, len(problem.fields), order)):
        return None
    finest = _NODES if jets is None else _FEWER
    nodes = (finest.get(d, 1) if one else _SYSTEM) if varies or (one and any(map(_varies, few[0].values()))) else 1
    tables = _tables(problem, terms, _grid(d, nodes), jets)
    if not all(bool(slope.isfinite().all()) for table in tables for slope in table.values()):
        return None
    if not one:
        return _of_several(tables, len(problem.fields), order, nodes)
    known = problem.linear or jets is not None  # what multiplies the field there
    return _of_one(tables[0], (nodes,) * d, varies=varies, known=known and (varies or d in _NODES))


def _varies(slope: Tensor) -> bool:
    return bool((slope != slope[0]).any())


def _grid(d: int, nodes: int) -> Tensor:
    """Nodes of a grid of the unit box, [nodes ** d, d]."""
    axis = torch.linspace(0, 1, nodes, dtype=torch.float64)
    return torch.stack(torch.meshgrid(*[axis] * d, indexing="ij"), dim=-1).flatten(0, -2)


def equations(problem: Problem) -> tuple[list[Term], int]:
    """The equations and their order; none, if they are not as many as fields, all over the domain."""
    terms = [term for term in problem.terms if term.group == "interior"]
    whole = all(term.region.__class__ is Region and not term.region.predicates for term in terms)  # type: ignore[union-attr]
    order = max((sum(alpha) for term in terms for _, alpha in term.trace.asked), default=0)
    square = sum(len(term.trace.names) for term in terms) == len(problem.fields)
    return (terms, order) if whole and square else ([], 0)


def _has_families(problem: Problem, order: int) -> bool:
    """Whether equations of this order may have families of lines: those of one field, or of two coordinates."""
    fields, d = len(problem.fields), problem.domain.dimension
    return 1 <= order <= (2 if fields == 1 and d == 2 else 1) and d <= (_MOST if fields == 1 else 2)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows_of(problem: Problem, term: Term, points: Tensor, jets: Jets | None) -> list[Linearized]:
    """The rows of a term at points [n, d], linearised at some derivatives of the fields."""
    if jets is None:
        return list(probed(problem, term, Cloud(points), _generator(0)).values())
    return list(linearize(problem, Placed(term, Cloud(points)), points, jets(term, points), ()).values())


def leading_depends(problem: Problem, terms: Sequence[Term], order: int) -> bool:
    """Whether coefficients of derivatives of this order depend on the fields."""
    low, high = torch.tensor(problem.domain.bounds, dtype=torch.float64).unbind(1)
    points = low + (high - low) * torch.rand(_PROBES, len(low), generator=_generator(2)).double()
    for term in terms:
        if term.trace.linear:
            continue
        one, other = (probed(problem, term, Cloud(points), _generator(seed)) for seed in (0, 1))
        for name, row in one.items():
            for key, slope in row.slopes.items():
                gap = (slope - other[name].slopes.get(key, 0.0)).abs()
                if sum(key[1]) == order and bool((gap > _ALIKE * slope.abs()).any()):
                    return True
    return False


def _tables(problem: Problem, terms: Sequence[Term], unit: Tensor, jets: Jets | None) -> list[Table]:
    """The coefficients of all equations for the unit box, at points of it [n, d]."""
    low, high = torch.tensor(problem.domain.bounds, dtype=torch.float64).unbind(1)
    rows = [row for term in terms for row in rows_of(problem, term, low + unit * (high - low), jets)]
    return [
        {
            (field, alpha): slope.expand(len(unit)) / ((high - low) ** torch.tensor(alpha, dtype=torch.float64)).prod()
            for (field, alpha), slope in row.slopes.items()
        }
        for row in rows
    ]


def _of_one(table: Table, shape: tuple[int, ...], *, varies: bool, known: bool) -> tuple[Flow, ...] | None:
    """The one family of a first-order equation of one field, by coefficients on a grid."""
    d = len(shape)
    velocity, rate = torch.zeros(*shape, d, dtype=torch.float64), torch.zeros(shape, dtype=torch.float64)
    for (_, alpha), slope in table.items():
        if any(alpha):
            velocity[..., alpha.index(1)] = slope.reshape(shape)
        else:
            rate = slope.reshape(shape)
    if not varies:
        velocity = velocity[(slice(1),) * d]
    return (Flow(velocity, rate if known else rate * torch.nan),) if bool(velocity.any()) else None


def _of_several(tables: Sequence[Table], fields: int, order: int, nodes: int) -> tuple[Flow, ...] | None:
    """The families of equations in two coordinates, by coefficients on a grid."""
    directions, still = _directions(_along(tables, fields, order)), torch.zeros(nodes, nodes, dtype=torch.float64)
    return None if directions is None else tuple(Flow(own.reshape(nodes, nodes, 2), still) for own in directions)


def _are_hyperbolic(tables: Sequence[Table], fields: int, order: int) -> bool:
    """Whether equations in two coordinates have families of characteristics at some places."""
    return _directions(_along(tables, fields, order)) is not None


def _along(tables: Sequence[Table], fields: int, order: int) -> np.ndarray:
    """The matrices of derivatives by x and y, [2, n, k, k], of a system of first order.

    An equation of second order is one for its two derivatives.
    """
    n = len(next(iter(tables[0].values())))
    along = np.zeros((2, n, fields * order, fields * order))
    if order == 2:
        for alpha, axis, column in (((2, 0), 0, 0), ((1, 1), 0, 1), ((0, 2), 1, 1)):
            along[axis, :, 0, column] = tables[0].get((0, alpha), 0.0)
        along[0, :, 1, 1], along[1, :, 1, 0] = -1.0, 1.0
    else:
        for row, table in enumerate(tables):
            for (field, alpha), slope in table.items():
                if any(alpha):
                    along[alpha.index(1), :, row, field] = slope
    return along


def _directions(along: np.ndarray) -> Tensor | None:
    """The directions of all families, [families, n, 2], from the matrices of derivatives by x and y, [2, n, k, k].

    In turned coordinates, with matrices A and B, they are (1, s) for the eigenvalues s of A^-1 B. None where no turn
    makes A regular everywhere, or eigenvalues are not all real with eigenvectors of their own.
    """
    if not np.isfinite(along).all():
        return None
    along = _balanced(along)
    for angle in _ANGLES:
        c, s = np.cos(angle), np.sin(angle)
        first, second = c * along[0] + s * along[1], c * along[1] - s * along[0]
        if np.linalg.cond(first).max() < _STEEP:
            break
    else:
        return None
    slopes, vectors = np.linalg.eig(np.linalg.solve(first, second))
    size = np.abs(slopes).max()
    if np.abs(np.imag(slopes)).max() > _REAL * size or np.linalg.cond(vectors).max() > _SKEW:
        return None
    slopes = np.sort(np.real(slopes), axis=1)
    if len(slopes) > 1 and np.diff(slopes, axis=1).min(initial=np.inf) <= _APART * size:
        return None
    directions = np.moveaxis(np.stack([c - s * slopes, s + c * slopes], axis=-1), 1, 0)
    onwards = np.where(directions[..., 1].mean(axis=1) < 0, -1.0, 1.0)  # by the second coordinate, which may be time
    return torch.as_tensor(onwards[:, None, None] * directions)


def _balanced(along: np.ndarray) -> np.ndarray:
    """The matrices with equations and fields in such units that the largest entries are alike."""
    for axis in (3, 2):
        sizes = np.abs(along).max(axis=(0, 1, axis), keepdims=True)
        along = along / np.where(sizes > 0, sizes, 1.0)
    return along
