"""What fields are measured in, so that all count alike in the equations: in ordinary boxes, and in small ones."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gmnm_pde.boxes.equation import SAMPLED, STEEPNESS, Key
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.linearizing import linearized
from gmnm_pde.residuals.natural import balanced
from gmnm_pde.residuals.pointwise import reference_jets
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term


def units_of(problem: Problem, terms: Sequence[Term], layout: Layout, unit: Tensor) -> tuple[float, ...]:
    """What fields are measured in, so that all of them have coefficients of one size in the equations.

    By turns equations and fields are divided by the size of their coefficients, which are those of the fields of
    reference in a box of ordinary size: of many small ones in a corner the domain holds little. One field is measured
    in its own unit.
    """
    if len(problem.fields) == 1:
        return (1.0,)
    ordinary = (layout.shares @ layout.halves.log() / layout.shares.sum()).exp()
    return tuple(balanced(_squares(problem, _strengths(problem, terms, layout, unit), ordinary)).tolist())


def weights_of_fields(
    problem: Problem, terms: Sequence[Term], layout: Layout, unit: Tensor, units: Sequence[float]
) -> Tensor:
    """How much a jump of each field counts at the faces of each box, [boxes, fields].

    In a box of half the size a pressure of twice the size moves a fluid as much: where boxes are small, as in a corner,
    its jumps count less beside those of a velocity, which count the same everywhere.
    """
    if len(units) == 1 or layout.between_lines:
        return torch.ones(len(layout), len(units), dtype=torch.float64)
    squares = _squares(problem, _strengths(problem, terms, layout, unit), layout.halves)
    own = balanced(squares * torch.tensor(units, dtype=torch.float64).square())
    smallest = own[layout.shares.argmin()]
    return own[:, smallest.argmin(), None] / own


def _strengths(problem: Problem, terms: Sequence[Term], layout: Layout, unit: Tensor) -> list[dict[Key, float]]:
    """The mean squares of the coefficients of each equation, at the fields of reference."""
    points, shares = layout.points(unit)[layout.whole].flatten(0, 1), layout.shares[layout.whole]
    if not len(shares):
        points, shares = problem.domain.sample(SAMPLED).points, layout.shares.new_ones(1)
    shares, found = shares / shares.sum(), []
    for term in terms:
        jets = None if term.trace.linear else reference_jets(term, points, problem)
        for own in linearized(problem, term, points, None, jets).values():
            means = {key: c.square().reshape(len(shares), -1).mean(dim=1) for key, c in own.slopes.items()}
            found.append({key: (shares @ mean).item() for key, mean in means.items()})
    return found


def _squares(problem: Problem, strengths: Sequence[Mapping[Key, float]], halves: Tensor) -> Tensor:
    """The squared sizes of fields in equations, in boxes with half the sides [..., d]: [..., equations, fields]."""
    squares = halves.new_zeros(*halves.shape[:-1], len(strengths), len(problem.fields))
    for row, operator in enumerate(strengths):
        for (field, alpha), strength in operator.items():
            scale = math.prod([(STEEPNESS / halves[..., axis]) ** order for axis, order in enumerate(alpha)])
            squares[..., row, field] += strength * torch.as_tensor(scale) ** 2
    return squares
