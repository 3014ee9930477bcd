"""How a constraint ties fields to one that is free, as div u = 0 does velocities to a pressure."""

from collections.abc import Mapping
from dataclasses import dataclass

from gmnm_pde.evolution.reading import Statements
from gmnm_pde.evolution.splitting import Entry, constant_slopes


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


def are_tied(statements: Statements) -> bool:
    """Whether one field is free, and its equation is a constraint with constant coefficients for others, which feel it.

    Along periodic coordinates these are to feel it as the constraint does them, so that every frequency is by itself.
    """
    if len(statements.free) != 1:
        return False
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
        return False
    waves = [k for k, axis in enumerate(statements.space) if axis in statements.periodic]
    parities: dict[int, set[tuple[int, ...]]] = {}
    both = [(statements.tested[entry[0]], entry) for entry in ties.gradients]
    both += [(entry[1], entry) for entry in ties.constraint]
    for field, (_, _, alpha) in both:
        orders, _ = statements.split(alpha)
        parities.setdefault(field, set()).add(tuple(orders[k] % 2 for k in waves))
    felt = {statements.tested[entry[0]] for entry in ties.gradients}
    return all(len(own) == 1 for own in parities.values()) and bool(felt) and felt == set(ties.fields)
