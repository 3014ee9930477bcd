"""Marching in time, as a method that may be chosen, and which problems it is for."""

from dataclasses import dataclass

import torch

from gmnm_pde._errors import refuse
from gmnm_pde.evolution.reading import Statements, read
from gmnm_pde.evolution.reading.counting import require_conditions
from gmnm_pde.evolution.reading.faces import Unsuited
from gmnm_pde.evolution.reading.initial import missing_values, with_base
from gmnm_pde.fitting.discretization import Setup
from gmnm_pde.strategies.marching import Marching
from gmnm_pde.strategies.strategy import Strategy, StrategyMethod


@dataclass(frozen=True)
class Evolution(StrategyMethod):
    """Marching in time by implicit Runge-Kutta methods (Radau IIA), with modes in space that follow the solution.

    Args:
        stages: Of the method: 3, 5 or 7, of order 5, 9 and 13; by default by the tolerance.
        polynomials: In each cell of a coordinate that is not periodic; by default by the tolerance.
    """

    stages: int | None = None
    polynomials: int | None = None

    def __post_init__(self) -> None:
        if self.stages not in (None, 3, 5, 7):
            raise refuse(f"Evolution(stages={self.stages!r})", expected="3, 5 or 7", got=repr(self.stages))
        given = self.polynomials
        if given is not None and not (isinstance(given, int) and 4 <= given <= 40):
            raise refuse(f"Evolution(polynomials={given!r})", expected="a number from 4 to 40", got=repr(given))

    def strategy(self, setup: Setup) -> Strategy:
        statements = suited(setup)
        if isinstance(statements, str):
            raise refuse(
                f"solve({setup.problem.name}, method=Evolution())",
                expected="a problem on Time, or on a box or a torus times Time, with initial values",
                got=f"one that cannot be marched: {statements}",
                remedy="Leave method out.",
            )
        return Marching(setup, statements, self.stages, self.polynomials)


def suited(setup: Setup) -> Statements | str:
    """The problem of a solve, read for marching; in words why it cannot be marched."""
    if setup.dtype != torch.float64:
        return "float32 leaves steps too few digits"
    try:
        statements = read(setup.problem)
        require_conditions(statements)
    except Unsuited as why:
        return str(why)
    if not statements.space:
        return statements
    missing = missing_values(statements)
    if missing:
        number, order = missing[0]
        name = setup.problem.branches[number]
        return f"no initial value of {'the derivative of ' * order}'{name}' is given"
    if setup.posed.ill_posed:
        return setup.posed.ill_posed
    try:
        return with_base(statements)
    except Unsuited as why:
        return str(why)
