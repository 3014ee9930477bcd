"""Initial values as expansions in modes."""

import torch
from torch import Tensor

from gmnm_pde.evolution.reading.faces import Unsuited
from gmnm_pde.evolution.reading.statements import Statements
from gmnm_pde.fitting.data_start import ends_of, prescribed
from gmnm_pde.geometry import Region
from gmnm_pde.models.modes import Product
from gmnm_pde.residuals.pointwise import Placed, linearize, zero_jets
from gmnm_pde.sampling import Cloud, sample, unit_points

_FAR = 1.5
"""Fields whose prescribed values have a middle of more than so many times their span are expanded beside it."""

_PLACES = 256
"""Places at which that is looked at."""


def initial_values(statements: Statements, basis: Product) -> list[Tensor]:
    """The state and its derivatives by time, one less than their highest order, [fields, modes] each.

    Raises:
        Unsuited: an initial condition binds several fields or derivatives by space.
    """
    return list(basis.projected(given_at(statements, basis.points)).unbind(0))


def with_base(statements: Statements) -> Statements:
    """The statements with those fields beside constants that by what is prescribed are far from zero, as temperatures.

    What they differ by is then as exact as if it were all.
    """
    places = unit_points(_PLACES, len(statements.space), "sobol", seed=1)
    low, high = torch.tensor(statements.bounds, dtype=torch.float64).unbind(1)
    values = [[own] for own in given_at(statements, low + places * (high - low))[0]]
    problem = statements.stated
    for term in (side.term for side in statements.sides if side.term.trace.linear):
        cloud = sample(term.region, _PLACES, "sobol", seed=1)
        jets = zero_jets(term, cloud.points, len(problem.branches))
        for linearized in linearize(problem, Placed(term, cloud), cloud.points, jets, ()).values():
            own = prescribed(linearized)
            if own is not None:
                values[own[0] % statements.fields].append(own[1])
    base = []
    for field, parts in enumerate(values):
        least, most = ends_of(parts) or (0.0, 0.0)
        far = statements.orders[field] and abs(least + most) / 2 > _FAR * (most - least)
        base.append((least + most) / 2 if far else 0.0)
    return statements.beside(base)


def given_at(statements: Statements, places: Tensor) -> Tensor:
    """The initial values at places [n, space]: of each derivative by time and each field, [orders, fields, n]."""
    problem, order = statements.problem, max(1, statements.order)
    fields = statements.fields
    values = torch.zeros(order, fields, len(places), dtype=torch.float64)
    start = torch.tensor([statements.start], dtype=torch.float64)
    points = statements.joined(places, start)
    for term in statements.initial:
        if len(term.trace.asked) != 1 or not term.trace.linear:
            raise Unsuited(f"'{term.name}' binds several fields at the beginning")
        ((branch, alpha),) = term.trace.asked
        number = branch % fields
        orders, in_time = statements.split(alpha)
        if any(orders):
            raise Unsuited(f"'{term.name}' gives no initial value")
        if in_time >= max(1, statements.orders[number]):
            continue  # what follows from the equations is looked at afterwards
        (linearized,) = linearize(
            problem, Placed(term, Cloud(points)), points, zero_jets(term, points, len(problem.branches)), ()
        ).values()
        own = -linearized.residual / linearized.slopes[branch, alpha]
        assert isinstance(term.region, Region)  # as was read
        rows = term.region.keep(points)
        if term.parts:
            rows = rows & statements.lies_in(term.parts[0], points)
        values[in_time, number] = torch.where(rows, own, values[in_time, number])
    return values


def missing_values(statements: Statements) -> list[tuple[int, int]]:
    """Which fields lack which initial derivative by time."""
    given = {(branch, alpha[statements.axis]) for term in statements.initial for branch, alpha in term.trace.asked}
    every = enumerate(statements.orders * statements.parts)
    wanted = [(branch, k) for branch, order in every for k in range(order)]
    return [pair for pair in wanted if pair not in given]
