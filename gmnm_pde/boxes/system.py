"""The rows of all boxes and conditions as one least squares problem in the traces, and its solution."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_leaves import CutBoxes, cut_leaves
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
        links: Rows between the traces of several faces.
    """

    layout: Layout
    degrees: Degrees
    equation: Interior
    conditions: Mapping[int, Sequence[Condition]]
    pins: Pins = field(default_factory=dict)
    patterns: Sequence[Pattern] | None = None
    cut: CutBoxes | None = None
    links: Sequence[Rows] = ()

    def __post_init__(self) -> None:
        self._leaves: list[Leaf] = self._eliminated()
        self._solver = self._factored(self._leaves)

    def _eliminated(self) -> list[Leaf]:
        lengths = lengths_of(self.layout)
        found = patterns(self.layout, self.degrees, lengths, self.pins) if self.patterns is None else self.patterns
        leaves = eliminated(self.layout, self.degrees, self.equation, found)
        return leaves if self.cut is None else leaves + cut_leaves(self.degrees, self.cut, lengths, self.pins)

    def _factored(self, leaves: Sequence[Leaf]) -> FrontSolver:
        """The rows that leaves and conditions leave for the traces, factored."""
        rows, lengths = [piece for leaf in leaves for piece in leaf.rows()], lengths_of(self.layout)
        for number, own in self.conditions.items():
            rows += [condition_rows(self.layout, self.degrees, number, lengths[number], one) for one in own]
        rows += self.links
        centers = torch.tensor([face.center for face in self.layout.faces], dtype=torch.float64)
        sizes = [self._size] * len(self.layout.faces)
        return FrontSolver(rows, sizes, centers, order=self.layout.dissection)

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

    def with_lower_cut(self, degree: int) -> Tensor:
        """The same with polynomials of a lower degree in the boxes that are cut: a worse solution."""
        assert self.cut is not None
        own = (self.degrees.basis.degrees.sum(dim=1) <= degree).repeat(len(self.degrees.across))
        cut = {number for group in self.cut.groups for number in group}
        leaves = [leaf.leading(own) if leaf.boxes[0, 0].item() in cut else leaf for leaf in self._leaves]
        return self._inside(self._factored(leaves).solution(), leaves, own)

    def _inside(self, traces: Tensor, leaves: Sequence[Leaf] | None = None, own: Tensor | None = None) -> Tensor:
        """The coefficients of the boxes for given traces; some leaves may have their ``own`` alone, a mask."""
        found = traces.new_zeros(len(self.layout), self.degrees.own)
        for leaf in leaves or self._leaves:
            inside = leaf.inverse(leaf.right[..., None], self._gathered(leaf, traces[:, None]))[..., 0]
            inside = inside.reshape(*leaf.boxes.shape, -1)
            if own is None or inside.shape[-1] == self.degrees.own:
                found[leaf.boxes] = inside
            else:
                found[leaf.boxes[..., None], own.nonzero()[:, 0]] = inside
        return found.unflatten(1, (len(self.degrees.across), -1))

    def inverse(self, vectors: Tensor) -> Tensor:
        """R^-1 times columns [columns, m]: unknowns whose rows are as long as the columns."""
        given, m = vectors[: self.own].view(len(self.layout), -1, vectors.shape[1]), vectors.shape[1]
        traces = self._solver.inverse(vectors[self.own :])
        found = torch.empty_like(given)
        for leaf in self._leaves:
            inside = leaf.inverse(self._given(leaf, given), self._gathered(leaf, traces))
            found[leaf.boxes] = inside.reshape(*leaf.boxes.shape, -1, m)
        return torch.cat([found.reshape(self.own, m), traces])

    def inverse_transposed(self, vectors: Tensor) -> Tensor:
        """R^-T times columns [columns, m]."""
        m = vectors.shape[1]
        given = vectors[: self.own].view(len(self.layout), -1, m)
        found, traces = torch.empty_like(given), vectors[self.own :].clone()
        by_face = traces.view(-1, self._size, m)
        for leaf in self._leaves:
            own, passed = leaf.inverse_transposed(self._given(leaf, given))
            found[leaf.boxes] = own.reshape(*leaf.boxes.shape, -1, m)
            by_face.index_add_(0, leaf.faces.flatten(), passed.reshape(-1, self._size, m))
        return torch.cat([found.reshape(self.own, m), self._solver.inverse_transposed(traces)])

    @staticmethod
    def _given(leaf: Leaf, columns: Tensor) -> Tensor:
        """Those of columns [boxes, own, m] that belong to a leaf, [n, count, m]."""
        return columns[leaf.boxes].reshape(len(leaf.boxes), -1, columns.shape[-1])

    def _gathered(self, leaf: Leaf, traces: Tensor) -> Tensor:
        """The traces on the faces of each box, [n, traces, m], from all, [faces * size, m]."""
        by_face = traces.view(-1, self._size, traces.shape[1])
        return by_face[leaf.faces].flatten(1, 2)
