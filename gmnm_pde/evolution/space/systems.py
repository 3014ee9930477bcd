"""The form of the discretised equations that serves some modes best."""

import math

from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.evolution.space.banded import BandedGalerkin
from gmnm_pde.evolution.space.galerkin import Galerkin
from gmnm_pde.evolution.space.sides import SeparableGalerkin, across
from gmnm_pde.evolution.space.splitting import is_sum_of_lines
from gmnm_pde.evolution.space.ties import Ties, ties_of
from gmnm_pde.models.modes import Piecewise, Product

_DENSE = 1200
"""In boxes of several dimensions the matrices of no more unknowns are formed."""

_FEW = 100
"""The same where operators are sums of such on lines."""

_TIED = 400
"""The same of flows between walls, with a pressure."""


def system_of(statements: Statements, basis: Product) -> Galerkin:
    """The equations of the coefficients of some modes."""
    if isinstance(basis, Piecewise):
        return BandedGalerkin(statements, basis)
    if len(basis.lines) > 1 and statements.sides and not statements.meetings:
        ties = ties_of(statements) if statements.free else None
        if basis.count * len(statements.orders) > _most(statements, ties):
            conditions = across(statements)
            system = SeparableGalerkin(statements, basis, conditions, ties) if conditions else None
            if system is not None and system.regular:
                return system
    return Galerkin(statements, basis)


def _most(statements: Statements, ties: Ties | None) -> float:
    """How many unknowns are solved for by matrices of all of them."""
    if statements.free:
        on_free = any(field in statements.free for side in statements.sides for field, _ in side.term.trace.asked)
        return math.inf if ties is None or on_free else _TIED
    return _FEW if is_sum_of_lines(statements) else _DENSE
