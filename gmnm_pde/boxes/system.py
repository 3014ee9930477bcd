"""The rows of all boxes and conditions as one least squares problem in the traces, and its solution."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_leaves import CutBoxes, cut_leaves, faces_around
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import CONDITION_FACTOR, STEEPNESS, Condition, Interior
from gmnm_pde.boxes.faces import along, in_units, lengths_of
from gmnm_pde.boxes.layout import Face, Layout
from gmnm_pde.boxes.leaf import Leaf, held_by
from gmnm_pde.boxes.leaves import Pattern, Pins, eliminated, patterns
from gmnm_pde.linalg.fronts import Rows
from gmnm_pde.linalg.multifrontal import FrontSolver
from gmnm_pde.linalg.qr import front_operations
from gmnm_pde.linalg.subtrees import Division, Piece
from gmnm_pde.processes import count, gathered, own_part


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
        self._lengths = lengths_of(self.layout)
        known = self.patterns
        self._patterns = patterns(self.layout, self.degrees, self._lengths, self.pins) if known is None else known
        self._common = self._of_conditions()
        self._division = self._divided()
        self._leaves: list[Leaf] = own_part(self._eliminated)
        self._solver = self._factored(self._leaves)

    def _of_conditions(self) -> list[Rows]:
        """The rows that hold traces alone."""
        rows: list[Rows] = []
        for number, own in self.conditions.items():
            rows += [condition_rows(self.layout, self.degrees, number, self._lengths[number], one) for one in own]
        return [*rows, *self.links]

    def _divided(self) -> Division:
        """Which process eliminates which faces."""
        order, size = self.layout.dissection, self._size
        if count() == 1:
            return Division.none(order)
        own, points = self.degrees.own, self.equation.right.shape[1]
        groups: list[Sequence[int]] = [[box] for box in self.layout.whole.tolist()]
        groups += [] if self.cut is None else self.cut.groups
        pieces = [Piece(piece.groups, len(piece.right)) for piece in self._common]
        for group in groups:
            faces = faces_around(self.layout, group)[0].tolist()
            rows, columns = points * len(group) + len(faces) * size, own * len(group) + len(faces) * size
            shared = self.equation.constant and group[0] not in self._cut_boxes
            work = 0.0 if shared else 2.0 * rows * columns**2
            pieces.append(Piece(tuple(faces), len(faces) * size + 1, work))
        return Division.of(order, pieces, [size] * len(self.layout.faces), front_operations)

    def _eliminated(self) -> list[Leaf]:
        """Of boxes with matrices of their own those that this process needs."""
        divided = self._division.divided
        owners = [self._division.owner(faces) for faces in self.layout.around] if divided else None
        found = torch.tensor(owners) if owners else None
        leaves = eliminated(self.layout, self.degrees, self.equation, self._patterns, found)
        if self.cut is None:
            return leaves
        of_groups = [self._division.owner(self._faces_of(group)) for group in self.cut.groups] if divided else None
        return leaves + cut_leaves(self.degrees, self.cut, self._lengths, self.pins, of_groups)

    def _faces_of(self, group: Sequence[int]) -> tuple[int, ...]:
        return tuple(faces_around(self.layout, group)[0].tolist())

    @cached_property
    def _cut_boxes(self) -> frozenset[int]:
        return frozenset() if self.cut is None else frozenset(box for group in self.cut.groups for box in group)

    def _factored(self, leaves: Sequence[Leaf]) -> FrontSolver:
        """The rows that leaves and conditions leave for the traces, factored."""
        rows = [piece for leaf in leaves for piece in leaf.rows()]
        centers = torch.tensor([face.center for face in self.layout.faces], dtype=torch.float64)
        sizes = [self._size] * len(self.layout.faces)
        return FrontSolver(rows, sizes, centers, division=self._division, common=self._common)

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

    @cached_property
    def misfit(self) -> float:
        """The norm of the residual of all rows."""
        leaves = self._of_all(self._leaves, lambda leaf: leaf.misfits)
        return math.sqrt(self._solver.misfit**2 + sum(each.sum().item() for each in leaves))

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
        cut = self._cut_boxes
        narrowed = own_part(
            lambda: [leaf.leading(own) if int(leaf.boxes[0, 0]) in cut else leaf for leaf in self._leaves]
        )
        return self._inside(self._factored(narrowed).solution(), narrowed, own)

    def _inside(self, traces: Tensor, leaves: Sequence[Leaf] | None = None, own: Tensor | None = None) -> Tensor:
        """The coefficients of the boxes for given traces; some leaves may have their ``own`` alone, a mask."""
        found, leaves = traces.new_zeros(len(self.layout), self.degrees.own), leaves or self._leaves

        def solved(leaf: Leaf) -> Tensor:
            return leaf.inverse(leaf.right[..., None], self._gathered(leaf, traces[:, None]))[..., 0]

        for leaf, inside in zip(leaves, self._of_all(leaves, solved), strict=True):
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

        def solved(leaf: Leaf) -> Tensor:
            return leaf.inverse(self._given(leaf, given), self._gathered(leaf, traces))

        for leaf, inside in zip(self._leaves, self._of_all(self._leaves, solved), strict=True):
            found[leaf.boxes] = inside.reshape(*leaf.boxes.shape, -1, m)
        return torch.cat([found.reshape(self.own, m), traces])

    def inverse_transposed(self, vectors: Tensor) -> Tensor:
        """R^-T times columns [columns, m]."""
        m = vectors.shape[1]
        given = vectors[: self.own].view(len(self.layout), -1, m)
        found, traces = torch.empty_like(given), vectors[self.own :].clone()
        by_face = traces.view(-1, self._size, m)

        def solved(leaf: Leaf) -> Tensor:
            return torch.cat(leaf.inverse_transposed(self._given(leaf, given)), dim=1)

        for leaf, both in zip(self._leaves, self._of_all(self._leaves, solved), strict=True):
            traced = self._size * leaf.faces.shape[1]
            own, passed = both[:, :-traced], both[:, -traced:]
            found[leaf.boxes] = own.reshape(*leaf.boxes.shape, -1, m)
            by_face.index_add_(0, leaf.faces.flatten(), passed.reshape(-1, self._size, m))
        return torch.cat([found.reshape(self.own, m), self._solver.inverse_transposed(traces)])

    @staticmethod
    def _given(leaf: Leaf, columns: Tensor) -> Tensor:
        """Those of columns [boxes, own, m] that belong to a leaf, [n, count, m]."""
        boxes = leaf.boxes[leaf.held]
        return columns[boxes].reshape(len(boxes), -1, columns.shape[-1])

    def _gathered(self, leaf: Leaf, traces: Tensor) -> Tensor:
        """The traces on the faces of the boxes that are held, [n, traces, m], from all, [faces * size, m]."""
        by_face = traces.view(-1, self._size, traces.shape[1])
        return by_face[leaf.faces[leaf.held]].flatten(1, 2)

    @staticmethod
    def _of_all(leaves: Sequence[Leaf], of: Callable[[Leaf], Tensor]) -> list[Tensor]:
        """Something of the boxes of each leaf [n, ...], whichever process holds them."""
        own = [leaf for leaf in leaves if leaf.owners is not None and len(leaf.held)]
        if all(leaf.owners is None for leaf in leaves):
            return [of(leaf) for leaf in leaves]
        every = gathered(lambda: [of(leaf) for leaf in own])
        found = []
        parts = [iter(each) for each in every]
        for leaf in leaves:
            if leaf.owners is None:
                found.append(of(leaf))
                continue
            found.append(_put_together(leaf.owners, parts))
        return found


def _put_together(owners: Tensor, parts: Sequence[Iterator[Tensor]]) -> Tensor:
    """Something of all boxes of a leaf, from what each process has of those that it holds, if it holds any."""
    found: Tensor | None = None
    for process, part in enumerate(parts):
        held = held_by(owners, process)
        if len(held):
            own = next(part)
            found = own.new_empty(len(owners), *own.shape[1:]) if found is None else found
            found[held] = own
    assert found is not None
    return found
