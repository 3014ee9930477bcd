"""A problem in time, discretised in space: equations tested with the modes, conditions on sides in place of some.

Of the residuals of the equations the parts that the conditions on the sides can do nothing about are kept: with R the
projected residuals, b those of the conditions and V the modes that the conditions see,

    R + V (S b - V' R) = 0,

where S b measures what the modes in V lack. For linear conditions these are the equations tested with functions that
meet the homogeneous conditions, and the conditions themselves as algebraic equations, whatever depends on time in them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.space.integrals import integrals
from gmnm_pde.evolution.space.places import Face, Inside, put
from gmnm_pde.evolution.space.pressures import Pressures
from gmnm_pde.evolution.space.slopes import DenseSlopes, Slopes
from gmnm_pde.models.modes import Product
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Linearized, Placed, linearize
from gmnm_pde.sampling import Cloud
from gmnm_pde.statement.terms import Term, by_parts

_RANK = 1e-9
"""Conditions whose singular values are below this part of the largest are the same as others."""

Jets = Sequence[Tensor]
"""A state and its derivatives by time at some times: for each order [times, fields, modes]."""


@dataclass(frozen=True)
class Held:
    """The conditions on the sides, split off.

    Attributes:
        modes: V, what of the state they see, orthonormal, [M, r].
        measure: S, [r, rows].
    """

    modes: Tensor
    measure: Tensor

    @classmethod
    def of(cls, stacked: Tensor, weight: float) -> "Held":
        """From the conditions' slopes by the state and its derivatives by time, [orders, rows, M].

        Of each condition the highest derivative by time counts. The measure is ``weight`` times as large, which is the
        size of the equations' slopes: beside far larger ones its digits would be lost.
        """
        leading = stacked[0]
        for matrix in stacked[1:]:
            leading = torch.where(matrix.norm(dim=1, keepdim=True) > 0, matrix, leading)
        size = leading.norm(dim=1).clamp_min(1e-300)
        u, s, vt = torch.linalg.svd(leading / size[:, None], full_matrices=False)
        rank = int((s > _RANK * s[0]).sum()) if len(s) else 0
        return cls(vt[:rank].mT.contiguous(), (weight or 1.0) * (u[:, :rank] / s[:rank]).mT / size)

    @classmethod
    def joined(cls, parts: "Sequence[Held]") -> "Held":
        """Of conditions that see nothing of one another's."""
        return cls(torch.cat([p.modes for p in parts], dim=1), torch.block_diag(*[p.measure for p in parts]))


class Galerkin:
    """The equations of the modes' coefficients.

    States are flat, [fields * modes], field by field. ``moment`` is a time within the step that is under way, at which
    conditions that switch in time are looked at.

    Args:
        statements: The problem.
        basis: Of its space.
    """

    def __init__(self, statements: Statements, basis: Product):
        self.statements, self.basis = statements, basis
        self.fields = statements.fields
        self.count = self.fields * basis.count
        self._faces = [Face(side, statements, basis) for side in (*statements.sides, *statements.meetings)]
        self._held: Held | None = None
        self.moment = statements.start
        self.orders = torch.tensor(statements.orders).repeat_interleave(basis.count)

    def shaped(self, jets: Jets) -> list[Tensor]:
        """States [times, M] by field, [times, fields, modes]."""
        return [jet.unflatten(-1, (self.fields, self.basis.count)) for jet in jets]

    def residual(self, times: Tensor, jets: Jets) -> Tensor:
        """What the equations leave at some times, for jets of as many states: [times, M]."""
        total = times.new_zeros(len(times), self.fields, self.basis.count)
        for row, linearized in self._equations(times, jets, slopes=False).items():
            total[:, row] = self.basis.tested(linearized.residual.unflatten(0, (len(times), -1)))
        return self.completed(total.flatten(1), times, jets)

    def completed(self, residual: Tensor, times: Tensor, jets: Jets) -> Tensor:
        """What the equations leave, [times, M], with what the conditions leave in place of some of it."""
        return self.pin(self._with_conditions(residual, self._conditions(times, jets)), jets[0].flatten(-2))

    @cached_property
    def pressures(self) -> Pressures:
        """The space of free fields."""
        return Pressures(self.basis)

    @cached_property
    def base(self) -> Tensor:
        """The constants beside which fields are expanded, as a state, [M]."""
        ones = torch.ones(len(self.basis.points), dtype=torch.float64)
        return self.basis.projected(torch.stack([own * ones for own in self.statements.base])).flatten()

    def pin(self, residual: Tensor, state: Tensor) -> Tensor:
        """A residual [..., M] with what free fields have nothing of, to be zero, in place of that of their equations.

        Args:
            residual: What the equations leave.
            state: The state, [..., M].
        """
        if not self.statements.free:
            return residual
        known, own = (values.unflatten(-1, (self.fields, -1)) for values in (state, residual.clone()))
        for field in self.statements.free:
            own[..., field, :] = known[..., field, :] + self.pressures.part(own[..., field, :] - known[..., field, :])
        return own.flatten(-2)

    def unheld(self, residual: Tensor) -> Tensor:
        """What of a residual [..., M] nothing replaces: neither conditions on the sides nor what free fields lack."""
        return self.pin(self.without_conditions(residual), torch.zeros_like(residual))

    def gauged(self, times: Tensor, states: Tensor) -> Tensor:
        """States [times, fields, modes] with the constants of free fields as the problem states them."""
        for gauge in self.statements.gauges:
            rows = self.basis.rows(gauge.place[None], (0,) * len(gauge.place))[0]
            missing = gauge.at(times) - states[:, gauge.field] @ rows
            states = states.clone()
            constant = self.pressures.constant
            states[:, gauge.field] += (missing / (rows @ constant))[:, None] * constant
        return states

    def slopes(self, time: Tensor, jets: Jets) -> Slopes:
        """The derivatives of the residual by a state and by its derivatives by time, at one time.

        What of the equations the conditions replace is found anew on the way.
        """
        times, n = time.reshape(1), self.basis.count
        matrices = [times.new_zeros(self.fields, n, self.fields, n) for _ in range(self.statements.order + 1)]
        for row, linearized in self._equations(times, jets, slopes=True).items():
            for field, in_time, own in self._operators(linearized):
                matrices[in_time][row, :, field] += self.basis.operator(own)
        flat = self._conditioned([own.view(self.count, self.count) for own in matrices], times, jets)
        for field in self.statements.free:
            rows = slice(field * n, (field + 1) * n)
            for matrix in flat:
                matrix[rows] = self.pressures.part(matrix[rows].mT).mT
            ones = torch.eye(n).to(times)
            flat[0][rows, rows] += ones - self.pressures.part(ones)
        return DenseSlopes(flat)

    def _operators(self, linearized: Linearized) -> Iterator[tuple[int, int, dict[tuple[int, ...], Tensor | float]]]:
        """The slopes of an equation: a field, an order in time, and the operator in space on that."""
        for field, operator in linearized.operators.items():
            by_order: dict[int, dict[tuple[int, ...], Tensor | float]] = {}
            for alpha, factor in operator.items():
                orders, in_time = self.statements.split(alpha)
                by_order.setdefault(in_time, {})[orders] = factor
            for in_time, own in by_order.items():
                yield field, in_time, own

    def _equations(self, times: Tensor, jets: Jets, *, slopes: bool) -> dict[int, Linearized]:
        """The residuals of the equations at the quadrature's points, times * points each, by the fields they test."""
        found: dict[int, Linearized] = {}
        for part in self._in_parts:
            points = self.statements.joined(part.points, times)
            for term in part.equations:
                values = self._values(term, jets, part.values)
                placed = Placed(term, Cloud(points), integrate=integrals(self.basis))
                named = linearize(self.statements.problem, placed, points, values, (), slopes=slopes)
                for name, own in named.items():
                    row = self.statements.tested[name]
                    if part.rows is None:
                        found[row] = own
                    else:
                        put(found, row, part.spread(own, len(times)))
        return found

    @cached_property
    def _in_parts(self) -> list[Inside]:
        """The equations by the parts of the domain that they hold in."""
        parts = by_parts(self.statements.equations)
        return [Inside(self.statements, self.basis, own, *names) for names, own in parts.items()]

    def _values(
        self, term: Term, jets: Jets, evaluated: Callable[[Tensor, Sequence[int]], Tensor]
    ) -> dict[Alpha, Tensor]:
        """The derivatives that a term asks for, as numbers at points: for each [times * points, branches]."""
        values = {}
        for alpha in term.trace.alphas:
            orders, in_time = self.statements.split(alpha)
            values[alpha] = evaluated(jets[in_time], orders).movedim(1, -1).flatten(0, 1)
        return values

    def _conditions(self, times: Tensor, jets: Jets) -> Tensor:
        """What the conditions on the sides leave, [times, rows]."""
        parts = []
        for face in self._faces:
            scale = face.scale * self._holds(face)
            for linearized in self._on(face, times, jets, slopes=False).values():
                parts.append(scale * linearized.residual.unflatten(0, (len(times), -1)))
        return torch.cat(parts, dim=1) if parts else times.new_zeros(len(times), 0)

    def _holds(self, face: Face) -> Tensor:
        """Where a condition holds during the step, 1 or 0 at each of its points."""
        if face.side.always:
            return torch.ones_like(face.scale)
        moment = torch.tensor([self.moment], dtype=torch.float64)
        return face.side.holds(self.statements.joined(face.points, moment)).to(face.scale)

    def _on(self, face: Face, times: Tensor, jets: Jets, *, slopes: bool) -> dict[str, Linearized]:
        points = self.statements.joined(face.points, times)
        values = self._values(face.term, jets, face.values)
        cloud = Cloud(points, face.normals.repeat(len(times), 1))
        return linearize(self.statements.problem, Placed(face.term, cloud), points, values, (), slopes=slopes)

    def _conditioned(self, matrices: list[Tensor], times: Tensor, jets: Jets) -> list[Tensor]:
        """The slopes with the conditions on the sides in place of what they hold."""
        stacked = self._stacked(times, jets, self._faces)
        if stacked is None:
            return matrices
        self._held = Held.of(stacked, matrices[0].abs().max().item())
        modes, measure = self._held.modes, self._held.measure
        pairs = zip(matrices, stacked, strict=True)
        return [matrix + modes @ (measure @ own - modes.mT @ matrix) for matrix, own in pairs]

    def _stacked(self, times: Tensor, jets: Jets, faces: Sequence[Face]) -> Tensor | None:
        """The slopes of the conditions on some faces, [orders in time, rows, M]; None without any."""
        parts = []
        for face in faces:
            scale = face.scale * self._holds(face)
            for linearized in self._on(face, times, jets, slopes=True).values():
                own = times.new_zeros(self.statements.order + 1, len(face.points), self.fields, self.basis.count)
                for (branch, alpha), slope in linearized.slopes.items():
                    orders, in_time = self.statements.split(alpha)
                    own[in_time, :, branch % self.fields] += (scale * slope)[:, None] * face.rows(orders, branch)
                parts.append(own.flatten(2))
        return torch.cat(parts, dim=1) if parts else None

    def _with_conditions(self, residual: Tensor, conditions: Tensor) -> Tensor:
        if self._held is None:
            return residual
        modes, measure = self._held.modes, self._held.measure
        return residual + (conditions @ measure.mT - residual @ modes) @ modes.mT

    def without_conditions(self, residual: Tensor) -> Tensor:
        """A residual [..., M] without what the conditions on the sides leave, as where they do not hold yet."""
        if self._held is None:
            return residual
        return residual - (residual @ self._held.modes) @ self._held.modes.mT
