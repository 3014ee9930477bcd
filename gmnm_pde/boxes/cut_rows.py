"""The rows of boxes that the boundary cuts: the equation in the part inside, and the conditions on the boundary there.

Both hold the polynomials of the box alone. They are scaled as those of other boxes and their outer faces are.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gmnm_pde.boxes.arcs import Arc, arcs_of
from gmnm_pde.boxes.equation import CONDITION_FACTOR, STEEPNESS, linearized
from gmnm_pde.boxes.pieces import inside
from gmnm_pde.boxes.trimmed import Trimmed
from gmnm_pde.geometry import Region
from gmnm_pde.geometry.region import Chart
from gmnm_pde.models.modes.legendre import TotalDegree
from gmnm_pde.multiindex import Alpha
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term

_ON_ARC = 6
"""Points on an arc at least; and as many more as its part of the box's side asks for."""


class CutRows:
    """The rows of all boxes that are cut.

    Args:
        problem: What is solved.
        equation: Its term that holds inside.
        others: Its terms that hold on the boundary.
        layout: The boxes.
        count: About so many points along each side of a box.
    """

    def __init__(self, problem: Problem, equation: Term, others: Sequence[Term], layout: Trimmed, count: int):
        self.layout, self.numbers, self._count = layout, sorted(layout.pieces), count
        own = inside([layout.pieces[k] for k in self.numbers], [layout.boxes[k] for k in self.numbers], count)
        whole = linearized(problem, equation, torch.cat([points for points, _ in own]))
        self._rows: dict[int, list[_Row]] = {k: [] for k in self.numbers}
        first = 0
        for k, (points, weights) in zip(self.numbers, own, strict=True):
            part = slice(first, first + len(points))
            slopes = {alpha: slope[part] for (_, alpha), slope in whole.slopes.items()}
            self._rows[k].append(_Row(points, weights, slopes, -whole.residual[part], 1.0))
            first += len(points)
        for term in others:
            self._add_conditions(problem, term)

    def _add_conditions(self, problem: Problem, term: Term) -> None:
        assert isinstance(term.region, Region)
        for chart in term.region.charts:
            arcs = self._arcs(term.region, chart)
            nodes = [self._nodes(arc) for arc in arcs]
            if not arcs:
                continue
            points = torch.cat([own for own, _ in nodes])
            whole = linearized(problem, term, points, arcs[0].normals(points))
            first = 0
            for arc, (own, weights) in zip(arcs, nodes, strict=True):
                part = slice(first, first + len(own))
                slopes = {alpha: slope[part] for (_, alpha), slope in whole.slopes.items()}
                self._rows[arc.box].append(_Row(own, weights, slopes, -whole.residual[part], CONDITION_FACTOR))
                first += len(own)

    def _arcs(self, region: Region, chart: Chart) -> Sequence[Arc]:
        """The parts of a chart of a region in the boxes."""
        for known, arcs in self.layout.arcs:
            if not region.predicates and known.same(chart) and known.keep is chart.keep:
                return arcs
        found = arcs_of(chart, lambda points: region.keep_on(chart, points), self.layout.cells)
        return [arc for arc in found if arc.box in self.layout.pieces]

    def _nodes(self, arc: Arc) -> tuple[Tensor, Tensor]:
        """Points on an arc, and weights of its length in parts of the box's side."""
        side = 2 * self.layout.halves[arc.box].prod().sqrt().item()
        length = arc.nodes(_ON_ARC)[1].sum().item()
        points, weights = arc.nodes(_ON_ARC + round(self._count * length / side))
        return points, weights / side

    def of(self, number: int, basis: TotalDegree) -> tuple[Tensor, Tensor]:
        """The rows of a box for the coefficients of its polynomials, [m, count], and the right-hand side, [m]."""
        middle, half = self.layout.middles[number], self.layout.halves[number]
        parts = [row.in_box(middle, half, basis) for row in self._rows[number]]
        return torch.cat([matrix for matrix, _ in parts]), torch.cat([right for _, right in parts])


class _Row:
    """Rows of one term in one box, before they are made of polynomials."""

    def __init__(self, points: Tensor, weights: Tensor, slopes: Mapping[Alpha, Tensor], right: Tensor, factor: float):
        self.points, self.weights, self.slopes, self.right, self.factor = points, weights, slopes, right, factor

    def in_box(self, middle: Tensor, half: Tensor, basis: TotalDegree) -> tuple[Tensor, Tensor]:
        """Scaled by the size that derivatives have in a box of this size."""
        own, squares = {}, torch.zeros_like(self.right)
        for alpha, slope in self.slopes.items():
            factor = 1.0
            for size, order in zip(half.tolist(), alpha, strict=True):
                factor /= size**order
            own[alpha] = slope * factor
            squares += (own[alpha] * STEEPNESS ** sum(alpha)).square()
        mean = squares.mean().sqrt().item()
        scale = self.weights.sqrt() * (self.factor / mean if mean else 1.0)
        table = basis.jet((self.points - middle) / half, tuple(own))
        matrix = sum((c[:, None] * table[alpha] for alpha, c in own.items()), self.right.new_zeros(1, len(basis)))
        return matrix * scale[:, None], self.right * scale
