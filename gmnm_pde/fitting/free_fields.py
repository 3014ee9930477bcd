"""Fields that the shape of a domain lets be added to any answer, shown by functions that know the shape.

Around a hole a field may go that has neither sources nor curl, and what holds in one piece of a domain says nothing of
another. One mixture over the domain shows such fields badly, however simple they are where they live. So each piece is
looked at by itself, with functions around its holes (``models/laurent.py``). Where a field is free the stability
constant grows with their degree without end, elsewhere it soon does not.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.collocation.in_piece import InPiece
from gmnm_pde.collocation.whole import counts_for
from gmnm_pde.fitting.by_dimension import ByDimension
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.fitting.rounded import rounded
from gmnm_pde.fitting.uniqueness import SUSPECT, described
from gmnm_pde.geometry.topology import Piece, Topology, may_have_holes
from gmnm_pde.linalg.extremes import largest_gain
from gmnm_pde.linalg.qr import RidgeSolver, reduce
from gmnm_pde.models import Normalized
from gmnm_pde.models.laurent import Laurent
from gmnm_pde.residuals import FieldMap, ReadoutSystem
from gmnm_pde.statement.problem import Problem

_DEGREES = {1: (9, 13, 18, 24), 2: (9, 13, 18, 24, 32), 3: (5, 7, 9, 11, 13)}
"""Degrees that are tried one after the other, by the number of coordinates."""

_MOST = ByDimension(line=200, plane=2000, space=1600, beyond=0)
"""Up to so many unknowns."""

_LARGER = 1.3
"""The next degree is about so many times as large."""

_LOWER = 0.7
"""Constants of a degree are compared with those of this part of it."""

_GROWS = 1.5
"""If they grow by more than this factor, they are not those of the problem yet."""

_LARGE = 100.0
"""Those of the first degree that are larger are looked at with more."""

_UNCLEAR = 1000.0
"""Constants above this that have grown from degree to degree up to the last are of a field that may be free."""

_WAVES = 8.0
"""With more half waves than this, polynomials of the last degrees do not show all fields yet."""

_FEWEST = 20
"""What has fewer of the points that fields are measured at is a splinter of the lattice, and no piece."""

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


def free_by_shape(setup: Setup, solution: Normalized) -> str:
    """In words, what the shape of a domain leaves free in a problem; empty if nothing is.

    Nonlinear problems are linearised at their solution.
    """
    problem, waves = setup.problem, setup.posed.half_waves
    if not _is_looked_at(problem):
        return ""
    topology = Topology(problem.domain)
    pieces = list(topology.pieces())
    for piece in pieces:
        if len(pieces) == 1 and not (piece.holes and (waves is not None or not problem.linear)):
            return ""
        points = InPiece(problem, topology, piece, setup.seed)
        if len(points.measured) < _FEWEST or not len(points.outline):
            continue
        free = _around_hole(points, setup, solution) or _Look(points, setup.scales, solution).free(waves or 0.0)
        if free:
            return f"in the piece {_place(piece, problem)}, {free}" if len(pieces) > 1 else free
    return ""


def _place(piece: Piece, problem: Problem) -> str:
    """Where a piece is, in words."""
    ends = zip(problem.domain.coordinates, piece.bounds, strict=True)
    return "with " + ", ".join(f"{low:.3g} < {name} < {high:.3g}" for name, (low, high) in ends)


def _around_hole(points: InPiece, setup: Setup, solution: Normalized) -> str:
    """In words, what first-order systems leave free around a hole of a piece."""
    holes = {(hole.number, hole.axis): hole for hole in reversed(points.piece.holes)}
    for hole in holes.values():
        problem = rounded(points, hole)
        if problem is None:
            continue
        topology = Topology(problem.domain)
        (piece,) = topology.pieces()
        look = _Look(InPiece(problem, topology, piece, setup.seed), setup.scales, solution)
        if look.free(math.inf):
            fields, names = " and ".join(problem.fields), problem.domain.coordinates
            place = [f"{name}={hole.center[k]:.3g}" for k, name in enumerate(names) if k != hole.axis]
            free = f"a field in {fields} that lives around the hole near {', '.join(place)}"
            return f"the answer is one of many: equations and conditions let {free} be added; state what fixes it"
    return ""


def _is_looked_at(problem: Problem) -> bool:
    """Whether it is a problem in space on a domain that may have holes or several pieces."""
    plain = problem.order and not (problem.parameters or problem.periodic or problem.domain.time)
    pointwise = all(term.partner is None and not term.trace.over_space for term in problem.terms)
    return bool(plain and pointwise and may_have_holes(problem.domain))


@dataclass(frozen=True)
class _Look:
    """A look at one piece.

    Attributes:
        points: Of the piece.
        scales: Of rows, by the names of residuals.
        solution: Where nonlinear problems are linearised.
    """

    points: InPiece
    scales: Mapping[str, float]
    solution: Normalized

    def free(self, waves: float) -> str:
        """In words, what is free; nothing that is not sure where there are many waves, or the problem is nonlinear."""
        problem, before = self.points.problem, 0.0
        dimension = problem.domain.dimension
        for degree in _DEGREES[dimension]:
            shown = self._shown(degree)
            if shown.constant > SUSPECT:
                return f"the answer is one of many: {shown.words}"
            grows = shown.constant > _GROWS * max(before, shown.lower)
            if not grows and (before or shown.constant < _LARGE):
                return ""
            before = shown.constant
            if _LARGER**dimension * shown.unknowns > _MOST.of(dimension):
                break
        unclear = problem.linear and before > _UNCLEAR and waves < _WAVES
        return f"the answer may be one of many: {shown.words}" if unclear else ""

    @torch.no_grad()
    def _shown(self, degree: int) -> Shown:
        """What functions up to a degree show: constants as other points than those of the fit have them."""
        problem, piece, measured = self.points.problem, self.points.piece, self.points.measured
        fields, size = len(problem.fields), len(measured) ** 0.5
        model = Laurent(piece.bounds, piece.holes, self.points.outline, degree, fields)
        interior = counts_for(problem, len(model.degrees) * fields, _OVERSAMPLING).interior
        fitted, held_out = (
            ReadoutSystem(problem, model, self.points.place(interior, degree, held_out=held), self.scales)
            for held in (False, True)
        )
        theta = fitted.start()
        if not problem.linear:
            theta = fitted.imitating(self.solution, theta)
        factor = RidgeSolver(reduce(fitted.blocks(theta), fitted.columns))
        at = FieldMap(fitted, measured)

        def forth(unknowns: Tensor) -> Tensor:
            return (at.forth(unknowns) / size).flatten(0, 1)

        def back(values: Tensor) -> Tensor:
            return at.back(values.unflatten(0, (-1, fields)) / size)

        leading = [fields * model.up_to(part * degree) for part in (_LOWER, 1.0)]
        directions = torch.stack([largest_gain(factor, forth, back, theta, count)[1] for count in leading], dim=1)
        rows = [torch.cat([image for image, _ in system.images(theta, directions)]) for system in (fitted, held_out)]
        left = torch.maximum(*(own.square().mean(dim=0) for own in rows)).sqrt()
        values = at.forth(directions)
        lower, constant = (values.square().sum(dim=1).mean(dim=0).sqrt() / left).tolist()
        return Shown(lower, constant, described(fitted, values[:, :, 1], measured), fitted.columns)
