"""How a constraint ties fields to one that is free, as div u = 0 does velocities to a pressure."""

from collections.abc import Mapping
from dataclasses import dataclass

from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.space.splitting import Entry, constant_slopes

TIED = 1e-6
"""The size that errors of a field are relative to is at least this part of that of the largest of all tied ones."""


@dataclass(frozen=True)
class Ties:
    """The slopes, numbers all, that tie fields to a free one.

    Attributes:
        free: The number of the field that is free.
        gradients: Of other fields' equations by the free one.
        constraint: Of the free field's equation by others.
    """

    free: int
    gradients: Mapping[Entry, float]
    constraint: Mapping[Entry, float]

    @classmethod
    def of(cls, statements: Statements, numbers: Mapping[Entry, float]) -> "Ties":
        """Those among some slopes of equations with one free field."""
        (free,) = statements.free
        steady = {entry: own for entry, own in numbers.items() if own and not statements.split(entry[2])[1]}
        tested = statements.tested
        gradients = {e: own for e, own in steady.items() if e[1] == free and tested[e[0]] != free}
        constraint = {e: own for e, own in steady.items() if e[1] != free and tested[e[0]] == free}
        return cls(free, gradients, constraint)

    @property
    def fields(self) -> list[int]:
        """The fields that the constraint is about, ascending."""
        return sorted({field for _, field, _ in self.constraint})

    def even(self, statements: Statements, axis: int) -> bool:
        """Whether along a coordinate the other fields feel the free one as the constraint does them, of even order or
        of odd: then both together keep what is even apart from what is odd, and every frequency from others.
        """  # noqa: D205
        parities: dict[int, set[int]] = {}
        for name, _, alpha in self.gradients:
            parities.setdefault(statements.tested[name], set()).add(alpha[axis] % 2)
        for _, field, alpha in self.constraint:
            parities.setdefault(field, set()).add(alpha[axis] % 2)
        return all(len(own) == 1 for own in parities.values())


def ties_of(statements: Statements) -> Ties | None:
    """The ties where one field is free, and its equation is a constraint with constant coefficients for others, which
    feel it; else None.

    Along periodic coordinates frequencies are to stay apart.
    """  # noqa: D205
    if len(statements.free) != 1:
        return None
    numbers = constant_slopes(statements)
    ties = Ties.of(statements, numbers)
    asked = [
        (name, *key)
        for term in statements.equations
        for name in term.trace.names
        for key in term.trace.asked
        if statements.tested[name] == ties.free
    ]
    if not all(entry in ties.constraint or numbers.get(entry) == 0.0 for entry in asked):
        return None
    felt = {statements.tested[name] for name, _, _ in ties.gradients}
    apart = all(ties.even(statements, axis) for axis in statements.periodic)
    return ties if apart and felt and felt == set(ties.fields) else None
