"""The rows of all boxes and conditions as one least squares problem in the traces, and its solution."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_leaves import cut_leaves
from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import CONDITION_FACTOR, STEEPNESS, Condition, Interior
from gmnm_pde.boxes.faces import along, in_units, lengths_of
from gmnm_pde.boxes.layout import Face, Layout
from gmnm_pde.boxes.leaves import Leaf, Pattern, Pins, eliminated, patterns
from gmnm_pde.linalg.multifrontal import FrontSolver, Rows


def condition_scale(condition: Condition, face: Face, length: float) -> float:
    """What the rows of a condition on a face are multiplied by, so that it weighs like others whatever its units."""
    if condition.scale is not None:
        return condition.scale
    size = torch.zeros_like(condition.right)
    for (_, alpha), slope in condition.slopes.items():
        size += (slope * STEEPNESS ** sum(alpha) * in_units(face, length, alpha)).square()
    mean = size.mean().sqrt().item()
    return CONDITION_FACTOR / mean if mean else 1.0


def condition_rows(layout: Layout, degrees: Degrees, number: int, length: float, condition: Condition) -> Rows:
    """The rows of a condition, which hold the traces of its face."""
    (unit, weights), face = degrees.outer, layout.faces[number]
    table = degrees.traces.jet(unit[condition.rows], dict.fromkeys(along(face, alpha) for _, alpha in condition.slopes))
    kinds = degrees.kinds
    matrix = torch.zeros(len(condition.right), degrees.face_size, dtype=torch.float64)
    for (own, alpha), slope in condition.slopes.items():
        kind = kinds.index((own, alpha[face.axis]))
        matrix[:, kind :: len(kinds)] += slope[:, None] * in_units(face, length, alpha) * table[along(face, alpha)]
    factor = condition_scale(condition, face, length) * weights[condition.rows].sqrt()
    factor = factor * layout.weights[max(face.below, face.above)]
    return Rows((number,), matrix * factor[:, None], condition.right * factor)


@dataclass
class BoxSystem:
    """The least squares problem of a layout, factored.

    Args:
        layout: The boxes.
        degrees: Of their polynomials and traces.
        equation: At the points of the boxes.
        conditions: By the number of their outer face.
        pins: Rows at given points, by box.
        patterns: The boxes by their looks, where that is known.
        cut: The rows of boxes that the boundary cuts.
    """

    layout: Layout
    degrees: Degrees
    equation: Interior
    conditions: Mapping[int, Sequence[Condition]]
    pins: Pins = field(default_factory=dict)
    patterns: Sequence[Pattern] | None = None
    cut: CutRows | None = None

    def __post_init__(self) -> None:
        lengths = lengths_of(self.layout)
        found = self.patterns or patterns(self.layout, self.degrees, lengths, self.pins)
        self._leaves: list[Leaf] = eliminated(self.layout, self.degrees, self.equation, found)
        if self.cut is not None:
            self._leaves += cut_leaves(self.degrees, self.cut, lengths, self.pins)
        rows = [piece for leaf in self._leaves for piece in leaf.rows()]
        for number, own in self.conditions.items():
            rows += [condition_rows(self.layout, self.degrees, number, lengths[number], one) for one in own]
        centers = torch.tensor([face.center for face in self.layout.faces], dtype=torch.float64)
        sizes = [self._size] * len(self.layout.faces)
        self._solver = FrontSolver(rows, sizes, centers, order=self.layout.dissection)

    @property
    def _size(self) -> int:
        """Unknowns of a face."""
        return self.degrees.face_size

    @property
    def own(self) -> int:
        """How many unknowns the boxes have; those of traces come after them."""
        return len(self.layout) * self.degrees.own

    @property
    def columns(self) -> int:
        """All unknowns."""
        return self.own + self._size * len(self.layout.faces)

    @property
    def misfit(self) -> float:
        """The norm of the residual of all rows."""
        return math.sqrt(self._solver.misfit**2 + sum(leaf.misfit for leaf in self._leaves))

    def solution(self) -> Tensor:
        """The solution in all unknowns, [columns]: those of the boxes, then the traces."""
        traces = self._solver.solution()
        return torch.cat([self._inside(traces).reshape(-1), traces])

    def coefficients(self) -> Tensor:
        """The coefficients of the boxes, [boxes, fields, count]."""
        return self._inside(self._solver.solution())

    def with_fewer(self, degree: int, faces: Collection[int] | None = None) -> Tensor:
        """The same with traces of a lower degree, on some faces or on all: a worse solution."""
        size = len(self.degrees.kinds) * int((self.degrees.traces.degrees.sum(dim=1) <= degree).sum())
        every = range(len(self.layout.faces))
        lower = set(every if faces is None else faces)
        return self._inside(self._solver.leading([size if face in lower else self._size for face in every]))

    def _inside(self, traces: Tensor) -> Tensor:
        """The coefficients of the boxes for given traces."""
        found = traces.new_zeros(len(self.layout), self.degrees.own)
        for leaf in self._leaves:
            found[leaf.boxes] = leaf.inverse(leaf.right[..., None], self._gathered(leaf, traces[:, None]))[..., 0]
        return found.unflatten(1, (len(self.degrees.across), -1))

    def inverse(self, vectors: Tensor) -> Tensor:
        """R^-1 times columns [columns, m]: unknowns whose rows are as long as the columns."""
        given, m = vectors[: self.own].view(len(self.layout), -1, vectors.shape[1]), vectors.shape[1]
        traces = self._solver.inverse(vectors[self.own :])
        found = torch.empty_like(given)
        for leaf in self._leaves:
            found[leaf.boxes] = leaf.inverse(given[leaf.boxes], self._gathered(leaf, traces))
        return torch.cat([found.reshape(self.own, m), traces])

    def inverse_transposed(self, vectors: Tensor) -> Tensor:
        """R^-T times columns [columns, m]."""
        m = vectors.shape[1]
        given = vectors[: self.own].view(len(self.layout), -1, m)
        found, traces = torch.empty_like(given), vectors[self.own :].clone()
        by_face = traces.view(-1, self._size, m)
        for leaf in self._leaves:
            own, passed = leaf.inverse_transposed(given[leaf.boxes])
            found[leaf.boxes] = own
            by_face.index_add_(0, leaf.faces.flatten(), passed.reshape(-1, self._size, m))
        return torch.cat([found.reshape(self.own, m), self._solver.inverse_transposed(traces)])

    def _gathered(self, leaf: Leaf, traces: Tensor) -> Tensor:
        """The traces on the faces of each box, [n, traces, m], from all, [faces * size, m]."""
        by_face = traces.view(-1, self._size, traces.shape[1])
        return by_face[leaf.faces].flatten(1, 2)
