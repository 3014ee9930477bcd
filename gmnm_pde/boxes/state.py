"""Fields on boxes, with their traces: what nonlinear equations and conditions are linearised at."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.faces import along, in_units, lengths_of
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.multiindex import Alpha


@dataclass(frozen=True)
class State:
    """Polynomials in boxes and on faces.

    Attributes:
        layout: The boxes.
        degrees: Of the polynomials.
        units: What the fields are measured in.
        coefficients: Of the boxes, [boxes, fields, count].
        traces: Of the faces, [faces, size]; None where derivatives on faces are those of the box beside them.
    """

    layout: Layout
    degrees: Degrees
    units: Sequence[float]
    coefficients: Tensor
    traces: Tensor | None = None

    @property
    def fields(self) -> int:
        """How many fields there are."""
        return len(self.units)

    @cached_property
    def _factors(self) -> Tensor:
        return torch.tensor(tuple(self.units), dtype=torch.float64)

    @cached_property
    def _lengths(self) -> list[float]:
        return lengths_of(self.layout)

    def inside(self, unit: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives at points [m, d] of [-1, 1]^d in every box that is not cut, [boxes * m, fields] each."""
        whole = self.layout.whole
        return {
            alpha: values.transpose(1, 2).flatten(0, 1)
            for alpha, values in self._in(self.coefficients[whole], self.layout.halves[whole], unit, alphas).items()
        }

    def in_box(self, box: int, points: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives at points [m, d] of one box, in the problem's own coordinates, [m, fields] each."""
        unit = (points - self.layout.middles[box]) / self.layout.halves[box]
        own = self._in(self.coefficients[None, box], self.layout.halves[None, box], unit, alphas)
        return {alpha: values[0].mT for alpha, values in own.items()}

    def _in(self, coefficients: Tensor, halves: Tensor, unit: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """The same in some boxes, [n, fields, m] each."""
        found = {}
        for alpha, table in self.degrees.basis.jet(unit, tuple(alphas)).items():
            values = coefficients @ table.mT * self._factors[:, None]
            for axis, order in enumerate(alpha):
                values = values / halves[:, axis, None, None] ** order if order else values
            found[alpha] = values
        return found

    def on_face(self, number: int, unit: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives at points [m, d - 1] of a face scaled to [-1, 1]^(d - 1), [m, fields] each."""
        face = self.layout.faces[number]
        if self.traces is None:
            return self.in_box(max(face.below, face.above), face.points(unit), alphas)
        tables = self.degrees.traces.jet(unit, dict.fromkeys(along(face, alpha) for alpha in alphas))
        kinds, found = self.degrees.kinds, {}
        for alpha in alphas:
            values = unit.new_zeros(len(unit), self.fields)
            for k, (field, order) in enumerate(kinds):
                if order == alpha[face.axis]:
                    own = tables[along(face, alpha)] @ self.traces[number, k :: len(kinds)]
                    values[:, field] = self.units[field] * in_units(face, self._lengths[number], alpha) * own
            found[alpha] = values
        return found
