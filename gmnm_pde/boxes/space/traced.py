"""Which fields of a system in space have traces on faces, and what is balanced there.

Of an equation with second derivatives A d_n d_n u + B d_n p + ... the normal derivative is that of A d_n u + B p, which
is the same on both sides of a face, as u is. With A inverted there is one such number for each field with second
derivatives: d_n u + A^-1 B p. Fields without second derivatives, as a pressure, have no traces; boxes with given traces
know such a field but for a constant, and what is left of its own equation, as that of mass, has to be zero on average.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.equation import Interior
from gmnm_pde.boxes.layout import Face
from gmnm_pde.boxes.linearizing import linearized
from gmnm_pde.boxes.reading import Unsuited
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term


@dataclass(frozen=True)
class Traced:
    """The parts of a system.

    Attributes:
        fields: Those with traces: that have second derivatives.
        equations: Those that have them, as many.
        level: The field without traces, where there is one.
        mass: The equation without second derivatives, where there is one.
        count: How many fields there are.
    """

    fields: tuple[int, ...] = (0,)
    equations: tuple[int, ...] = (0,)
    level: int | None = None
    mass: int | None = None
    count: int = 1

    @classmethod
    def of(cls, equation: Interior) -> "Traced":
        """Those of equations.

        Raises:
            Unsuited: they do not balance.
        """
        own = [{key for key, c in operator.items() if _is_there(c)} for operator in equation.operators]
        if any(sum(alpha) > 2 for keys in own for _, alpha in keys):
            raise Unsuited("a system in three coordinates is of higher than second order")
        fields = tuple(sorted({field for keys in own for field, alpha in keys if sum(alpha) == 2}))
        second = tuple(k for k, keys in enumerate(own) if any(sum(alpha) == 2 for _, alpha in keys))
        others = [field for field in range(equation.fields) if field not in fields]
        first = [k for k in range(len(own)) if k not in second]
        if len(fields) != len(second) or len(others) != len(first) or len(others) > 1 or not fields:
            raise Unsuited("the system in three coordinates is none of second order, nor with one pressure")
        return cls(fields, second, *((others[0], first[0]) if others else (None, None)), equation.fields)

    @property
    def across(self) -> tuple[int, ...]:
        """By field how many traces it has."""
        return tuple(int(field in self.fields) for field in range(self.count))

    @property
    def passed(self) -> tuple[int, ...]:
        """The fields of which a box says something on its faces: derivatives across, and values without traces."""
        return self.fields if self.level is None else (*self.fields, self.level)

    def couplings(
        self, problem: Problem, terms: Sequence[Term], faces: Sequence[Face], units: Sequence[float]
    ) -> Tensor:
        """A^-1 B in the middle of faces, with what the fields are measured in, [faces, fields]."""
        points = torch.cat([face.points(torch.zeros(1, len(face.span), dtype=torch.float64)) for face in faces])
        found = [own for term in terms for own in linearized(problem, term, points).values()]
        axes = torch.nn.functional.one_hot(torch.tensor([face.axis for face in faces]), points.shape[1])

        def across(number: int, field: int, order: int) -> Tensor:
            slopes = found[number].slopes
            alphas = [tuple((order * own).tolist()) for own in torch.eye(points.shape[1], dtype=torch.long)]
            parts = [axes[:, k] * slopes[field, a] for k, a in enumerate(alphas) if (field, a) in slopes]
            return units[field] * sum(parts, start=torch.zeros(len(points), dtype=torch.float64))

        A = torch.stack([torch.stack([across(k, j, 2) for j in self.fields], dim=1) for k in self.equations], dim=1)
        if self.level is None:
            return points.new_zeros(len(points), len(self.fields))
        return torch.linalg.solve(A, torch.stack([across(k, self.level, 1) for k in self.equations], dim=1))


def _is_there(coefficient: Tensor | float) -> bool:
    return bool(coefficient.any()) if isinstance(coefficient, Tensor) else coefficient != 0.0
