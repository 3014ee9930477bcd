"""Functions that have the values of data on the faces that hold them, and functions that vanish on these faces.

On a box the values are carried inside by transfinite interpolation (W. J. Gordon and C. A. Hall, 1973), which uses
values on faces alone. On other shapes the formula of the data is continued into the domain as it stands; several
formulas on faces that do not meet are weighted by inverse distances.
"""

from collections.abc import Callable, Mapping, Sequence
from math import factorial

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry import Domain, Region
from gmnm_pde.geometry.region import Chart
from gmnm_pde.jets import Quantity, columns_by_name
from gmnm_pde.sampling import sample
from gmnm_pde.statement.terms import Term

Function = Callable[[Tensor], Tensor]
"""A function of points [n, d] that gives one number for each, [n]."""

_POINTS_OF_A_FACE = 2048
"""Points of a condition's region at which its distance from another's is looked at."""

_MEET = 2e-3
"""Two faces meet if the least distance of one from the other is below this fraction of the greatest.

At a corner the least distance is not zero, but as small as the points are near each other."""


def charts(term: Term) -> tuple[Chart, ...]:
    """The charts of the faces that a term holds on."""
    assert isinstance(term.region, Region)
    return term.region.charts


def order(term: Term) -> int:
    """The order of the time derivative that a term prescribes."""
    assert term.data is not None
    return term.data.order


def levels(call: str, terms: Sequence[Term]) -> list[Function]:
    """A function for each face of the terms that vanishes there."""
    by_face = {}
    for term in terms:
        for chart in charts(term):
            if chart.level is None:
                raise refuse(
                    call,
                    expected="faces with a smooth distance function, as boxes, disks, balls and convex polygons have",
                    got=f"'{term.name}' on {chart.name}",
                    remedy="Name the conditions to be met exactly, hard=('initial_u',), or leave hard out.",
                )
            by_face[chart.name] = chart.level
    return list(by_face.values())


def product_of(functions: Sequence[Function], size: float) -> Function:
    """The product of functions, each over ``size``."""

    def product(points: Tensor) -> Tensor:
        value = points.new_ones(points.shape[0])
        for function in functions:
            value = value * (function(points) / size)
        return value

    return product


def value_of(call: str, domain: Domain, term: Term) -> Function:
    """What a term prescribes, continued to wherever its formula is defined."""
    data = term.data
    assert data is not None

    def value(points: Tensor) -> Tensor:
        try:
            prescribed = data.value(columns_by_name(domain.coordinates, points.unbind(1)))
        except KeyError as missing:
            raise refuse(
                call,
                expected="data that are known",
                got=f"'{term.name}', which depends on the unknown {missing.args[0]}",
                remedy="Leave hard out, or name other conditions.",
            ) from None
        prescribed = prescribed.tensor if isinstance(prescribed, Quantity) else prescribed
        return torch.as_tensor(prescribed, dtype=points.dtype, device=points.device).expand(points.shape[0])

    return value


def offset_for(call: str, domain: Domain, terms: Sequence[Term]) -> Function:
    """A function with the values of all terms where they hold."""
    if all(chart.flat is not None for term in terms for chart in charts(term)):
        return _transfinite(call, domain, terms)
    if any(term.group == "initial" for term in terms):
        raise refuse(
            call,
            expected="initial values and boundary values on the faces of a box",
            got=f"both on {domain}",
            remedy="Name the one kind or the other: hard=('initial',) or hard=('boundary',).",
        )
    return _weighted(call, domain, terms)


def _transfinite(call: str, domain: Domain, terms: Sequence[Term]) -> Function:
    """Interpolation between faces, coordinate by coordinate: each corrects what the ones before it leave there."""
    sides: dict[int, dict[float, dict[int, Function]]] = {}
    for term in sorted(terms, key=lambda term: term.group != "initial"):  # time first: there derivatives are known
        for chart in charts(term):
            assert chart.flat is not None
            axis, end = chart.flat
            sides.setdefault(axis, {}).setdefault(end, {})[order(term)] = value_of(call, domain, term)
    offset: Function = lambda points: points.new_zeros(points.shape[0])  # noqa: E731
    for axis, ends in sides.items():
        offset = _corrected(offset, axis, ends)
    return offset


def _corrected(before: Function, axis: int, ends: Mapping[float, Mapping[int, Function]]) -> Function:
    """``before``, corrected along one coordinate so that it has the prescribed values at ends of that coordinate.

    Args:
        before: The interpolation between faces of other coordinates.
        axis: The number of the coordinate.
        ends: For each end of the coordinate, by its value, the functions prescribed there, by the order of the time
            derivative that they prescribe.
    """

    def offset(points: Tensor) -> Tensor:
        total = before(points)
        for end, values in ends.items():
            others = [other for other in ends if other != end]
            part = torch.ones_like(total)
            for other in others:
                part = part * (points[:, axis] - other) / (end - other)
            columns = list(points.unbind(1))
            columns[axis] = torch.full_like(columns[axis], end)
            face = torch.stack(columns, dim=1)
            gap = values[0](face) - before(face)
            for k in range(1, len(values)):  # the initial time, which is the first of all
                gap = gap + values[k](face) * (points[:, axis] - end) ** k / factorial(k)
            total = total + part * gap
        return total

    return offset


def _weighted(call: str, domain: Domain, terms: Sequence[Term]) -> Function:
    """The formulas of several terms, weighted by the inverse distances from their faces."""
    values = [value_of(call, domain, term) for term in terms]
    if len(terms) == 1:
        return values[0]
    away = [product_of(levels(call, [term]), 1.0) for term in terms]
    for term in terms:
        points = sample(term.region, _POINTS_OF_A_FACE, "sobol", seed=5).points
        for other, level in zip(terms, away, strict=True):
            far = level(points)
            if other is not term and far.min() <= _MEET * far.max():
                raise refuse(
                    call,
                    expected="conditions whose faces do not meet, where they are not those of a box",
                    got=f"'{term.name}' and '{other.name}'",
                    remedy="State them as one condition, or name one of them: hard=(...).",
                )

    def offset(points: Tensor) -> Tensor:
        distances = [level(points) for level in away]
        others = [[distance for j, distance in enumerate(distances) if j != k] for k in range(len(distances))]
        weights = [torch.stack(of_others).prod(dim=0) for of_others in others]
        shares = torch.stack(weights) / torch.stack(weights).sum(dim=0)
        return (shares * torch.stack([value(points) for value in values])).sum(dim=0)

    return offset
