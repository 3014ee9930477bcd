"""What a problem in time is made of, as marching needs it: equations, conditions at all times, initial values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from gmnm_pde.evolution.reading.faces import Side, Unsuited, breaks_at, require_box, sides_of
from gmnm_pde.evolution.reading.gauge import Gauge, free_fields, gauge_of
from gmnm_pde.geometry import Domain, Parted, Region
from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import Placed, linearize, probed, zero_jets
from gmnm_pde.sampling import Cloud, sample
from gmnm_pde.statement.problem import Problem
from gmnm_pde.statement.terms import Term, by_parts

Number = TypeVar("Number", float, Tensor)

PROBES = 8
"""Points at which equations are looked at, to learn which field each determines."""


@dataclass(frozen=True)
class Statements:
    """A problem, read for marching.

    Attributes:
        problem: It, for fields beside constants, if ``base`` has any.
        stated: It, as it was stated.
        axis: The number of the time coordinate.
        start: The initial time.
        end: The final time.
        space: The numbers of the other coordinates.
        periodic: Those of them along which everything is periodic.
        equations: What holds everywhere.
        sides: What holds on faces.
        meetings: What holds where parts of the space meet.
        initial: Initial values.
        orders: How often each field is differentiated by time.
        smoothness: How often fields are differentiated by each coordinate of space.
        tested: For each equation, by name, the field whose modes it is tested with.
        autonomous: Whether all is linear, with the same coefficients at all times.
        free: The fields that are determined up to a constant at each time.
        gauges: What fixes these constants.
        mirrored: Whether values at the end are given in place of initial ones: marches then go from there backwards,
            in a time of their own, that from ``start`` to ``end`` as if mirrored; ``when`` tells the other.
        base: Constants beside which fields are expanded, by field: fields that hardly differ from one.
    """

    problem: Problem
    stated: Problem
    axis: int
    start: float
    end: float
    space: tuple[int, ...]
    periodic: tuple[int, ...]
    equations: tuple[Term, ...]
    sides: tuple[Side, ...]
    meetings: tuple[Side, ...]
    initial: tuple[Term, ...]
    orders: tuple[int, ...]
    smoothness: tuple[int, ...]
    tested: Mapping[str, int]
    autonomous: bool
    free: tuple[int, ...]
    gauges: tuple[Gauge, ...]
    mirrored: bool = False
    base: tuple[float, ...] = ()

    def beside(self, base: Sequence[float]) -> "Statements":
        """The same with fields that are expanded beside constants."""
        if not any(base):
            return self
        return replace(
            self, problem=self.problem.restated(self.stated.terms, base=[*base] * self.parts), base=tuple(base)
        )

    def when(self, time: Number) -> Number:
        """The problem's time at a time of the march, or the other way round."""
        return self.start + self.end - time if self.mirrored else time

    @property
    def fields(self) -> int:
        """How many there are."""
        return len(self.problem.fields)

    @property
    def breaks(self) -> tuple[tuple[float, ...], ...]:
        """For each coordinate of space the places at which parts of it meet."""
        return breaks_at(self.meetings, self.space)

    @property
    def parts(self) -> int:
        """How many parts the domain is made of; 1 if it is whole."""
        return max(1, len(self.problem.domain.parts))

    def lies_in(self, part: str, points: Tensor) -> Tensor:
        """Which of the points [n, d] lie in a part, a mask [n]."""
        domain = self.problem.domain
        assert isinstance(domain, Parted)
        return domain.lies_in(part, points)

    def in_parts(self, values: Tensor) -> Tensor:
        """Values of fields, [..., fields, n], as those of the fields of each part: [..., parts * fields, n]."""
        return torch.cat([values] * self.parts, dim=-2) if self.parts > 1 else values

    @property
    def order(self) -> int:
        """The highest order in time."""
        return max(self.orders)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Of the space."""
        return tuple(self.problem.domain.bounds[k] for k in self.space)

    def split(self, alpha: Alpha) -> tuple[tuple[int, ...], int]:
        """A derivative's orders along the coordinates of space, and in time."""
        return tuple(alpha[k] for k in self.space), alpha[self.axis]

    def joined(self, places: Tensor, times: Tensor) -> Tensor:
        """Points [len(times) * n, d], places [n, space] at each of some times."""
        points = places.new_empty(len(times), len(places), len(self.space) + 1)
        points[:, :, list(self.space)] = places
        points[:, :, self.axis] = self.when(times)[:, None]
        return points.flatten(0, 1)


def read(problem: Problem) -> Statements:
    """The problem, read for marching.

    Raises:
        Unsuited: it cannot be marched.
    """
    domain = problem.domain
    if len(domain.time) != 1:
        raise Unsuited("it has no time")
    if problem.parameters:
        raise Unsuited("it has unknown parameters")
    if problem.lift is not None or problem.met:
        raise Unsuited("conditions are built into its fields")
    require_box(domain)
    axis = domain.coordinates.index(domain.time[0])
    start, end = domain.bounds[axis]
    space = tuple(k for k in range(domain.dimension) if k != axis)
    groups, final = _grouped(problem, axis, end)
    if final and (problem.events or not space):
        raise Unsuited("values are given at the end")
    orders = _time_orders(problem, groups["interior"] + groups["boundary"], axis)
    determined = not space and len(orders) > 1 and not groups["boundary"] + groups["data"]  # by equations, it may be
    if not (groups["initial"] or determined) or not any(orders):
        raise Unsuited("it has no initial values")
    periodic = _periodic_axes(problem, groups["boundary"])
    sides = [side for term in groups["boundary"] if term.partner is None for side in sides_of(term, axis)]
    meetings = [side for term in groups["interface"] for side in sides_of(term, axis)]
    asked = [alpha for term in groups["interior"] for _, alpha in term.trace.asked]
    beside = [(side.axis, alpha[side.axis] + 1) for side in sides + meetings for _, alpha in side.term.trace.asked]
    smoothness = tuple(
        max([1, *(alpha[k] for alpha in asked), *(order for across, order in beside if across == k)]) for k in space
    )
    for side in sides:
        if side.axis in periodic:
            raise Unsuited(f"'{side.term.name}' holds on a face along which the problem is periodic")
    if any(side.axis in periodic for side in meetings):
        raise Unsuited("its parts meet along a coordinate in which it is periodic")
    terms = (tuple(groups["interior"]), tuple(sides), tuple(meetings), tuple(groups["initial"]))
    always = groups["interior"] + groups["boundary"] + groups["interface"]
    free = free_fields(orders, always) if space else ()
    if free and meetings:
        raise Unsuited("some of its fields are known up to a constant in each of its parts")
    tested = _tested(problem, groups["interior"], axis, free)
    steady = problem.linear and all(_is_steady(problem, term, axis) for term in always)
    gauges = _gauges(problem, groups["data"], axis, free)
    known = (orders, smoothness, tested, steady, free, gauges, final, (0.0,) * len(problem.fields))
    seen = problem.restated(problem.terms, mirrored=axis) if final else problem
    return Statements(seen, problem, axis, start, end, space, periodic, *terms, *known)


def _grouped(problem: Problem, axis: int, end: float) -> tuple[dict[str, list[Term]], bool]:
    """The terms by what they are, values at the end among the initial ones, and whether there are such."""
    domain = problem.domain
    groups: dict[str, list[Term]] = {"interior": [], "boundary": [], "initial": [], "data": [], "interface": []}
    for term in problem.terms:
        if term.group not in groups or (term.group != "data" and not isinstance(term.region, Region)):
            raise Unsuited(f"'{term.name}' holds at given points")
        _refuse_partial_integrals(term, domain)
        groups[term.group].append(term)
    for term in groups["interior"]:
        charts = _region(term).charts
        same = len(charts) == len(domain.interior_charts()) and not _region(term).predicates
        if not same or charts[0].dimension != domain.dimension or len(term.parts) > 1:
            raise Unsuited(f"'{term.name}' holds in a part of the domain alone")
    final = [term for term in groups["boundary"] if term.holds_at(axis, end)]
    if final and groups["initial"]:
        raise Unsuited("values are given at the beginning and at the end")
    groups["initial"] += final
    groups["boundary"] = [term for term in groups["boundary"] if term not in final]
    return groups, bool(final)


def _refuse_partial_integrals(term: Term, domain: Domain) -> None:
    """Refuse integrals over space in what does not see all of it."""
    if term.trace.over_space and term.group != "interior":
        raise Unsuited(f"'{term.name}', which does not hold everywhere, has an integral over space")
    if term.trace.over_space and domain.parts:
        raise Unsuited(f"'{term.name}' has an integral over space, and the equations of a part see only that part")


def _gauges(problem: Problem, terms: Sequence[Term], axis: int, free: Sequence[int]) -> tuple[Gauge, ...]:
    gauges: dict[int, Gauge] = {}
    for term in terms:
        gauge = gauge_of(problem, term, axis, free)
        if gauge is None or gauge.field in gauges:
            raise Unsuited(f"'{term.name}' holds at given points")
        gauges[gauge.field] = gauge
    return tuple(gauges.values())


def _region(term: Term) -> Region:
    assert isinstance(term.region, Region)  # others were told apart before
    return term.region


def _time_orders(problem: Problem, terms: Sequence[Term], axis: int) -> tuple[int, ...]:
    orders = [0] * len(problem.fields)
    for term in terms:
        for field, alpha in term.trace.asked:
            orders[field % len(orders)] = max(orders[field % len(orders)], alpha[axis])
    return tuple(orders)


def _is_steady(problem: Problem, term: Term, axis: int) -> bool:
    """Whether a linear term has the same coefficients at all times, and holds at all or none."""
    cloud = sample(term.region, PROBES, "sobol", seed=1)
    low, high = problem.domain.bounds[axis]
    known: list[Tensor] = []
    for part in (0.05, 0.31, 0.57, 0.93):
        points = cloud.points.clone()
        points[:, axis] = low + part * (high - low)
        placed, jets = Placed(term, Cloud(points, cloud.normals)), zero_jets(term, points, len(problem.branches))
        linearized = linearize(problem, placed, points, jets, ())
        slopes = [own.slopes[key] for own in linearized.values() for key in term.trace.asked if key in own.slopes]
        own = torch.stack([*slopes, _region(term).keep(points).double()])
        if known and (own.shape != known[0].shape or not torch.allclose(own, known[0], rtol=1e-12, atol=0.0)):
            return False
        known.append(own)
    return True


def _tested(problem: Problem, equations: Sequence[Term], axis: int, free: Sequence[int]) -> dict[str, int]:
    """For each equation the field that it determines: that which it differentiates most, by time first.

    A constraint, as div u = 0, is left for the field that other equations have in excess, as the pressure.
    """
    parts = by_parts(equations).values()
    return {name: field for own in parts for name, field in _paired(problem, own, axis, free).items()}


def _paired(problem: Problem, equations: Sequence[Term], axis: int, free: Sequence[int]) -> dict[str, int]:
    """The same of the equations of one part."""
    names = [name for term in equations for name in term.trace.names]
    if len(names) != len(problem.fields):
        raise Unsuited(f"it has {len(names)} equations for {len(problem.fields)} fields")
    weight = torch.full((len(names), len(names)), -1e6, dtype=torch.float64)  # of fields that do not occur
    weight[:, list(free)] = 0.0
    for name, field, alpha in occurring(problem, equations):
        importance = 1.0 + sum(alpha) - alpha[axis] + 100 * alpha[axis]
        row = names.index(name)
        weight[row, field] = max(weight[row, field].item(), importance)
    rows, fields = linear_sum_assignment(weight.numpy(), maximize=True)
    if not (bool((weight > 0).any(dim=0).all()) and bool((weight > 0).any(dim=1).all())):
        raise Unsuited("some field is in no equation, or some equation has no field")
    return {names[row]: int(field) for row, field in zip(rows, fields, strict=True)}


def occurring(problem: Problem, equations: Sequence[Term]) -> Iterator[tuple[str, int, Alpha]]:
    """The derivatives that each equation depends on, as its name, the number of the field and the multi-index."""
    generator = torch.Generator().manual_seed(0)
    for term in equations:
        cloud = sample(term.region, PROBES, "sobol", seed=1)
        for name, linearized in probed(problem, term, cloud, generator).items():
            for (field, alpha), slope in linearized.slopes.items():
                if bool(slope.any()):
                    yield name, field % len(problem.fields), alpha


def _periodic_axes(problem: Problem, boundary: Sequence[Term]) -> tuple[int, ...]:
    """The coordinates along which conditions make every field periodic."""
    found: dict[int, set[int]] = {}
    for term in boundary:
        if term.partner is None:
            continue
        flats = {chart.flat for chart in _region(term).charts}
        flat = flats.pop() if len(flats) == 1 else None
        if flat is None or _region(term).predicates:
            raise Unsuited(f"'{term.name}' binds parts of the boundary to each other")
        near = _region(term).charts[0].embed(torch.full((1, problem.domain.dimension - 1), 0.5, dtype=torch.float64))
        moved = term.partner(near) - near
        others = [k for k in range(problem.domain.dimension) if k != flat[0]]
        low, high = problem.domain.bounds[flat[0]]
        if moved[0, others].any() or abs(moved[0, flat[0]].item() - (high - low)) > 1e-9 * (high - low):
            raise Unsuited(f"'{term.name}' binds other places than opposite ones")
        found.setdefault(flat[0], set()).update(field for field, alpha in term.trace.asked if not any(alpha))
    for axis, fields in found.items():
        if len(fields) < len(problem.fields):
            raise Unsuited(f"some fields alone are periodic in {problem.domain.coordinates[axis]}")
    return tuple(found)
