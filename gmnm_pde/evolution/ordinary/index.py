"""The index of a differential-algebraic problem, and equations of index one in place of those of a higher one.

Which derivative of which field stands in which equation tells how often each equation is to be differentiated, so that
the highest derivatives follow from them (Pryce's method). The equations that were differentiated, and their derivatives
below the last, are constraints that the state has to meet at all times.

Source: J. D. Pryce, A simple structural analysis method for DAEs, BIT 41 (2001), 364-394.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from gmnm_pde.evolution.ordinary.evaluation import Original, probes
from gmnm_pde.evolution.reading.faces import Unsuited
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.operators import diff
from gmnm_pde.statement.terms import Term

_NONE = -(10**6)
"""The order of a field that an equation does not contain."""

_ROUNDS = 100


@dataclass(frozen=True)
class Lowered:
    """Equations of index one at most.

    Attributes:
        statements: With them.
        constraints: With what the state has to meet at all times in place of them; None where there is none.
        index: Of the equations as they were stated.
        differentiated: The names of those that were differentiated.
    """

    statements: Statements
    constraints: Statements | None
    index: int
    differentiated: tuple[str, ...]


def lowered(statements: Statements) -> Lowered:
    """The equations of a problem in time alone, differentiated where their index is above one.

    Raises:
        Unsuited: no derivatives of fields follow from the equations, however often they are differentiated.
    """
    names = [(term, name) for term in statements.equations for name in term.trace.names]
    orders = _orders(statements)
    times, highest = _offsets(orders)
    lowest = int(max(times) + (1 if min(highest) == 0 else 0))
    if not any(times):
        return Lowered(statements, None, lowest, ())
    equations, constraints = [], []
    for (term, name), often in zip(names, times, strict=True):
        made = [_differentiated(statements, term, name, k) for k in range(often + 1)]
        equations.append(made[-1])
        constraints += made[:-1]
    changed = {"orders": tuple(int(order) for order in highest), "autonomous": False}
    return Lowered(
        replace(statements, equations=tuple(equations), **changed),
        replace(statements, equations=tuple(constraints), **changed),
        lowest,
        tuple(name for (_, name), often in zip(names, times, strict=True) if often),
    )


def _orders(statements: Statements) -> np.ndarray:
    """The highest derivative of each field in each equation, [equations, fields]."""
    asked = tuple(dict.fromkeys((f, alpha[0]) for term in statements.equations for f, alpha in term.trace.asked))
    original = Original(statements, asked)
    with np.errstate(all="ignore"):
        slopes = original.slopes(probes(original))[:, :, 1:]
    there = (np.nan_to_num(slopes, nan=1.0) != 0).max(axis=0)
    orders = np.full((original.rows, len(statements.problem.fields)), _NONE)
    for column, (number, order) in enumerate(asked):
        orders[there[:, column], number] = np.maximum(orders[there[:, column], number], order)
    return orders


def _offsets(orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often each equation is to be differentiated, and the order of each field then."""
    rows, columns = linear_sum_assignment(orders, maximize=True)
    if (orders[rows, columns] == _NONE).any():
        raise Unsuited("no assignment of equations to fields determines every field")
    times = np.zeros(len(orders), dtype=int)
    for _ in range(_ROUNDS):
        highest = (orders + times[:, None]).max(axis=0)
        following = highest[columns] - orders[rows, columns]
        if (following == times).all():
            return times, highest
        times = following
    raise Unsuited("its equations would have to be differentiated without end")


def _differentiated(statements: Statements, term: Term, name: str, often: int) -> Term:
    """One equation of a term, differentiated by time."""
    (time,) = statements.problem.domain.time
    number = term.trace.names.index(name)

    def residual(scope: Mapping[str, Any]) -> Any:
        own = list(term.named(term.residual(scope)).values())[number]
        for _ in range(often):
            own = diff(own, time)
        return own

    made = replace(term, name=f"{name}{' differentiated' * often}", residual=residual, suffix="")
    return statements.problem.traced(made)
