"""Boxes halved where polynomials do not show the coefficients of linear equations, or the waves that these have.

What is solved on boxes that do not show it is no solution from which one could tell where boxes are too large.
"""

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import gauss
from gmnm_pde.boxes.equation import Interior, interior
from gmnm_pde.boxes.foresight import ROUGH, left_of_waves
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.models import Partition
from gmnm_pde.models.modes.legendre import TotalDegree

_LEFT = 1e-2
"""First boxes leave no more than this part of a coefficient: where less is wanted, solutions tell where."""

_MOST_BOXES = 300
"""The most boxes that are made: what needs more is told by solutions, too."""


def toward_data(cells: Partition, statements: Statements, degree: int) -> Partition:
    """Boxes of [-1, 1]^d halved until polynomials of a degree show the coefficients in each that is inside."""
    domain = statements.problem.domain
    unit, units = [(-1.0, 1.0)] * cells.dimension, (1.0,) * len(statements.problem.fields)
    points, weights = gauss(degree, cells.dimension)
    while len(cells) < _MOST_BOXES:
        layout = Layout(cells.boxes).mapped(unit, domain.bounds)
        equation = interior(statements.problem, statements.equations, layout, points, units, finite=False)
        inside = domain.contains(layout.points(points).flatten(0, 1)).reshape(len(layout), -1).all(dim=1)
        rough = _rough(equation, points, weights, degree, inside) | _waves(equation, cells.sizes, degree)
        cuts = [(number, axes.nonzero()[:, 0].tolist()) for number, axes in enumerate(rough) if bool(axes.any())]
        if not cuts or len(cells) + sum(2 ** len(axes) - 1 for _, axes in cuts) > _MOST_BOXES:
            return cells
        cells = cells.split(cuts)
    return cells


def _rough(equation: Interior, points: Tensor, weights: Tensor, degree: int, inside: Tensor) -> Tensor:
    """The boxes and axes along which some coefficient is not shown, [boxes, d]."""
    basis = TotalDegree(points.shape[1], degree - 2)
    zero = (0,) * basis.dimension
    table = basis.jet(points, (zero,))[zero]
    upper = (basis.degrees > basis.degree / 2).double()
    rough = torch.zeros(len(inside), basis.dimension, dtype=torch.bool)
    for values in (c for operator in equation.operators for c in operator.values() if isinstance(c, Tensor)):
        known = inside & values.isfinite().all(dim=1)
        parts = (values * weights) @ table
        left = ((values - parts @ table.mT).square() @ weights).sqrt()
        size = (values[known].square() @ weights).mean().sqrt()
        high = (parts.square() @ upper).sqrt()
        along = high >= ROUGH * high.amax(dim=1, keepdim=True)
        rough |= along & (known & (left > _LEFT * size))[:, None]
    return rough


def _waves(equation: Interior, sizes: Tensor, degree: int) -> Tensor:
    """The same of waves."""
    rough = torch.zeros_like(sizes, dtype=torch.bool)
    for axis in range(sizes.shape[1]):
        for row in range(len(equation.operators)):
            for field in range(equation.fields):
                operator = equation.within(row, field)
                rough[:, axis] |= left_of_waves(operator, axis, 2 / sizes[:, axis], degree) > _LEFT
    return rough
