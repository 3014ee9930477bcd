"""Data at given points, as rows of the boxes that they lie in."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import CONDITION_FACTOR, Key
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.leaves import Pins
from gmnm_pde.boxes.linearizing import linearized
from gmnm_pde.geometry import GivenPoints
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term


def pinned(problem: Problem, terms: Sequence[Term], layout: Layout, degrees: Degrees, units: Sequence[float]) -> Pins:
    """By box, the rows of linear terms at given points inside it."""
    found: dict[int, list[tuple[Tensor, Tensor]]] = {}
    for term in terms:
        assert isinstance(term.region, GivenPoints)
        points = term.region.points.to(torch.float64)
        inside = (points[:, None] - layout.middles).abs() <= layout.halves * (1 + 1e-9)
        owner = inside.all(dim=2).to(torch.int8).argmax(dim=1)
        for own in linearized(problem, term, points).values():
            slopes = {(k, alpha): units[k] * slope for (k, alpha), slope in own.slopes.items()}
            matrix = _rows(points, owner, slopes, layout, degrees)
            size = matrix.square().mean().sqrt().item() or 1.0
            factor = CONDITION_FACTOR / (size * len(points) ** 0.5)
            for box in owner.unique().tolist():
                rows = owner == box
                found.setdefault(box, []).append((factor * matrix[rows], -factor * own.residual[rows]))
    return {box: (torch.cat([m for m, _ in own]), torch.cat([r for _, r in own])) for box, own in found.items()}


def pinned_fields(terms: Sequence[Term]) -> list[int | None]:
    """The field that each value at a given point is of; None where it is no value of one field."""
    found: list[int | None] = []
    for term in terms:
        assert isinstance(term.region, GivenPoints)
        asked = list(term.trace.asked)
        one = asked[0][0] if len(asked) == 1 and not any(asked[0][1]) else None
        found += [one] * (len(term.region.points) * len(term.trace.names))
    return found


def _rows(points: Tensor, owner: Tensor, slopes: dict[Key, Tensor], layout: Layout, degrees: Degrees) -> Tensor:
    """Rows in the unknowns of the boxes that the points lie in, [n, own]."""
    halves, count = layout.halves[owner], len(degrees.basis)
    tables = degrees.basis.jet((points - layout.middles[owner]) / halves, dict.fromkeys(alpha for _, alpha in slopes))
    matrix = points.new_zeros(len(points), degrees.own)
    for (field, alpha), slope in slopes.items():
        for axis, order in enumerate(alpha):
            slope = slope / halves[:, axis] ** order
        matrix[:, field * count : (field + 1) * count] += slope[:, None] * tables[alpha]
    return matrix
