"""The equations in the boxes, as rows of linear differential operators, and the conditions on outer faces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor

from gmnm_pde.boxes.layout import Face, Layout
from gmnm_pde.boxes.linearizing import linearized, right_of
from gmnm_pde.boxes.state import State
from gmnm_pde.geometry.flat import flat_side
from gmnm_pde.geometry.region import Chart, Region
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Linearized, reference_jets, zero_jets
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

CONDITION_FACTOR = 10.0
"""How much more a condition's rows count than an equation's, as for mixtures."""

STEEPNESS = 2.0
"""The size of a first derivative that rows are scaled by, on a box scaled to [-1, 1]^d: that of no basis."""

_NEAR = 1e-9
"""Faces whose place differs from that of a chart by no more than this part of the extent lie on it."""

SAMPLED = 128
"""Points in a shape at which coefficients are looked at."""

Key = tuple[int, Alpha]
"""A derivative of a field, by the number of the field."""


@dataclass(frozen=True)
class Interior:
    """The equations at points of every box, their rows scaled so that equations and boxes weigh alike.

    Attributes:
        operators: For each equation, by derivative its coefficients [boxes, m], in the boxes' own coordinates and the
            fields' own units; a number where it is one.
        right: The right-hand sides, equation after equation, [boxes, equations * m].
        scale: What the rows of each box were multiplied by, [boxes, equations].
        fields: How many fields there are.
    """

    operators: tuple[Mapping[Key, Tensor | float], ...]
    right: Tensor
    scale: Tensor
    fields: int = 1

    @property
    def constant(self) -> bool:
        """Whether the operators are the same at all points of all boxes."""
        return not any(isinstance(c, Tensor) for operator in self.operators for c in operator.values())

    @property
    def alphas(self) -> tuple[Alpha, ...]:
        """The derivatives that occur, of whatever field."""
        return tuple(dict.fromkeys(alpha for operator in self.operators for _, alpha in operator))

    def within(self, equation: int, field: int) -> dict[Alpha, Tensor | float]:
        """The operator on one field in one equation."""
        return {alpha: c for (own, alpha), c in self.operators[equation].items() if own == field}

    def of(self, boxes: Sequence[int]) -> "Interior":
        """The equations in some of the boxes."""
        chosen = torch.tensor(list(boxes), dtype=torch.long)
        operators = tuple(
            {key: c[chosen] if isinstance(c, Tensor) else c for key, c in operator.items()}
            for operator in self.operators
        )
        return Interior(operators, self.right[chosen], self.scale[chosen], self.fields)


def interior(
    problem: Problem,
    terms: Sequence[Term],
    layout: Layout,
    unit: Tensor,
    units: Sequence[float],
    *,
    state: State | None = None,
    scale: Tensor | None = None,
    finite: bool = True,
) -> Interior:
    """The equations at points [m, d] of [-1, 1]^d, in every box; zeros in those that are cut.

    Args:
        problem: What is solved.
        terms: Its equations.
        layout: The boxes.
        unit: The points.
        units: What the fields are measured in.
        state: What nonlinear equations are linearised at, by default the fields of reference.
        scale: What rows are multiplied by; by default they get the same size.
        finite: Whether equations that are not finite are refused.
    """
    whole, m = layout.whole, len(unit)
    points, count = layout.points(unit)[whole].reshape(-1, layout.dimension), len(whole)
    if not count:
        names = [name for term in terms for name in term.trace.names]
        nothing = torch.zeros(len(layout), len(names) * m, dtype=torch.float64)
        return Interior(tuple({} for _ in names), nothing, nothing[:, :: max(1, m)], len(units))
    operators: list[dict[Key, Tensor | float]] = []
    rights, scales = [], []
    for term in terms:
        jets = _jets(problem, term, points, state, unit)
        for found in linearized(problem, term, points, None, jets, finite=finite).values():
            coefficients = _in_boxes(found, layout.halves[whole], units)
            own = _scale(coefficients, count) if scale is None else scale[whole, len(operators)]
            scaled = {key: _number(c * own[:, None]) for key, c in coefficients.items()}
            operators.append({key: _among(c, layout) if isinstance(c, Tensor) else c for key, c in scaled.items()})
            rights.append(_among(right_of(found, jets).reshape(count, m) * own[:, None], layout))
            scales.append(_among(own, layout))
    return Interior(tuple(operators), torch.cat(rights, dim=1), torch.stack(scales, dim=1), len(units))


def _among(values: Tensor, layout: Layout) -> Tensor:
    """What is known of the boxes that are not cut, with zeros for the others."""
    if len(values) == len(layout):
        return values
    return values.new_zeros(len(layout), *values.shape[1:]).index_copy(0, layout.whole, values)


def residuals(problem: Problem, terms: Sequence[Term], state: State, unit: Tensor, scale: Tensor) -> Tensor:
    """The residuals of the equations at a state in boxes that are not cut, scaled, [boxes, equations * m].

    They are NaN where a function gives it.
    """
    layout, found = state.layout, []
    if not len(layout.whole):
        return torch.zeros(0, scale.shape[1] * len(unit), dtype=torch.float64)
    points = layout.points(unit)[layout.whole].reshape(-1, layout.dimension)
    for term in terms:
        jets = state.inside(unit, term.trace.alphas)
        for own in linearized(problem, term, points, None, jets, finite=False, slopes=False).values():
            found.append(own.residual.reshape(-1, len(unit)) * scale[layout.whole, len(found), None])
    return torch.cat(found, dim=1)


def _jets(
    problem: Problem, term: Term, points: Tensor, state: State | None, unit: Tensor
) -> Mapping[Alpha, Tensor] | None:
    """What a term is linearised at; None for a linear one, at zero."""
    if term.trace.linear:
        return None
    if state is None:
        return reference_jets(term, points, problem)
    return state.inside(unit, term.trace.alphas)


def _in_boxes(found: Linearized, halves: Tensor, units: Sequence[float]) -> dict[Key, Tensor]:
    """The coefficients [boxes, m] in the own coordinates of boxes with half the sides [boxes, d]."""
    coefficients = {}
    for (field, alpha), slope in found.slopes.items():
        own = slope.reshape(len(halves), -1)
        for axis, order in enumerate(alpha):
            own = own / halves[:, axis, None] ** order if order else own
        coefficients[field, alpha] = own if units[field] == 1.0 else units[field] * own
    return coefficients


def _scale(coefficients: Mapping[Key, Tensor], boxes: int) -> Tensor:
    """What makes the rows of each box of one size, [boxes]; that of others where an equation has no slopes."""
    squares = torch.zeros(boxes, dtype=torch.float64)
    for (_, alpha), own in coefficients.items():
        squares += (own * STEEPNESS ** sum(alpha)).square().mean(dim=1)
    others = squares.mean().item() or 1.0
    return torch.where(squares > 0, squares, others).rsqrt()


def sampled(problem: Problem, terms: Sequence[Term]) -> Interior:
    """The equations at points of a domain, as if that were one box."""
    points = problem.domain.sample(SAMPLED).points
    operators, rights = [], []
    for term in terms:
        jets = None if term.trace.linear else reference_jets(term, points, problem)
        for found in linearized(problem, term, points, None, jets).values():
            operators.append({key: _number(c[None]) for key, c in found.slopes.items()})
            rights.append(right_of(found, jets)[None])
    ones = torch.ones(1, len(operators), dtype=torch.float64)
    return Interior(tuple(operators), torch.cat(rights, dim=1), ones, len(problem.fields))


def _number(scaled: Tensor) -> Tensor | float:
    """A coefficient, as a number where it is the same everywhere."""
    first = scaled[0, 0].item()
    same = bool(((scaled - first).abs() <= 1e-13 * abs(first)).all())
    return first if same else scaled


@dataclass(frozen=True)
class Condition:
    """A condition at points of one outer face.

    Attributes:
        rows: Which of the face's points it holds at.
        points: These, [n, d].
        slopes: By derivative of a field its coefficients, [n].
        right: The right-hand side, [n].
        scale: What its rows are multiplied by, where that is not by their own size.
    """

    rows: Tensor
    points: Tensor
    slopes: Mapping[Key, Tensor]
    right: Tensor
    scale: float | None = None


def conditions(
    problem: Problem,
    terms: Sequence[Term],
    layout: Layout,
    unit: Tensor,
    units: Sequence[float],
    *,
    state: State | None = None,
    finite: bool = True,
) -> dict[int, list[Condition]]:
    """By the number of each outer face the conditions at its points, which are those of ``unit`` [m, d - 1]."""
    found: dict[int, list[Condition]] = {}
    outer = [number for number, face in enumerate(layout.faces) if face.outer]
    for term in terms:
        assert isinstance(term.region, Region)
        for chart in term.region.charts:
            numbers = [n for n in outer if lies_on(layout.faces[n], chart, problem)]
            if not numbers:
                continue
            points = torch.cat([layout.faces[n].points(unit) for n in numbers])
            places = (term.region.keep_on(chart, points) & _beside(chart, points, problem)).nonzero()[:, 0]
            if not len(places):
                continue
            at = points[places]
            normals = None if chart.normal is None else chart.normal(at)
            mine = {n: (places // len(unit) == k).nonzero()[:, 0] for k, n in enumerate(numbers)}
            places = places % len(unit)
            jets = None
            if not term.trace.linear:
                given = None if state is None else _on_faces(state, term, mine, unit[places])
                jets = reference_jets(term, at, problem) if given is None else given
            for own in linearized(problem, term, at, normals, jets, finite=finite).values():
                right = right_of(own, jets)
                for number, rows in mine.items():
                    if len(rows):
                        slopes = {(k, a): units[k] * slope[rows] for (k, a), slope in own.slopes.items()}
                        condition = Condition(places[rows], at[rows], slopes, right[rows])
                        found.setdefault(number, []).append(condition)
    return found


def _on_faces(state: State, term: Term, mine: Mapping[int, Tensor], unit: Tensor) -> dict[Alpha, Tensor]:
    """The derivatives that a term needs at its points on faces."""
    jets = zero_jets(term, unit, state.fields)
    for number, rows in mine.items():
        if len(rows):
            for alpha, values in state.on_face(number, unit[rows], term.trace.alphas).items():
                jets[alpha][rows] = values
    return jets


def scaled_like(own: Mapping[int, Sequence[Condition]], scales: Mapping[int, Sequence[float]]) -> dict:
    """Conditions whose rows are multiplied by given numbers."""
    return {
        number: [replace(one, scale=scale) for one, scale in zip(every, scales[number], strict=True)]
        for number, every in own.items()
    }


def lies_on(face: Face, chart: Chart, problem: Problem) -> bool:
    """Whether a face lies in the plane of a chart, if that is flat."""
    flat = flat_side(chart)
    if flat is None:
        return False
    low, high = problem.domain.bounds[face.axis]
    return face.axis == flat[0] and abs(face.place - flat[1]) <= _NEAR * (high - low)


def _beside(chart: Chart, points: Tensor, problem: Problem) -> Tensor:
    """Which points [n, d] in the plane of a flat chart lie between the ends of what it is cut from."""
    corners = chart.embed(torch.tensor(list(product((0.0, 1.0), repeat=chart.dimension)), dtype=torch.float64))
    low, high = corners.amin(dim=0), corners.amax(dim=0)
    near = _NEAR * max(b - a for a, b in problem.domain.bounds)
    return ((points >= low - near) & (points <= high + near)).all(dim=1)
