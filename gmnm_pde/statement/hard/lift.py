"""Fields that meet data whatever the unknowns are: u = offset(x) + factor(x) v, where v is solved for.

The factor vanishes on the faces that hold data, as a distance does, and the offset has the data's values there
(L. V. Kantorovich and V. I. Krylov; for networks, N. Sukumar and A. Srivastava, arXiv 2104.08426).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry import Domain, Region
from gmnm_pde.jets import Alpha, Field, LiftedSource
from gmnm_pde.sampling import sample
from gmnm_pde.statement.hard.kept import KeptJets
from gmnm_pde.statement.hard.offsets import Function, charts, levels, offset_for, order, product_of, value_of
from gmnm_pde.statement.terms import Term

_POINTS_INSIDE = 2048
"""Points of the interior at which factors and offsets are checked."""

_POINTS_ON_A_FACE = 256
"""Points of each face at which factors and offsets are checked."""

_VANISHED = 1e-12
"""A factor vanishes where it is at most this fraction of its largest size inside."""

_CONTRADICTION = 1e-9
"""Data contradict each other where an offset differs from them by more than this fraction of their size."""


@dataclass(frozen=True)
class Lift:
    """Factors and offsets of fields by name: u = offset + factor v. A field that is not named is v itself."""

    coordinates: tuple[str, ...]
    fields: tuple[str, ...]
    factors: Mapping[str, Function]
    offsets: Mapping[str, Function]

    def __call__(self, points: Tensor, values: Tensor) -> Tensor:
        """The fields at points [n, d] from the values of v there, [n, fields]."""
        factors, offsets = self.functions(points)
        return offsets + factors * values

    def functions(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Factors and offsets at points [n, d]: [n, fields] each."""
        ones, zeros = points.new_ones(points.shape[0]), points.new_zeros(points.shape[0])
        factors = [self.factors[name](points) if name in self.factors else ones for name in self.fields]
        offsets = [self.offsets[name](points) if name in self.offsets else zeros for name in self.fields]
        return torch.stack(factors, dim=1), torch.stack(offsets, dim=1)

    def applied(self, term: Term) -> Term:
        """A term on the fields, stated as a term on v."""
        stated, partner = term.residual, term.partner

        def functions(points: Tensor) -> Tensor:
            factor, offset = self.functions(points)
            if partner is not None:
                offset = self.functions(partner(points))[1] - offset
            return torch.cat([factor, offset], dim=1)

        jets = KeptJets(functions)

        def residual(scope: Mapping[str, Any]) -> Any:
            points = scope[self.coordinates[0]].frame.points
            there = jets.at(points)
            return stated({**scope, **{name: self._lifted(scope[name], there) for name in self.factors}})

        return replace(term, residual=residual, data=None)

    def _lifted(self, v: Field, jets: Callable[[Alpha], Tensor]) -> Field:
        """The field u = offset + factor v, with its derivatives by the product rule, from ``jets`` of both."""

        def factor_and_offset(alpha: Alpha) -> tuple[Tensor, Tensor]:
            both = jets(alpha)
            return both[:, v.output], both[:, len(self.fields) + v.output]

        return Field(v.frame, LiftedSource(v, factor_and_offset), v.output, name=v.name)


def lift_for(problem_name: str, domain: Domain, fields: tuple[str, ...], terms: Sequence[Term]) -> Lift:
    """The lift that meets the data of some terms.

    Raises:
        GmnmError: the data contradict each other, or for a face there is no function that vanishes on it and nowhere
            else in the domain; the message names the term.
    """
    factors, offsets = {}, {}
    for field in fields:
        own = [term for term in terms if term.data is not None and term.data.field == field]
        if own:
            call = f"{problem_name}: solve(hard=...) for '{field}'"
            factors[field] = _factor(call, domain, own)
            offsets[field] = offset_for(call, domain, own)
            _check(call, domain, own, factors[field], offsets[field])
    return Lift(domain.coordinates, fields, factors, offsets)


def _factor(call: str, domain: Domain, terms: Sequence[Term]) -> Function:
    """Positive inside, zero on the faces of the terms; with initial derivatives zero to a higher order there."""
    initial = [term for term in terms if term.group == "initial"]
    highest = max(map(order, initial), default=-1)
    if {order(term) for term in initial} != set(range(highest + 1)):
        raise refuse(
            call,
            expected="initial values along with the initial derivatives that are met exactly",
            got=", ".join(term.name for term in initial),
        )
    sides = levels(call, [term for term in terms if term.group != "initial"])
    start = levels(call, initial)
    length = 1.0
    if domain.time:
        low, high = domain.bounds[domain.coordinates.index(domain.time[0])]
        length = high - low
    extent = max(high - low for low, high in domain.bounds)
    beside = product_of(sides, extent / 2)
    since = product_of(start, length)
    return lambda points: beside(points) * since(points) ** max(highest + 1, 1)


def _check(call: str, domain: Domain, terms: Sequence[Term], factor: Function, offset: Function) -> None:
    """Refuse a factor that vanishes where no data are, and an offset that is not the data where they are."""
    held = {chart.name for term in terms for chart in charts(term)}
    free = [chart for chart in domain.boundary_charts() if chart.name not in held]
    inside = sample(domain.interior, _POINTS_INSIDE, "sobol", seed=3).points
    least = _VANISHED * factor(inside).abs().max()
    beside = [sample(Region(domain.coordinates, (chart,)), _POINTS_ON_A_FACE, "sobol", seed=3).points for chart in free]
    for points in (inside, *beside):
        value = factor(points)
        if (value <= least).any():
            row = int(value.argmin())
            raise refuse(
                call,
                expected="faces whose distance functions vanish nowhere else, as those of convex shapes with holes",
                got=f"one that is {value[row]:.1e} at {_at(domain, points[row])}",
                remedy="Leave hard out, or name the conditions on other faces.",
            )
    for term in (term for term in terms if order(term) == 0):
        points = sample(term.region, _POINTS_ON_A_FACE, "sobol", seed=4).points
        wanted = value_of(call, domain, term)(points)
        gap = (offset(points) - wanted).abs()
        if gap.max() > _CONTRADICTION * max(wanted.abs().max().item(), offset(inside).abs().max().item(), 1e-300):
            row = int(gap.argmax())
            raise refuse(
                call,
                expected="data that agree where faces meet",
                got=f"'{term.name}', of which another condition is {gap[row]:.1e} off at {_at(domain, points[row])}",
                remedy="Correct the data, or name the conditions to be met exactly: hard=(...).",
            )


def _at(domain: Domain, point: Tensor) -> str:
    """A point as error messages name it."""
    return ", ".join(f"{name}={value:g}" for name, value in zip(domain.coordinates, point.tolist(), strict=True))
