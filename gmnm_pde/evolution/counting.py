"""Whether there are as many conditions on the sides as the equations ask for.

An equation that differentiates its field m times by a coordinate takes m conditions at both ends of it together, and a
system as many as its order. With fewer the solution is not unique, with more there is none; modes hide either, as they
have an answer in any case.
Equations whose order falls at an end, as where a velocity is zero or points outwards, take fewer: they are not marched.
"""

import torch
from scipy.optimize import linear_sum_assignment

from gmnm_pde.evolution.reading import Side, Statements, Unsuited, occurring
from gmnm_pde.geometry import Region
from gmnm_pde.sampling import unit_points

_PLACES = 16
"""Places across a face at which conditions are counted."""

_TIMES = 7
"""Times at which they are."""


def require_conditions(statements: Statements) -> None:
    """Refuse a number of conditions that is not that which the equations ask for.

    Raises:
        Unsuited: there are fewer or more along some coordinate.
    """
    if statements.free:
        return
    wanted = _orders(statements)
    for k, axis in enumerate(statements.space):
        if axis in statements.periodic:
            continue
        given = _given(statements, k)
        if bool((given != wanted[k]).any()):
            name = statements.problem.domain.coordinates[axis]
            number = int(given[(given != wanted[k]).nonzero()[0, 0]])
            raise Unsuited(f"it has {number} conditions at the ends of {name}, and its equations ask for {wanted[k]}")


def _orders(statements: Statements) -> list[int]:
    """The order of the equations as a system along each coordinate of space.

    That is the most that the orders add up to if each equation is taken for one field.
    """
    problem, names = statements.problem, list(statements.tested)
    table = torch.full((len(statements.space), len(names), len(problem.fields)), -1e3, dtype=torch.float64)
    for name, field, alpha in occurring(problem, statements.equations):
        row, orders = names.index(name), torch.tensor(statements.split(alpha)[0], dtype=torch.float64)
        table[:, row, field] = torch.maximum(table[:, row, field], orders)
    pairs = [linear_sum_assignment(own.numpy(), maximize=True) for own in table]
    return [round(float(own[rows, columns].sum())) for own, (rows, columns) in zip(table, pairs, strict=True)]


def _given(statements: Statements, k: int) -> torch.Tensor:
    """How many conditions hold at both ends of a coordinate together, at some places across and times, [n]."""
    space = len(statements.space)
    bounds = torch.tensor(statements.bounds, dtype=torch.float64)
    unit = unit_points(_PLACES, space, "sobol", seed=1) if space > 1 else torch.full((1, 1), 0.5, dtype=torch.float64)
    places = bounds[:, 0] + unit * (bounds[:, 1] - bounds[:, 0])
    part = (torch.arange(_TIMES, dtype=torch.float64) + 0.37) / _TIMES
    times = statements.start + part * (statements.end - statements.start)
    count = torch.zeros(len(places) * _TIMES)
    for side in statements.sides:
        if side.axis == statements.space[k]:
            count += len(side.term.trace.names) * _holds(side, statements, places, k, times)
    return count


def _holds(side: Side, statements: Statements, places: torch.Tensor, k: int, times: torch.Tensor) -> torch.Tensor:
    on_face = places.clone()
    on_face[:, k] = side.value
    region = side.term.region
    assert isinstance(region, Region)  # as was read
    return region.keep(statements.joined(on_face, times)).float()
