"""Initial values as expansions in modes."""

import torch
from torch import Tensor

from gmnm_pde.evolution.reading import Statements, Unsuited
from gmnm_pde.geometry import Region
from gmnm_pde.models.modes import Product
from gmnm_pde.residuals.pointwise import Placed, linearize, zero_jets
from gmnm_pde.sampling import Cloud


def initial_values(statements: Statements, basis: Product) -> list[Tensor]:
    """The state and its derivatives by time, one less than their highest order, [fields, modes] each.

    Raises:
        Unsuited: an initial condition binds several fields or derivatives by space.
    """
    problem, order = statements.problem, max(1, statements.order)
    fields = len(problem.fields)
    values = torch.zeros(order, fields, len(basis.points), dtype=torch.float64)
    start = torch.tensor([statements.start], dtype=torch.float64)
    points = statements.joined(basis.points, start)
    for term in statements.initial:
        if len(term.trace.asked) != 1 or not term.trace.linear:
            raise Unsuited(f"'{term.name}' binds several fields at the beginning")
        ((number, alpha),) = term.trace.asked
        orders, in_time = statements.split(alpha)
        if any(orders) or in_time >= max(1, statements.orders[number]):
            raise Unsuited(f"'{term.name}' gives no initial value")
        (linearized,) = linearize(
            problem, Placed(term, Cloud(points)), points, zero_jets(term, points, fields), ()
        ).values()
        own = -linearized.residual / linearized.slopes[number, alpha]
        assert isinstance(term.region, Region)  # as was read
        rows = term.region.keep(points)
        values[in_time, number] = torch.where(rows, own, values[in_time, number])
    return list(basis.projected(values).unbind(0))


def missing_values(statements: Statements) -> list[tuple[int, int]]:
    """Which fields lack which initial derivative by time."""
    given = {(number, alpha[statements.axis]) for term in statements.initial for number, alpha in term.trace.asked}
    wanted = [(field, k) for field, order in enumerate(statements.orders) for k in range(order)]
    return [pair for pair in wanted if pair not in given]
