"""The rows of boxes that the boundary cuts: the equations in the part inside, and the conditions on the boundary there.

Both hold the polynomials of the box alone. They are scaled as those of other boxes and their outer faces are.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.equation import CONDITION_FACTOR, STEEPNESS, Key
from gmnm_pde.boxes.linearizing import linearized, right_of
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.boxes.state import State
from gmnm_pde.geometry import Region
from gmnm_pde.models.modes.legendre import TotalDegree
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Linearized, reference_jets, zero_jets
from gmnm_pde.statement.terms import Term

_SPACE, _BALANCED = 3, 30.0
"""From so many coordinates on what displacements leave of forces and their moments in a box counts so much more.

Bodies are soft where they bend: what least squares left of moments around a hole bent a beam by 200 times its load.
"""


@dataclass(frozen=True)
class _Placed:
    """A term at points of cut boxes.

    Attributes:
        term: The term.
        boxes: Which boxes the points lie in, and how many in each, in turn.
        points: All of them, [n, d].
        weights: What they stand for, [n].
        normals: On the boundary, [n, d].
        factor: How much more its rows count than an equation's.
    """

    term: Term
    boxes: tuple[tuple[int, int], ...]
    points: Tensor
    weights: Tensor
    normals: Tensor | None
    factor: float

    def parts(self) -> Iterator[tuple[int, slice]]:
        """The boxes, and which points lie in each."""
        first = 0
        for box, count in self.boxes:
            yield box, slice(first, first + count)
            first += count


@dataclass(frozen=True)
class _Row:
    """Rows of one equation or condition in one box, before they are made of polynomials.

    Attributes:
        points: Where they hold, in the box's own coordinates, [n, d].
        slopes: By derivative of a field in these coordinates and its own unit, [n].
        right: The right-hand side, [n].
        factors: What they are multiplied by, [n].
    """

    points: Tensor
    slopes: Mapping[Key, Tensor]
    right: Tensor
    factors: Tensor

    def of(self, basis: TotalDegree, fields: int) -> Tensor:
        """For the coefficients of all fields, [n, fields * count]."""
        tables, count = basis.jet(self.points, tuple({alpha for _, alpha in self.slopes})), len(basis)
        matrix = self.points.new_zeros(fields * count, len(self.points)).mT  # in memory as tables are
        for (field, alpha), slope in self.slopes.items():
            matrix[:, field * count : (field + 1) * count] += slope[:, None] * tables[alpha]
        return matrix * self.factors[:, None]

    def moments(self) -> Tensor:
        """Constants and linear functions at the points, times the factors, made orthonormal, [n, 4]."""
        ones = torch.ones_like(self.points[:, :1])
        return torch.linalg.qr(torch.cat([ones, self.points], dim=1) * self.factors[:, None]).Q


class CutRows:
    """The rows of all boxes that are cut; those of nonlinear terms linearised, at the fields of reference at first.

    Args:
        statements: What is solved.
        layout: The boxes.
        units: What the fields are measured in.
        count: About so many points along each side of a box.
        fresh: Whether these are to be others than those of rows that are fitted.
        scales: What rows are multiplied by, where that is known.
    """

    def __init__(
        self,
        statements: Statements,
        layout: CutLayout,
        units: Sequence[float],
        count: int,
        *,
        fresh: bool = False,
        scales: Mapping[tuple[int, str, int], float] | None = None,
    ):
        self.layout, self.numbers = layout, layout.cut
        self.groups = tuple((number,) for number in self.numbers)
        self._problem, self._units, self._count, self._fresh = statements.problem, units, count, fresh
        bodies = len(units) > 1 and min(statements.across) > 1
        self._balanced = layout.dimension >= _SPACE and bodies and not fresh
        self._scales = dict(scales or {})
        if not self.numbers:
            self._placed: list[_Placed] = []
            return
        own = layout.nodes(count, fresh=fresh)
        points, weights = (torch.cat([pair[k] for pair in own]) for k in (0, 1))
        boxes = tuple((number, len(each)) for number, (each, _) in zip(self.numbers, own, strict=True))
        self.points = dict(zip(self.numbers, own, strict=True))
        self._placed = [_Placed(term, boxes, points, weights, None, 1.0) for term in statements.equations]
        for term in statements.others:
            self._placed += self._on_boundary(term)
        self._rows = self._linearized(None)

    def at(self, state: State) -> "CutRows":
        """The rows linearised at a state, scaled as before."""
        other = copy.copy(self)
        other._rows = self._linearized(state)
        return other

    def restated(self, statements: Statements) -> "CutRows":
        """The rows of other equations of the same kind, scaled as before."""
        return CutRows(statements, self.layout, self._units, self._count, fresh=self._fresh, scales=self._scales)

    def residual(self, state: State) -> Tensor:
        """The residuals of all rows at a state, [rows]; NaN where a function gives it."""
        found = []
        for number, placed in enumerate(self._placed):
            jets = _jets(placed, state)
            given = linearized(
                self._problem, placed.term, placed.points, placed.normals, jets, finite=False, slopes=False
            )
            for name, own in given.items():
                for box, part in placed.parts():
                    factors = self._scales[number, name, box] * placed.weights[part].sqrt()
                    found.append(own.residual[part] * factors * self.layout.weights[box])
        return torch.cat(found)

    def of(self, number: int, basis: TotalDegree) -> tuple[Tensor, Tensor]:
        """The rows of a box for the coefficients of its polynomials, [m, own], and the right-hand side, [m]."""
        found = [(row, row.of(basis, len(self._units)), row.right * row.factors) for row in self._rows[number]]
        matrices, rights = [matrix for _, matrix, _ in found], [right for *_, right in found]
        if self._balanced:
            for row, matrix, right in found:
                moments = _BALANCED * row.moments().mT
                matrices.append(moments @ matrix)
                rights.append(moments @ right)
        return torch.cat(matrices), torch.cat(rights)

    def mean_of(self, equation: int, number: int, basis: TotalDegree) -> tuple[Tensor, Tensor]:
        """The mean of an equation in a box, for the coefficients of its polynomials [1, own], and what it is, [1]."""
        row = self._rows[number][equation]
        roots = self.points[number][1].sqrt()
        return (roots @ row.of(basis, len(self._units)))[None], (roots @ (row.right * row.factors))[None]

    def of_group(self, group: Sequence[int], basis: TotalDegree) -> tuple[Tensor, Tensor]:
        """The same of a box by itself."""
        return self.of(group[0], basis)

    def _on_boundary(self, term: Term) -> Iterator[_Placed]:
        """A condition at points of the boundary that it holds on."""
        assert isinstance(term.region, Region)
        for chart in term.region.charts:
            found = list(self.layout.on_boundary(term.region, chart, self._count, fresh=self._fresh))
            if found:
                boxes = tuple((box, len(own)) for box, own, _ in found)
                points, weights = torch.cat([own for _, own, _ in found]), torch.cat([own for *_, own in found])
                assert chart.normal is not None
                yield _Placed(term, boxes, points, weights, chart.normal(points), CONDITION_FACTOR)

    def _linearized(self, state: State | None) -> dict[int, list[_Row]]:
        """The rows by box."""
        rows: dict[int, list[_Row]] = {number: [] for number in self.numbers}
        for number, placed in enumerate(self._placed):
            jets, term = None, placed.term
            if not term.trace.linear:
                jets = reference_jets(term, placed.points, self._problem) if state is None else _jets(placed, state)
            found = linearized(self._problem, term, placed.points, placed.normals, jets, finite=state is None)
            for name, own in found.items():
                right = right_of(own, jets)
                for box, part in placed.parts():
                    rows[box].append(self._row((number, name, box), placed, own, right, part))
        return rows

    def _row(self, key: tuple[int, str, int], placed: _Placed, found: Linearized, right: Tensor, part: slice) -> _Row:
        """Scaled by the size that derivatives have in a box of this size; once it is known that stays."""
        middle, half = self.layout.middles[key[-1]], self.layout.halves[key[-1]]
        slopes, squares = {}, torch.zeros_like(right[part])
        for (field, alpha), slope in found.slopes.items():
            factor = self._units[field]
            for size, order in zip(half.tolist(), alpha, strict=True):
                factor /= size**order
            slopes[field, alpha] = slope[part] * factor
            squares += (slopes[field, alpha] * STEEPNESS ** sum(alpha)).square()
        mean = squares.mean().sqrt().item()
        scale = self._scales.setdefault(key, placed.factor / mean if mean else placed.factor)
        return _Row((placed.points[part] - middle) / half, slopes, right[part], scale * placed.weights[part].sqrt())


def _jets(placed: _Placed, state: State) -> dict[Alpha, Tensor]:
    """The derivatives that a term needs, as the boxes that its points lie in have them."""
    jets = zero_jets(placed.term, placed.points, state.fields)
    for box, part in placed.parts():
        for alpha, values in state.in_box(box, placed.points[part], placed.term.trace.alphas).items():
            jets[alpha][part] = values
    return jets
