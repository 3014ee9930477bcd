"""The residual of a solution on boxes at points where nothing was fitted: equation, conditions, jumps at faces."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.equation import Condition, conditions, interior
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.system import condition_scale, lengths_of
from gmnm_pde.boxes.trimmed import Trimmed
from gmnm_pde.geometry.unit import unit_points
from gmnm_pde.models.composite.boxwise import Boxwise
from gmnm_pde.multiindex import Alpha
from gmnm_pde.sampling import stream
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_POINTS = 6000
"""About so many points in all boxes together, and on all faces."""

_LEAST = 4
"""The fewest in a box, and on a face."""

_LINES = 7
"""Gauss points along each side of a box that is cut."""


class HeldOut:
    """Residuals of coefficients [boxes, count], scaled as the rows that are fitted are.

    Args:
        problem: What is solved.
        equation: Its term that holds in the boxes.
        others: Its terms that hold on outer faces.
        layout: The boxes.
        seed: Of the points.
    """

    def __init__(self, problem: Problem, equation: Term, others: Sequence[Term], layout: Layout, seed: int):
        d = layout.dimension
        self.layout, held = layout, stream(seed, "held out")
        self._unit = 2 * unit_points(max(_LEAST, _POINTS // len(layout)), d, "sobol", seed=held) - 1
        count = max(_LEAST, _POINTS // (2 * len(layout.faces))) if d > 1 else 1
        self._on_face = 2 * unit_points(count, d - 1, "sobol", seed=held) - 1 if d > 1 else self._unit.new_zeros(1, 0)
        self._equation = interior(problem, equation, layout, self._unit)
        self._conditions = conditions(problem, others, layout, self._on_face)
        self._lengths = lengths_of(layout)
        self._cut = CutRows(problem, equation, others, layout, _LINES) if isinstance(layout, Trimmed) else None

    @cached_property
    def _inner(self) -> list[tuple[int, list[int]]]:
        """By axis the numbers of the faces between two boxes."""
        inner = [(face.axis, number) for number, face in enumerate(self.layout.faces) if not face.outer]
        axes = sorted({axis for axis, _ in inner})
        return [(axis, [number for own, number in inner if own == axis]) for axis in axes]

    def residuals(self, coefficients: Tensor, degree: int) -> Tensor:
        """All residuals of several sets of coefficients [sets, boxes, count]: [rows, sets].

        The sum of the squares of one is that of the mean squares in all boxes and on all faces.
        """
        model = Boxwise(self.layout.boxes, degree, len(coefficients))
        with torch.no_grad():
            model.weights.copy_(coefficients.transpose(0, 1))
            return torch.cat([rows for rows, *_ in self._parts(model)])

    def by_box(self, coefficients: Tensor, degree: int) -> Tensor:
        """The sums of squares of each box's residuals [boxes] for coefficients [boxes, count]; of jumps a half each."""
        model = Boxwise(self.layout.boxes, degree)
        squares = torch.zeros(len(self.layout), dtype=torch.float64)
        with torch.no_grad():
            model.weights.copy_(coefficients[:, None])
            for rows, *owners in self._parts(model):
                for owner in owners:
                    squares.index_add_(0, owner, rows[:, 0].square() / len(owners))
        return squares

    def _parts(self, model: Boxwise) -> Iterator[tuple[Tensor, ...]]:
        """Residuals, and the boxes that they belong to, one or two each."""
        if len(self.layout.whole):
            yield from self._inside(model)
        yield from self._inside_cut(model)
        yield from self._jumps(model)
        yield from self._outside(model)

    def _inside(self, model: Boxwise) -> Iterator[tuple[Tensor, ...]]:
        whole = self.layout.whole
        weights, total = model.weights[whole], -self._equation.right[whole][:, :, None]
        for alpha, table in model.basis.jet(self._unit, tuple(self._equation.operator)).items():
            c = self._equation.operator[alpha]
            total = total + (c[whole][:, :, None] if isinstance(c, Tensor) else c) * (table @ weights.mT)
        yield total.flatten(0, 1) / len(self._unit) ** 0.5, whole.repeat_interleave(len(self._unit))

    def _inside_cut(self, model: Boxwise) -> Iterator[tuple[Tensor, ...]]:
        """With the conditions in these boxes."""
        if self._cut is None:
            return
        for number in self._cut.numbers:
            matrix, right = self._cut.of(number, model.basis)
            rows = matrix @ model.weights[number].mT - right[:, None]
            yield rows, torch.full((len(rows),), number)

    def _jumps(self, model: Boxwise) -> Iterator[tuple[Tensor, ...]]:
        """The jumps of values and of derivatives; traces halfway between two sides leave half of their squares."""
        m, zero = len(self._on_face), (0,) * self.layout.dimension
        for axis, numbers in self._inner:
            faces = [self.layout.faces[number] for number in numbers]
            across = tuple(int(k == axis) for k in range(self.layout.dimension))
            points = torch.cat([face.points(self._on_face) for face in faces])
            owners = [torch.tensor([getattr(face, side) for face in faces]) for side in ("below", "above")]
            owners = [own.repeat_interleave(m) for own in owners]
            below, above = (model.in_boxes(points, own, (zero, across)) for own in owners)
            length = torch.tensor([self._lengths[number] for number in numbers]).repeat_interleave(m)
            for alpha, factor in ((zero, torch.ones_like(length)), (across, length)):
                yield factor[:, None] * (above[alpha] - below[alpha]) / (2 * m) ** 0.5, *owners

    def _outside(self, model: Boxwise) -> Iterator[tuple[Tensor, ...]]:
        """The residuals of the conditions, those that differentiate alike together."""
        alike: dict[tuple[Alpha, ...], list[tuple[int, Condition]]] = {}
        for number, own in self._conditions.items():
            for one in own:
                alike.setdefault(tuple(one.slopes), []).append((number, one))
        for alphas, every in alike.items():
            faces = [self.layout.faces[number] for number, _ in every]
            counts = torch.tensor([len(one.points) for _, one in every])
            owner = torch.tensor([max(face.below, face.above) for face in faces]).repeat_interleave(counts)
            jets = model.in_boxes(torch.cat([one.points for _, one in every]), owner, alphas)
            rest = -torch.cat([one.right for _, one in every])[:, None]
            for alpha in alphas:
                rest = rest + torch.cat([one.slopes[alpha] for _, one in every])[:, None] * jets[alpha]
            scales = [condition_scale(one, self.layout.faces[n], self._lengths[n]) for n, one in every]
            scale = torch.tensor(scales, dtype=rest.dtype).repeat_interleave(counts)
            yield rest * scale[:, None] / len(self._on_face) ** 0.5, owner
