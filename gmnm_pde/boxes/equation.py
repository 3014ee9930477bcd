"""The equation in the boxes, as rows of a linear differential operator, and the conditions on outer faces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from gmnm_pde.boxes.flat import flat_side
from gmnm_pde.boxes.layout import Face, Layout
from gmnm_pde.geometry.region import Chart, Region
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize, zero_jets
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term, check_finite

CONDITION_FACTOR = 10.0
"""How much more a condition's rows count than an equation's, as for mixtures."""

STEEPNESS = 2.0
"""The size of a first derivative that rows are scaled by, on a box scaled to [-1, 1]^d: that of no basis."""

_NEAR = 1e-9
"""Faces whose place differs from that of a chart by no more than this part of the extent lie on it."""

_AT_ONCE = 2**18
"""Points at which equations are evaluated at a time."""


def linearized(problem: Problem, term: Term, points: Tensor, normals: Tensor | None = None) -> Linearized:
    """A linear term with one residual at zero fields, at points [n, d]."""
    parts = []
    for first in range(0, len(points), _AT_ONCE):
        own = points[first : first + _AT_ONCE]
        across = None if normals is None else normals[first : first + _AT_ONCE]
        placed = Placed(term, Cloud(own, across))
        ((name, found),) = linearize(problem, placed, own, zero_jets(term, own, 1), ()).items()
        for values in (found.residual, *found.slopes.values()):
            check_finite(name, values, problem.domain.coordinates, own)
        parts.append(found)
    if len(parts) == 1:
        return parts[0]
    keys = {key for part in parts for key in part.slopes}
    slopes = {key: torch.cat([p.slopes.get(key, torch.zeros_like(p.residual)) for p in parts]) for key in keys}
    return Linearized(torch.cat([part.residual for part in parts]), slopes, {})


@dataclass(frozen=True)
class Interior:
    """The equation at points of every box, its rows scaled so that all boxes weigh alike.

    Attributes:
        operator: By derivative its coefficients [boxes, m], in the boxes' own coordinates; a number where it is one.
        right: The right-hand side, [boxes, m].
        scale: What the rows of each box were multiplied by, [boxes].
    """

    operator: Mapping[Alpha, Tensor | float]
    right: Tensor
    scale: Tensor

    @property
    def constant(self) -> bool:
        """Whether the operator is the same at all points of all boxes."""
        return not any(isinstance(c, Tensor) for c in self.operator.values())

    def of(self, boxes: Sequence[int]) -> "Interior":
        """The equation in some of the boxes."""
        chosen = torch.tensor(list(boxes))
        operator = {a: c[chosen] if isinstance(c, Tensor) else c for a, c in self.operator.items()}
        return Interior(operator, self.right[chosen], self.scale[chosen])


def interior(problem: Problem, term: Term, layout: Layout, unit: Tensor) -> Interior:
    """The equation at points [m, d] of [-1, 1]^d, in every box; zeros in those that are cut."""
    whole, m = layout.whole, len(unit)
    count = len(whole)
    if not count:
        nothing = torch.zeros(len(layout), m, dtype=torch.float64)
        return Interior({}, nothing, nothing[:, 0])
    found = linearized(problem, term, layout.points(unit)[whole].reshape(-1, layout.dimension))
    halves, squares, coefficients = layout.halves[whole], torch.zeros(count, dtype=torch.float64), {}

    def spread(values: Tensor) -> Tensor:
        every = values.new_zeros(len(layout), *values.shape[1:])
        return values if count == len(layout) else every.index_copy(0, whole, values)

    for (_, alpha), slope in found.slopes.items():
        own = slope.reshape(count, m)
        for axis, order in enumerate(alpha):
            own = own / halves[:, axis, None] ** order if order else own
        coefficients[alpha] = own
        squares += (own * STEEPNESS ** sum(alpha)).square().mean(dim=1)
    scale = squares.clamp_min(torch.finfo(torch.float64).tiny).rsqrt()
    operator: dict[Alpha, Tensor | float] = {}
    for alpha, own in coefficients.items():
        scaled = own * scale[:, None]
        first = scaled[0, 0].item()
        same = bool(((scaled - first).abs() <= 1e-13 * abs(first)).all())
        operator[alpha] = first if same else spread(scaled)
    return Interior(operator, spread(-found.residual.reshape(count, m) * scale[:, None]), spread(scale))


@dataclass(frozen=True)
class Condition:
    """A condition at points of one outer face.

    Attributes:
        rows: Which of the face's points it holds at.
        points: These, [n, d].
        slopes: By derivative its coefficients, [n].
        right: The right-hand side, [n].
    """

    rows: Tensor
    points: Tensor
    slopes: Mapping[Alpha, Tensor]
    right: Tensor


def conditions(problem: Problem, terms: Sequence[Term], layout: Layout, unit: Tensor) -> dict[int, list[Condition]]:
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
            own = linearized(problem, term, at, None if chart.normal is None else chart.normal(at))
            which = places // len(unit)
            for k, number in enumerate(numbers):
                mine = (which == k).nonzero()[:, 0]
                if len(mine):
                    slopes = {alpha: slope[mine] for (_, alpha), slope in own.slopes.items()}
                    condition = Condition(places[mine] % len(unit), at[mine], slopes, -own.residual[mine])
                    found.setdefault(number, []).append(condition)
    return found


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
