"""Conditions on the sides of a box that can be met line by line.

A condition on a whole face that is linear in one field and its derivatives across the face, with the same coefficients
everywhere and at all times, says of every line across the face the same: b c(line) = g. What functions of the line can
do about such conditions is split off by two small matrices, however many lines there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.faces import Side
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.space.galerkin import Galerkin, Jets
from gmnm_pde.evolution.space.ties import Ties
from gmnm_pde.models.modes import Product, applied
from gmnm_pde.residuals.pointwise import Placed, linearize, zero_jets
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.terms import Term

_PROBES = 24
"""Points of a face at which a condition is looked at."""

_RANK = 1e-9
"""Conditions of one line whose singular values are below this part of the largest repeat others."""


@dataclass(frozen=True)
class Across:
    """A condition of the lines across a face.

    Attributes:
        side: The condition and its face.
        name: Of the residual.
        field: What it is about.
        factors: For each order of the derivative across the face its coefficient.
    """

    side: Side
    name: str
    field: int
    factors: Mapping[int, float]


def across(statements: Statements) -> list[Across] | None:
    """The conditions on the sides as conditions of lines; None if they are not of that kind."""
    found: list[Across] = []
    for side in statements.sides:
        term = side.term
        if not side.always or not term.trace.linear:
            return None
        generator = torch.Generator().manual_seed(0)
        bounds = torch.tensor(statements.problem.domain.bounds, dtype=torch.float64)
        low, high = bounds.unbind(dim=1)
        points = low + (high - low) * torch.rand(_PROBES, len(low), generator=generator, dtype=torch.float64)
        points[:, side.axis] = side.value
        placed = Placed(term, Cloud(points, _normals(side, statements, _PROBES)))
        jets = zero_jets(term, points, len(statements.orders))
        for name, own in linearize(statements.problem, placed, points, jets, ()).items():
            factors: dict[int, float] = {}
            fields = set()
            for (field, alpha), slope in own.slopes.items():
                if not bool(slope.any()):
                    continue
                constant = bool(((slope - slope[0]).abs() <= 1e-13 * slope[0].abs()).all())
                if not constant or sum(alpha) != alpha[side.axis]:
                    return None
                factors[alpha[side.axis]] = slope[0].item()
                fields.add(field)
            if len(fields) != 1:
                return None
            found.append(Across(side, name, fields.pop(), factors))
    return found


def _normals(side: Side, statements: Statements, count: int) -> Tensor:
    low, high = statements.problem.domain.bounds[side.axis]
    normals = torch.zeros(count, len(statements.space) + 1, dtype=torch.float64)
    normals[:, side.axis] = -1.0 if abs(side.value - low) < abs(side.value - high) else 1.0
    return normals


class _Line:
    """The conditions of one field along one line.

    Attributes:
        rows: B, of the functions of the line, [r, count].
        lift: The least functions with B = 1, [count, r].
        inside: An orthonormal basis of what B does not see, [count, count - r].
    """

    def __init__(self, statements: Statements, conditions: Sequence[Across], basis: Product, axis: int):
        line = basis.lines[axis]
        self.conditions, self.axis = conditions, axis
        rows = []
        for own in conditions:
            at = torch.tensor([own.side.value], dtype=torch.float64)
            rows.append(sum(factor * line.rows(at, order)[0] for order, factor in own.factors.items()))
        self.rows = torch.stack([row for row in rows if isinstance(row, Tensor)])
        size = self.rows.norm(dim=1, keepdim=True)
        u, s, vt = torch.linalg.svd(self.rows / size, full_matrices=True)
        self.full = bool(s[-1] > _RANK * s[0])
        self.lift = vt[: len(s)].mT @ ((u / s).mT / size.mT)
        self.inside = vt[len(s) :].mT.contiguous()
        self.projector = self.inside @ self.inside.mT
        others = [other for k, other in enumerate(basis.lines) if k != axis]
        self.others = Product(others)
        self._outwards = {id(own): _normals(own.side, statements, len(self.others.points)) for own in conditions}

    def points(self, condition: Across) -> Tensor:
        """Of the quadrature of the condition's face, [n, space]."""
        places = self.others.points
        column = places.new_full((len(places), 1), condition.side.value)
        return torch.cat([places[:, : self.axis], column, places[:, self.axis :]], dim=1)

    def normals(self, condition: Across) -> Tensor:
        """There, [n, d]."""
        return self._outwards[id(condition)]


class SeparableGalerkin(Galerkin):
    """The same equations as ``Galerkin``, with conditions on sides that are met line by line.

    Args:
        statements: The problem.
        basis: Of its space.
        conditions: Those on the sides.
        ties: What ties fields to one that is free.
    """

    def __init__(self, statements: Statements, basis: Product, conditions: Sequence[Across], ties: Ties | None = None):
        super().__init__(statements, basis)
        self.ties = ties
        self.lines: list[list[_Line | None]] = []
        for field in range(self.fields):
            own = []
            for k, axis in enumerate(statements.space):
                here = [one for one in conditions if one.field == field and one.side.axis == axis]
                own.append(_Line(statements, here, basis, k) if here else None)
            self.lines.append(own)
        self._by_term: list[tuple[Term, list[tuple[Across, _Line]]]] = []
        for line in (line for own in self.lines for line in own if line is not None):
            for one in line.conditions:
                same = [pairs for term, pairs in self._by_term if term is one.side.term]
                if not same:
                    self._by_term.append((one.side.term, []))
                (same[0] if same else self._by_term[-1][1]).append((one, line))
        self._known: tuple[tuple[float, ...], dict[int, Tensor]] | None = None
        self.regular = all(line.full for own in self.lines for line in own if line is not None)

    def completed(self, residual: Tensor, times: Tensor, jets: Jets) -> Tensor:
        state = jets[0].unflatten(-1, self.basis.shape)
        given = self._given(times)
        lifted = torch.stack([self._lifted(field, state[:, field], given) for field in range(self.fields)], dim=1)
        inside = self.without_conditions(self.without_conditions(residual))  # rounding of large parts is no defect
        return self.pin(inside + lifted.flatten(1), jets[0].flatten(-2))

    def without_conditions(self, residual: Tensor) -> Tensor:
        shaped = residual.unflatten(-1, (self.fields, *self.basis.shape))
        parts = [self._inside(field, own) for field, own in enumerate(shaped.unbind(-1 - len(self.basis.shape)))]
        return torch.stack(parts, dim=-1 - len(self.basis.shape)).flatten(-1 - len(self.basis.shape))

    def _inside(self, field: int, values: Tensor) -> Tensor:
        """What the conditions of a field do not see of coefficients [..., *modes]."""
        for line in self.lines[field]:
            if line is not None:
                values = applied(line.projector, values, line.axis - len(self.basis.shape))
        return values

    def _lifted(self, field: int, state: Tensor, given: Mapping[int, Tensor]) -> Tensor:
        """The least functions that differ from zero on the sides as the state from what it is to be there."""
        total = torch.zeros_like(state)
        for line in self.lines[field]:
            if line is None:
                continue
            axis = 1 + line.axis
            defect = applied(line.rows, state - total, axis - state.ndim)
            for number, own in enumerate(line.conditions):
                part = defect.select(axis, number)
                part += given[id(own)].view_as(part)
            total = total + applied(line.lift, defect, axis - state.ndim)
        return total

    def _given(self, times: Tensor) -> dict[int, Tensor]:
        """What each condition leaves of fields that are zero, in the modes of its face, [times, modes]."""
        key = tuple(times.tolist())
        if self._known is None or self._known[0] != key:
            found = {}
            for term, lines in self._by_term:
                joined = self.statements.joined(torch.cat([line.points(one) for one, line in lines]), times)
                normals = torch.cat([line.normals(one) for one, line in lines]).repeat(len(times), 1)
                jets = zero_jets(term, joined, self.fields)
                placed = Placed(term, Cloud(joined, normals))
                named = linearize(self.statements.problem, placed, joined, jets, (), slopes=False)
                for number, (one, line) in enumerate(lines):
                    by_face = named[one.name].residual.unflatten(0, (len(times), -1))
                    sizes = [len(other.others.points) for _, other in lines]
                    found[id(one)] = line.others.projected(by_face.split(sizes, dim=1)[number])
            self._known = (key, found)
        return self._known[1]
