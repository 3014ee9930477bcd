"""Fields that the shape of a domain lets be added to any answer, shown by functions that know the shape.

Around a hole a field may go that has neither sources nor curl, and what holds in one piece of a domain says nothing of
another. One mixture over the domain shows such fields badly, however simple they are where they live. So each piece is
looked at by itself, with functions around its holes (``models/laurent.py``). Where a field is free the stability
constant grows with their degree without end, elsewhere it soon does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.collocation.in_piece import InPiece
from gmnm_pde.collocation.whole import counts_for
from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.uniqueness import SUSPECT, described
from gmnm_pde.geometry import GivenPoints
from gmnm_pde.geometry.topology import Topology, may_have_holes
from gmnm_pde.linalg.extremes import largest_gain
from gmnm_pde.linalg.qr import RidgeSolver, reduce
from gmnm_pde.models.laurent import Laurent
from gmnm_pde.residuals import FieldMap, ReadoutSystem
from gmnm_pde.statement.problem import Problem

_DEGREES = {1: (9, 13, 18, 24), 2: (9, 13, 18, 24, 32), 3: (5, 7, 9, 11)}
"""Degrees that are tried one after the other, by the number of coordinates."""

_MOST = ByDimension(line=200, plane=2000, space=2000, beyond=0)
"""Up to so many unknowns."""

_LOWER = 0.7
"""Constants of a degree are compared with those of this part of it."""

_GROWS = 2.0
"""If they grow by more than this factor, they are not those of the problem yet."""

_UNCLEAR = 300.0
"""Constants above this that have grown from degree to degree up to the last are of a field that may be free."""

_WAVES = 5.0
"""With more half waves than this, polynomials of the last degrees do not show all fields yet."""

_OVERSAMPLING = 2.2
"""Rows of equations for each unknown."""


@dataclass(frozen=True)
class Shown:
    """What functions up to a degree show.

    Attributes:
        lower: The stability constant of those of lower degree.
        constant: That of all.
        words: The field that has it.
        unknowns: How many there are.
    """

    lower: float
    constant: float
    words: str
    unknowns: int


def free_by_shape(setup: Setup) -> str:
    """In words, what the shape of a domain leaves free in a linear problem; empty if nothing is."""
    problem, waves = setup.problem, setup.posed.half_waves
    if not _is_looked_at(problem):
        return ""
    topology = Topology(problem.domain)
    pieces = list(topology.pieces())
    for piece in pieces:
        if len(pieces) == 1 and (waves is None or not piece.holes):
            return ""
        free = _free_in(InPiece(problem, topology, piece, setup.seed), setup.scales, waves or 0.0)
        if free:
            return free
    return ""


def _is_looked_at(problem: Problem) -> bool:
    """Whether it is a linear problem in space on a domain that may have holes or several pieces."""
    plain = problem.linear and problem.order and not (problem.parameters or problem.periodic or problem.domain.time)
    pointwise = all(term.partner is None and not term.trace.over_space for term in problem.terms)
    return bool(plain and pointwise and may_have_holes(problem.domain))


def _free_in(points: InPiece, scales: Mapping[str, float], waves: float) -> str:
    """In words, what is free in a piece."""
    dimension = points.problem.domain.dimension
    for degree in _DEGREES[dimension]:
        shown = _shown(points, scales, degree)
        if shown.constant > SUSPECT:
            return f"the answer is one of many: {shown.words}"
        if shown.constant < _GROWS * shown.lower:
            return ""
        larger = (1.3**dimension) * shown.unknowns
        if larger > _MOST.of(dimension):
            break
    unclear = shown.constant > _UNCLEAR and waves < _WAVES
    return f"the answer may be one of many: {shown.words}" if unclear else ""


@torch.no_grad()
def _shown(points: InPiece, scales: Mapping[str, float], degree: int) -> Shown:
    """What functions up to a degree show: constants as other points than those of the fit have them."""
    problem, piece = points.problem, points.piece
    fields = len(problem.fields)
    model = Laurent(piece.bounds, piece.holes, points.outline, degree, fields)
    interior = counts_for(problem, len(model.degrees) * fields, _OVERSAMPLING).interior
    fitted, held_out = (
        ReadoutSystem(problem, model, points.place(interior, degree, held_out=held), scales) for held in (False, True)
    )
    zero = fitted.like.new_zeros(fitted.columns)
    factor = RidgeSolver(reduce(fitted.blocks(zero), fitted.columns))
    at, size = FieldMap(fitted, points.measured), len(points.measured) ** 0.5

    def forth(unknowns: Tensor) -> Tensor:
        return (at.forth(unknowns) / size).flatten(0, 1)

    def back(values: Tensor) -> Tensor:
        return at.back(values.unflatten(0, (-1, fields)) / size)

    leading = [fields * model.up_to(part * degree) for part in (_LOWER, 1.0)]
    directions = torch.stack([largest_gain(factor, forth, back, zero, count)[1] for count in leading], dim=1)
    rows = [torch.cat([image for image, _ in system.images(zero, directions)]) for system in (fitted, held_out)]
    left = torch.maximum(*(own.square().mean(dim=0) for own in rows)).sqrt()
    values = at.forth(directions)
    lower, constant = (values.square().sum(dim=1).mean(dim=0).sqrt() / left).tolist()
    return Shown(lower, constant, described(fitted, values[:, :, 1], points.measured), fitted.columns)
