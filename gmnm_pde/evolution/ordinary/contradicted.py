"""Initial values of derivatives that follow from the equations: whether they are those that follow."""

from dataclasses import dataclass, replace

import numpy as np

from gmnm_pde.evolution.ordinary.evaluation import Original
from gmnm_pde.evolution.ordinary.start import Start
from gmnm_pde.evolution.ordinary.system import System
from gmnm_pde.evolution.reading.statements import Statements

_MET = 1e-6
"""Less than this part of its terms is left of a condition that is met."""


@dataclass(frozen=True)
class Contradicted:
    """An initial condition that the equations do not let hold.

    Attributes:
        name: Of the condition.
        left: What is left of it, as a part of its terms.
    """

    name: str
    left: float

    def described(self) -> str:
        """It in words."""
        return f"the initial condition '{self.name}' contradicts what follows from the equations at the beginning"


def contradicted(statements: Statements, system: System, start: Start) -> Contradicted | None:
    """The condition on derivatives of as high an order as the equations have, or one more, that is missed most.

    Args:
        statements: As they were stated.
        system: The equations, of which the highest derivatives follow in one way.
        start: What follows from them.
    """
    known = {own: float(start.state[k]) for k, own in enumerate(system.unknowns)}
    for field, order in enumerate(system.statements.orders):
        if order:
            last = system.unknowns.index((field, order - 1))
            known |= {(field, order): float(start.slope[last]), (field, order + 1): float(start.bend[last])}
    missed = [
        Contradicted(term.name, _left(statements, number, known))
        for number, term in enumerate(statements.initial)
        if any(alpha[0] >= system.statements.orders[field] > 0 for field, alpha in term.trace.asked)
        and all((field, alpha[0]) in known for field, alpha in term.trace.asked)
    ]
    worst = max(missed, key=lambda own: own.left, default=None)
    return worst if worst is not None and worst.left > _MET else None


def _left(statements: Statements, number: int, known: dict[tuple[int, int], float]) -> float:
    """What is left of an initial condition, as a part of its terms."""
    term = statements.initial[number]
    asked = tuple(dict.fromkeys((field, alpha[0]) for field, alpha in term.trace.asked))
    original = Original(replace(statements, equations=(term,)), asked)
    values = np.array([known[own] for own in asked])
    points = np.column_stack([np.full(2, statements.start), [values, 0.0 * values]])
    residual, at_zero = original.values(points)
    terms = np.abs(original.slopes(points[:1])[0, :, 1:] * values).sum(axis=1) + np.abs(at_zero)
    return float((np.abs(residual) / np.maximum(terms, 1e-300)).max())
