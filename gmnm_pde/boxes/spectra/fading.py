"""How many boxes the vibrations of an equation ask for, before they are known."""

import math
from itertools import product

import torch

from gmnm_pde.boxes.discretization import gauss
from gmnm_pde.boxes.equation import interior
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.boxes.units import units_of
from gmnm_pde.geometry.composed import is_box

_FADING = 1.3
"""Boxes show what fades or swings if they are so many times smaller than where polynomials begin to do so."""


def fading(statements: Statements, degree: int) -> tuple[int, ...]:
    """How many boxes along each coordinate show vibrations that fade, or swing, as they do at half of all places.

    Where a zeroth term is larger than that they have faded away.
    """
    problem, d = statements.problem, statements.problem.domain.dimension
    layout, (points, _) = Layout.even((1,) * d, problem.domain.bounds), gauss(degree, d)
    inside = problem.domain.contains(layout.points(points)[0])
    units = units_of(problem, statements.equations, layout, points)
    equation = interior(problem, statements.equations, layout, points, units, finite=is_box(problem.domain))
    counts = [1] * d
    for axis, row, field in product(range(d), range(len(equation.operators)), range(equation.fields)):
        operator = equation.within(row, field)
        zeroth, highest = operator.get((0,) * d), operator.get(tuple(2 * int(k == axis) for k in range(d)))
        if zeroth is not None and highest is not None:
            squares = (torch.as_tensor(zeroth) / torch.as_tensor(highest)).expand(1, len(points))[0, inside].abs()
            number = squares[squares.isfinite()].median().sqrt().item() if bool(squares.isfinite().any()) else 0.0
            counts[axis] = max(counts[axis], math.ceil(_FADING * math.e * number / (2 * degree)))
    return tuple(counts)
