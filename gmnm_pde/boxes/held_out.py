"""The residual of a solution on boxes at points where nothing was fitted: equations, conditions, jumps at faces."""

import copy
from collections.abc import Iterator, Sequence
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.equation import Condition, Key, conditions, interior, scaled_like
from gmnm_pde.boxes.faces import lengths_of
from gmnm_pde.boxes.layout import Face, Layout
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.boxes.state import State
from gmnm_pde.boxes.system import condition_scale
from gmnm_pde.boxes.units import weights_of_fields
from gmnm_pde.geometry.unit import unit_points
from gmnm_pde.models.composite.boxwise import Boxwise
from gmnm_pde.multiindex import Alpha
from gmnm_pde.sampling import stream

_POINTS = 6000
"""About so many points in all boxes together, and on all faces."""

_LEAST = 4
"""The fewest in a box, and on a face."""

_LINES = 7
"""Gauss points along each side of a box that is cut."""


class HeldOut:
    """Residuals of coefficients [boxes, fields, count], scaled as the rows that are fitted are.

    Nonlinear equations are linearised: at the fields of reference at first.

    Args:
        statements: What is solved.
        layout: The boxes.
        units: What the fields are measured in.
        seed: Of the points.
    """

    def __init__(self, statements: Statements, layout: Layout, units: Sequence[float], seed: int):
        d = layout.dimension
        self._statements, self._units = statements, units
        self.layout, held = layout, stream(seed, "held out")
        self._unit = 2 * unit_points(max(_LEAST, _POINTS // len(layout)), d, "sobol", seed=held) - 1
        count = max(_LEAST, _POINTS // max(1, 2 * len(layout.faces))) if d > 1 else 1
        self._on_face = 2 * unit_points(count, d - 1, "sobol", seed=held) - 1 if d > 1 else self._unit.new_zeros(1, 0)
        self._lengths = lengths_of(layout)
        problem = statements.problem
        self._equation = interior(problem, statements.equations, layout, self._unit, units)
        self._conditions = conditions(problem, statements.others, layout, self._on_face, units)
        self._counting = weights_of_fields(problem, statements.equations, layout, self._unit, units)
        self._cut = None
        if isinstance(layout, CutLayout):
            self._cut = CutRows(statements, layout, units, _LINES, fresh=True)

    def at(self, state: State) -> "HeldOut":
        """The residuals linearised at a state, their rows scaled as before."""
        problem, scale = self._statements.problem, self._equation.scale
        scales = {n: [self._scale(n, one) for one in own] for n, own in self._conditions.items()}
        other = copy.copy(self)
        kept = {"state": state, "finite": False}
        other._equation = interior(
            problem, self._statements.equations, self.layout, self._unit, self._units, scale=scale, **kept
        )
        found = conditions(problem, self._statements.others, self.layout, self._on_face, self._units, **kept)
        other._conditions = scaled_like(found, scales)
        other._cut = None if self._cut is None else self._cut.at(state)
        return other

    def _scale(self, number: int, condition: Condition) -> float:
        return condition_scale(condition, self.layout.faces[number], self._lengths[number])

    @cached_property
    def _inner(self) -> list[tuple[int, list[int]]]:
        """By axis the numbers of the faces between two boxes."""
        inner = [(face.axis, number) for number, face in enumerate(self.layout.faces) if not face.outer]
        axes = sorted({axis for axis, _ in inner})
        return [(axis, [number for own, number in inner if own == axis]) for axis in axes]

    def residuals(self, coefficients: Tensor, degree: int) -> Tensor:
        """All residuals of several sets of coefficients [sets, boxes, fields, count]: [rows, sets].

        The sum of the squares of one is that of the mean squares in all boxes and on all faces.
        """
        fields = coefficients.shape[2]
        model = Boxwise(self.layout.boxes, degree, len(coefficients) * fields)
        with torch.no_grad():
            model.weights.copy_(coefficients.transpose(0, 1).flatten(1, 2))
            return torch.cat([rows for rows, *_ in self._parts(model)])

    def by_box(self, coefficients: Tensor, degree: int) -> Tensor:
        """The sums of squares of each box's residuals [boxes] for coefficients [boxes, fields, count]."""
        model = Boxwise(self.layout.boxes, degree, coefficients.shape[1])
        squares = torch.zeros(len(self.layout), dtype=torch.float64)
        with torch.no_grad():
            model.weights.copy_(coefficients)
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
        operators, m, whole = self._equation.operators, len(self._unit), self.layout.whole
        rights = self._equation.right[whole].split(m, dim=1)
        tables = model.basis.jet(self._unit, self._equation.alphas)
        totals = [-right[:, :, None] for right in rights]
        weights = model.weights[whole].unflatten(1, (-1, self._equation.fields))
        for alpha, table in tables.items():
            for k, operator in enumerate(operators):
                for (field, own), c in operator.items():
                    if own == alpha:
                        values = table @ weights[:, :, field].mT
                        totals[k] = totals[k] + (c[whole][:, :, None] if isinstance(c, Tensor) else c) * values
        weights = self.layout.weights[whole, None, None] / m**0.5
        for total in totals:
            yield (weights * total).flatten(0, 1), whole.repeat_interleave(m)

    def _inside_cut(self, model: Boxwise) -> Iterator[tuple[Tensor, ...]]:
        """With the conditions in these boxes."""
        if self._cut is None:
            return
        for number in self._cut.numbers:
            matrix, right = self._cut.of(number, model.basis)
            weights = model.weights[number].unflatten(0, (-1, self._equation.fields)).flatten(1)
            rows = self.layout.weights[number] * (matrix @ weights.mT - right[:, None])
            yield rows, torch.full((len(rows),), number)

    def _jumps(self, model: Boxwise) -> Iterator[tuple[Tensor, ...]]:
        """The jumps of what has traces; traces halfway between two sides leave half of their squares."""
        across = self._statements.across
        m, d = len(self._on_face), self.layout.dimension
        for axis, numbers in self._inner:
            faces = [self.layout.faces[number] for number in numbers]
            alphas = [tuple(order * int(k == axis) for k in range(d)) for order in range(max(across))]
            owners = [torch.tensor([getattr(face, side) for face in faces]) for side in ("below", "above")]
            below, above = (self._beside(model, faces, own, alphas) for own in owners)
            weights = torch.minimum(*(self._weights[own] for own in owners)).repeat_interleave(m, dim=0)
            length = torch.tensor([self._lengths[number] for number in numbers]).repeat_interleave(m)
            for order, alpha in enumerate(alphas):
                step = (above[alpha] - below[alpha]).unflatten(1, (-1, len(across)))
                step = (weights * length[:, None] ** order)[:, None] * step / (2 * m) ** 0.5
                for field, count in enumerate(across):
                    if order < count:
                        yield step[:, :, field], *(own.repeat_interleave(m) for own in owners)

    @property
    def _weights(self) -> Tensor:
        """What jumps of each field count at the faces of each box, [boxes, fields]."""
        return self.layout.weights[:, None] * self._counting

    def _beside(self, model: Boxwise, faces: Sequence[Face], owner: Tensor, alphas: Sequence[Alpha]) -> dict:
        """Derivatives on faces, as one of the boxes beside each has them."""
        pairs = zip(faces, owner.tolist(), strict=True)
        points = torch.cat([self.layout.points_of(face, box, self._on_face) for face, box in pairs])
        return model.in_boxes(points, owner.repeat_interleave(len(self._on_face)), alphas)

    def _outside(self, model: Boxwise) -> Iterator[tuple[Tensor, ...]]:
        """The residuals of the conditions, those that differentiate alike together."""
        alike: dict[tuple[Key, ...], list[tuple[int, Condition]]] = {}
        for number, own in self._conditions.items():
            for one in own:
                alike.setdefault(tuple(one.slopes), []).append((number, one))
        for keys, every in alike.items():
            faces = [self.layout.faces[number] for number, _ in every]
            counts = torch.tensor([len(one.points) for _, one in every])
            owner = torch.tensor([max(face.below, face.above) for face in faces]).repeat_interleave(counts)
            alphas: list[Alpha] = list(dict.fromkeys(alpha for _, alpha in keys))
            jets = model.in_boxes(torch.cat([one.points for _, one in every]), owner, alphas)
            rest = -torch.cat([one.right for _, one in every])[:, None]
            for field, alpha in keys:
                slope = torch.cat([one.slopes[field, alpha] for _, one in every])[:, None]
                rest = rest + slope * jets[alpha][:, field :: self._equation.fields]
            scales = [self._scale(n, one) for n, one in every]
            scale = torch.tensor(scales, dtype=rest.dtype).repeat_interleave(counts)
            scale = scale * self.layout.weights[owner]
            yield rest * scale[:, None] / len(self._on_face) ** 0.5, owner
