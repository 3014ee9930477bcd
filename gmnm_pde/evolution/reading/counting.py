"""Whether there are as many conditions on the sides as the equations ask for.

An equation that differentiates its field m times by a coordinate takes m conditions at both ends of it together, and a
system as many as its order. With fewer the solution is not unique, with more there is none; modes hide either, as they
have an answer in any case.
Equations whose order falls at an end, as where a velocity is zero or points outwards, take fewer: they are not marched.
"""

import torch
from scipy.optimize import linear_sum_assignment

from gmnm_pde.evolution.reading.faces import Side, Unsuited
from gmnm_pde.evolution.reading.statements import Statements, occurring, read
from gmnm_pde.residuals.pointwise import probed
from gmnm_pde.sampling import Cloud, sample, unit_points
from gmnm_pde.statement.problem import Problem

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
    for axis, places in zip(statements.space, statements.breaks, strict=True):
        for place in places:
            _require_laws(statements, axis, place, wanted[statements.space.index(axis)])


def free_end(problem: Problem) -> str:
    """An end of the space at which a field is left free that its equation asks a condition for, in words, or nothing.

    An equation of even order by a coordinate, and of some order by time, takes half as many conditions at each end.
    Smooth functions hide that: what enters there comes in as smoothly as nothing.
    """
    try:
        statements = read(problem)
    except Unsuited:  # such as one with other data
        return ""
    wanted = [0] * len(statements.space) if statements.free else _orders(statements)
    for k, axis in enumerate(statements.space):
        if axis in statements.periodic or not bool((_given(statements, k) < wanted[k]).all()):
            continue
        for end in statements.bounds[k]:
            for name, field in statements.tested.items():
                if _asks(statements, name, field, k, end) and not _is_held(statements, field, axis, end):
                    own, across = problem.branches[field], problem.domain.coordinates[axis]
                    return f"nothing is said of '{own}' at {across} = {end:g}, where '{name}' asks for a condition"
    return ""


def _is_held(statements: Statements, field: int, axis: int, end: float) -> bool:
    """Whether some condition at an end is about a field."""
    fields = statements.fields
    return any(
        branch % fields == field
        for side in statements.sides
        if (side.axis, side.value) == (axis, end)
        for branch, _ in side.term.trace.asked
    )


def _asks(statements: Statements, name: str, field: int, k: int, end: float) -> bool:
    """Whether an equation is of even order by a coordinate at an end of it."""
    (term,) = (term for term in statements.equations if name in term.trace.names)
    cloud = sample(term.region, _PLACES, "sobol", seed=1)
    points = cloud.points.clone()
    points[:, statements.space[k]] = end
    slopes = probed(statements.problem, term, Cloud(points), torch.Generator().manual_seed(0))[name].slopes
    sizes: dict[int, torch.Tensor] = {}
    for (branch, alpha), slope in slopes.items():
        if branch % statements.fields == field:
            order = statements.split(alpha)[0][k]
            sizes[order] = sizes.get(order, torch.zeros(len(points), dtype=torch.float64)) + slope.abs()
    highest = max((order for order, size in sizes.items() if bool(size.any())), default=0)
    return highest > 0 and highest % 2 == 0 and bool((sizes[highest] > 0).all())


def _require_laws(statements: Statements, axis: int, place: float, wanted: int) -> None:
    """Refuse a plane where parts meet unless as many laws hold all over it as the equations' order."""
    count: torch.Tensor | float = 0.0
    for side in statements.meetings:
        if (side.axis, side.value) == (axis, place):
            count = count + len(side.term.trace.names) * _at_places(side, statements)
    if not isinstance(count, torch.Tensor) or bool((count != wanted).any()):
        name = statements.problem.domain.coordinates[axis]
        raise Unsuited(f"at {name} = {place:g}, where its parts meet, there are not {wanted} laws everywhere")


def _orders(statements: Statements) -> list[int]:
    """The order of the equations as a system along each coordinate of space.

    That is the most that the orders add up to if each equation is taken for one field.
    """
    fields = statements.fields
    table = torch.full((len(statements.space), fields, fields), -1e3, dtype=torch.float64)
    for name, field, alpha in occurring(statements.problem, statements.equations):
        row, orders = statements.tested[name], torch.tensor(statements.split(alpha)[0], dtype=torch.float64)
        table[:, row, field] = torch.maximum(table[:, row, field], orders)
    pairs = [linear_sum_assignment(own.numpy(), maximize=True) for own in table]
    return [round(float(own[rows, columns].sum())) for own, (rows, columns) in zip(table, pairs, strict=True)]


def _given(statements: Statements, k: int) -> torch.Tensor:
    """How many conditions hold at both ends of a coordinate together, at some places across and times, [n]."""
    count = torch.zeros(_PLACES * _TIMES if len(statements.space) > 1 else _TIMES)
    for side in statements.sides:
        if side.axis == statements.space[k]:
            count += len(side.term.trace.names) * _at_places(side, statements)
    return count


def _at_places(side: Side, statements: Statements) -> torch.Tensor:
    """Whether a condition holds at some places across and times, 1 or 0, [n]."""
    space = len(statements.space)
    bounds = torch.tensor(statements.bounds, dtype=torch.float64)
    unit = unit_points(_PLACES, space, "sobol", seed=1) if space > 1 else torch.full((1, 1), 0.5, dtype=torch.float64)
    places = bounds[:, 0] + unit * (bounds[:, 1] - bounds[:, 0])
    places[:, statements.space.index(side.axis)] = side.value
    part = (torch.arange(_TIMES, dtype=torch.float64) + 0.37) / _TIMES
    times = statements.start + part * (statements.end - statements.start)
    return side.holds(statements.joined(places, times)).float()
