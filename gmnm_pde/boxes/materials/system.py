"""The rows of all parts and of the laws between them as one least squares problem, and its residual elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Condition, Interior, conditions, interior
from gmnm_pde.boxes.faces import lengths_of
from gmnm_pde.boxes.held_out import HeldOut
from gmnm_pde.boxes.leaf import Leaf
from gmnm_pde.boxes.leaves import Pins, eliminated, patterns
from gmnm_pde.boxes.materials.layout import Joined
from gmnm_pde.boxes.materials.meetings import Meetings
from gmnm_pde.boxes.materials.reading import SeveralParts
from gmnm_pde.boxes.pins import pinned
from gmnm_pde.boxes.system import BoxSystem
from gmnm_pde.boxes.units import units_of
from gmnm_pde.models.composite.boxwise import Boxwise
from gmnm_pde.models.modes.legendre import TotalDegree

_LINES = 7
"""Points along each side of a box at which laws are held against a solution."""


class CellRows:
    """The rows of the boxes that are cut, those of one cell together.

    Args:
        parts: Of each part.
        meetings: Of the laws between them.
    """

    def __init__(self, parts: Sequence[CutRows], meetings: Meetings):
        self.groups = meetings.layout.groups
        self._parts, self._meetings = parts, meetings

    @property
    def layout(self) -> Joined:
        """All boxes."""
        return self._meetings.layout

    def of_group(self, group: Sequence[int], basis: TotalDegree) -> tuple[Tensor, Tensor]:
        """The rows of the boxes of a cell, [m, boxes * own], and the right-hand side, [m]."""
        layout, matrices, rights = self.layout, [], []
        for box in group:
            part = layout.part_of[box]
            matrix, right = self._parts[part].of(box - layout.offsets[part][0], basis)
            matrices.append(matrix)
            rights.append(right)
        between, right = self._meetings.between(group, basis)
        return torch.cat([torch.block_diag(*matrices), between]), torch.cat([*rights, right])


@dataclass
class JoinedSystem(BoxSystem):
    """The least squares problem of several parts, factored.

    Attributes:
        known: The leaves of boxes that are not cut.
    """

    known: Sequence[Leaf] = ()

    def _eliminated(self) -> list[Leaf]:
        return list(self.known) + super()._eliminated()


def joined_system(statements: SeveralParts, layout: Joined, degrees: Degrees, units: Sequence[float]) -> JoinedSystem:
    """The rows at the points of a discretisation.

    Args:
        statements: What is solved.
        layout: The boxes.
        degrees: Of their polynomials and traces.
        units: What the fields are measured in.
    """
    leaves: list[Leaf] = []
    known: dict[int, list[Condition]] = {}
    pins: Pins = {}
    cut, equations = [], []
    for own, part, (box, face) in zip(statements.parts, layout.parts, layout.offsets, strict=True):
        problem = own.problem
        equation = interior(problem, own.equations, part, degrees.inner[0], units)
        here = pinned(problem, own.data, part, degrees, units)
        found = patterns(part, degrees, lengths_of(part), here)
        leaves += [leaf.moved(box, face) for leaf in eliminated(part, degrees, equation, found)]
        outer = conditions(problem, own.others, part, degrees.outer[0], units)
        known |= {face + number: conditions for number, conditions in outer.items()}
        pins = {**pins, **{box + number: rows for number, rows in here.items()}}
        cut.append(CutRows(own, part, units, degrees.inside))
        equations.append(equation)
    meetings = Meetings(statements, layout, units, degrees.inside)
    operators = tuple(operator for equation in equations for operator in equation.operators)
    every = Interior(operators, equations[0].right, equations[0].scale, len(units))
    links = tuple(meetings.links(degrees))
    return JoinedSystem(layout, degrees, every, known, pins, (), CellRows(cut, meetings), links, leaves)


def joined_units(statements: SeveralParts, layout: Joined, degrees: Degrees) -> tuple[float, ...]:
    """What fields are measured in: in all parts alike, on average of these."""
    pairs = zip(statements.parts, layout.parts, strict=True)
    own = [units_of(one.problem, one.equations, part, degrees.inner[0]) for one, part in pairs]
    return tuple(torch.tensor(own, dtype=torch.float64).log().mean(dim=0).exp().tolist())


class JoinedHeldOut:
    """The residuals of all parts, and of the laws between them, at points where nothing was fitted."""

    def __init__(self, statements: SeveralParts, layout: Joined, units: Sequence[float], seed: int):
        pairs = zip(statements.parts, layout.parts, strict=True)
        self._parts = [HeldOut(own, part, units, seed) for own, part in pairs]
        self._meetings = Meetings(statements, layout, units, _LINES)
        self.statements, self.layout = statements, layout

    def residuals(self, coefficients: Tensor, degree: int) -> Tensor:
        """All residuals of several sets of coefficients [sets, boxes, fields, count]: [rows, sets]."""
        own = coefficients.split([len(part) for part in self.layout.parts], dim=1)
        inside = [held.residuals(part, degree) for held, part in zip(self._parts, own, strict=True)]
        model = self._model(coefficients.transpose(0, 1).flatten(1, 2), degree)
        return torch.cat([*inside, *(rows for rows, *_ in self._between(model))])

    def by_box(self, coefficients: Tensor, degree: int) -> Tensor:
        """The sums of squares of each box's residuals [boxes] for coefficients [boxes, fields, count]."""
        own = coefficients.split([len(part) for part in self.layout.parts])
        squares = torch.cat([held.by_box(part, degree) for held, part in zip(self._parts, own, strict=True)])
        for rows, *owners in self._between(self._model(coefficients, degree)):
            for owner in owners:
                squares.index_add_(0, owner, rows[:, 0].square() / len(owners))
        return squares

    def _model(self, weights: Tensor, degree: int) -> Boxwise:
        model = Boxwise(self.layout.boxes, degree, weights.shape[1])
        with torch.no_grad():
            model.weights.copy_(weights)
        return model

    def _between(self, model: Boxwise) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        with torch.no_grad():
            yield from self._meetings.residuals(model)
