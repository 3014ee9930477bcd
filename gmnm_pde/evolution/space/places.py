"""Points at which equations and conditions are evaluated, and what fields are there: inside parts, and on planes."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.faces import Side
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.models.modes import Product
from gmnm_pde.residuals.pointwise import Linearized
from gmnm_pde.statement.terms import Term


class Inside:
    """The equations of a part of the domain, and the points of the quadrature in it.

    Args:
        statements: The problem.
        basis: Of its space.
        equations: Those that hold in the part.
        part: Its name; none where the domain has no parts.
    """

    def __init__(self, statements: Statements, basis: Product, equations: Sequence[Term], part: str = ""):
        self.equations, self._statements, self._basis = equations, statements, basis
        self.rows: Tensor | None = None
        self.points = basis.points
        if part:
            at_start = statements.joined(basis.points, torch.tensor([statements.start], dtype=torch.float64))
            self.rows = statements.lies_in(part, at_start).nonzero()[:, 0]
            self.points = basis.points[self.rows]

    def values(self, coefficients: Tensor, orders: Sequence[int]) -> Tensor:
        """A derivative of expansions of fields at the points, those of each part's fields: [times, branches, n]."""
        values = self._basis.values(coefficients, orders)
        return values if self.rows is None else self._statements.in_parts(values[..., self.rows])

    def spread(self, own: Linearized, times: int) -> Linearized:
        """Residuals and slopes at the points of the part, as those of fields at all points: zero elsewhere."""
        rows, fields, count = self.rows, self._statements.fields, len(self._basis.points)
        assert rows is not None

        def on_all(values: Tensor) -> Tensor:
            whole = values.new_zeros(times, count)
            whole[:, rows] = values.unflatten(0, (times, -1))
            return whole.flatten()

        slopes = {(branch % fields, alpha): on_all(slope) for (branch, alpha), slope in own.slopes.items()}
        return Linearized(on_all(own.residual), slopes, {})


def put(found: dict[int, Linearized], row: int, own: Linearized) -> None:
    """Add residuals that hold in one part to those that hold in others."""
    before = found.get(row)
    if before is None:
        found[row] = own
        return
    keys = [*before.slopes, *(key for key in own.slopes if key not in before.slopes)]
    zero = torch.zeros_like(own.residual)
    slopes = {key: before.slopes.get(key, zero) + own.slopes.get(key, zero) for key in keys}
    found[row] = Linearized(before.residual + own.residual, slopes, {})


class Face:
    """Points of the quadrature on a plane where a condition holds, and the modes on one side of it or on both.

    Args:
        side: The condition.
        statements: The problem.
        basis: Of its space.
    """

    def __init__(self, side: Side, statements: Statements, basis: Product):
        self.term, self.side, self._basis, self._statements = side.term, side, basis, statements
        self.across = statements.space.index(side.axis)
        others = Product([line for k, line in enumerate(basis.lines) if k != self.across])
        column = torch.full((len(others.points), 1), side.value, dtype=torch.float64)
        self.points = torch.cat([others.points[:, : self.across], column, others.points[:, self.across :]], dim=1)
        self.scale = others.weights.sqrt()
        at_start = statements.joined(self.points, torch.tensor([statements.start], dtype=torch.float64))
        assert side.chart.normal is not None
        self.normals = side.chart.normal(at_start)
        self._known: dict[tuple[tuple[int, ...], bool], Tensor] = {}
        self._below = self._parts_below()

    def _parts_below(self) -> frozenset[int]:
        """The parts that meet at the plane on the lower side of it."""
        if len(self.term.parts) < 2:
            return frozenset()
        names = list(self._statements.problem.domain.parts)
        first, second = (names.index(part) for part in self.term.parts)
        return frozenset([first if bool((self.normals[:, self.side.axis] > 0).all()) else second])

    def rows(self, orders: Sequence[int], branch: int) -> Tensor:
        """A derivative of every mode at the points, on the side of the part whose field it is, [n, modes]."""
        below = branch // self._statements.fields in self._below
        key = (tuple(orders), below)
        if key not in self._known:
            points = self.points
            if below:  # modes that break there are those of the cell above
                points = points.clone()
                points[:, self.across] = torch.nextafter(points[:, self.across], points.new_tensor(-torch.inf))
            self._known[key] = self._basis.rows(points, orders)
        return self._known[key]

    def values(self, coefficients: Tensor, orders: Sequence[int]) -> Tensor:
        """A derivative of expansions of fields at the points, those of each part's fields: [times, branches, n]."""
        fields = self._statements.fields
        sides = {below: coefficients @ self.rows(orders, fields * part).mT for part, below in self._seen.items()}
        return torch.cat([sides[part in self._below] for part in range(self._statements.parts)], dim=-2)

    @cached_property
    def _seen(self) -> dict[int, bool]:
        """A part on each side that is seen, and whether that is below."""
        parts = range(self._statements.parts)
        by_side = {part in self._below: part for part in parts}
        return {part: below for below, part in by_side.items()}
