"""The rows of all boxes and conditions as one least squares problem in the traces, and its solution."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_leaves import cut_leaves
from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import CONDITION_FACTOR, STEEPNESS, Condition, Interior
from gmnm_pde.boxes.layout import NOWHERE, Face, Layout
from gmnm_pde.boxes.leaves import Leaf, eliminated
from gmnm_pde.linalg.multifrontal import FrontSolver, Rows
from gmnm_pde.multiindex import Alpha


def lengths_of(layout: Layout) -> list[float]:
    """For each face the length that derivatives across it are measured in: half the thinner box beside it."""
    halves = layout.halves.tolist()
    return [min(halves[box][f.axis] for box in (f.below, f.above) if box != NOWHERE) for f in layout.faces]


def condition_scale(condition: Condition, face: Face, length: float) -> float:
    """What the rows of a condition on a face are multiplied by, so that it weighs like others whatever its units."""
    size = torch.zeros_like(condition.right)
    for alpha, slope in condition.slopes.items():
        size += (slope * STEEPNESS ** sum(alpha) * in_units(face, length, alpha)).square()
    mean = size.mean().sqrt().item()
    return CONDITION_FACTOR / mean if mean else 1.0


def in_units(face: Face, length: float, alpha: Alpha) -> float:
    """The factor of a derivative by the coordinates of a face scaled to [-1, 1], across it by ``length``."""
    factor, spans = 1.0, list(face.span)
    for axis, order in enumerate(alpha):
        if axis == face.axis:
            factor /= length**order
        else:
            low, high = spans[axis - (axis > face.axis)]
            factor *= (2 / (high - low)) ** order
    return factor


def condition_rows(degrees: Degrees, face: Face, number: int, length: float, condition: Condition) -> Rows:
    """The rows of a condition, which hold the traces of its face."""
    unit, weights = degrees.outer
    along = {alpha: (*alpha[: face.axis], *alpha[face.axis + 1 :]) for alpha in condition.slopes}
    table = degrees.traces.jet(unit[condition.rows], dict.fromkeys(along.values()))
    size = len(degrees.traces)
    matrix = torch.zeros(len(condition.right), 2 * size, dtype=torch.float64)
    for alpha, slope in condition.slopes.items():
        matrix[:, alpha[face.axis] :: 2] += slope[:, None] * in_units(face, length, alpha) * table[along[alpha]]
    factor = condition_scale(condition, face, length) * weights[condition.rows].sqrt()
    return Rows((number,), matrix * factor[:, None], condition.right * factor)


@dataclass
class BoxSystem:
    """The least squares problem of a layout, factored.

    Args:
        layout: The boxes.
        degrees: Of their polynomials and traces.
        equation: At the points of the boxes.
        conditions: By the number of their outer face.
        cut: The rows of boxes that the boundary cuts.
    """

    layout: Layout
    degrees: Degrees
    equation: Interior
    conditions: Mapping[int, Sequence[Condition]]
    cut: CutRows | None = None

    def __post_init__(self) -> None:
        lengths = lengths_of(self.layout)
        self._leaves: list[Leaf] = eliminated(self.layout, self.degrees, self.equation, lengths)
        if self.cut is not None:
            self._leaves += cut_leaves(self.degrees, self.cut, lengths)
        rows = [piece for leaf in self._leaves for piece in leaf.rows()]
        for number, own in self.conditions.items():
            face = self.layout.faces[number]
            rows += [condition_rows(self.degrees, face, number, lengths[number], one) for one in own]
        centers = torch.tensor([face.center for face in self.layout.faces], dtype=torch.float64)
        sizes = [self._size] * len(self.layout.faces)
        self._solver = FrontSolver(rows, sizes, centers, order=self.layout.dissection)

    @property
    def _size(self) -> int:
        """Unknowns of a face: by rising degree, the coefficients of values and of derivatives across in turn."""
        return 2 * len(self.degrees.traces)

    @property
    def own(self) -> int:
        """How many unknowns the boxes have; those of traces come after them."""
        return len(self.layout) * len(self.degrees.basis)

    @property
    def columns(self) -> int:
        """All unknowns."""
        return self.own + self._size * len(self.layout.faces)

    def solution(self) -> Tensor:
        """The coefficients of the boxes, [boxes, count]."""
        return self._inside(self._solver.solution())

    def with_fewer(self, degree: int, faces: Collection[int] | None = None) -> Tensor:
        """The same with traces of a lower degree, on some faces or on all: a worse solution."""
        size = 2 * int((self.degrees.traces.degrees.sum(dim=1) <= degree).sum())
        every = range(len(self.layout.faces))
        lower = set(every if faces is None else faces)
        return self._inside(self._solver.leading([size if face in lower else self._size for face in every]))

    def _inside(self, traces: Tensor) -> Tensor:
        """The coefficients of the boxes for given traces."""
        found = traces.new_zeros(len(self.layout), len(self.degrees.basis))
        for leaf in self._leaves:
            found[leaf.boxes] = leaf.inverse(leaf.right[..., None], self._gathered(leaf, traces[:, None]))[..., 0]
        return found

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
