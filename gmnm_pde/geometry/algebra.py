"""Set algebra of shapes on their charts: what is left of each in a union, an intersection, a difference.

Whether a point of one shape's boundary belongs to the boundary of the whole is told by looking a little to one side of
it: outward of a union it must have left the other shape, inward of an intersection be in it, and so on. Where the two
boundaries lie on each other, the first shape's is kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from gmnm_pde.geometry.region import Chart
from gmnm_pde.geometry.unit import unit_points

_COUNT = 2**14
"""Points by which measures of cut pieces are estimated, to three digits."""

Ends = tuple[float, float]
"""The least and the greatest value of a coordinate."""


class Shape(Protocol):
    """What the algebra needs of a shape: ``distance`` is positive inside, negative outside."""

    def distance(self, points: Tensor) -> Tensor: ...
    def interior_charts(self) -> tuple[Chart, ...]: ...
    def boundary_charts(self) -> tuple[Chart, ...]: ...


@dataclass(frozen=True)
class Rule:
    """One operation of set algebra.

    Args:
        symbol: The operator that users write.
        first: On which side of the first shape's boundary to look (1 outward, -1 inward), and the sign that the other
            shape's distance must have there.
        second: The same for the second shape's boundary.
        distance: The whole's distance function, from those of the two shapes.
        bounds: The whole's bounds along one coordinate, from those of the two shapes.
        adds: Whether the second shape adds to the interior; otherwise it cuts the first's, by the sign ``first[1]``.
        turns: Whether the second shape's normals turn round.
    """

    symbol: str
    first: tuple[int, int]
    second: tuple[int, int]
    distance: Callable[[Tensor, Tensor], Tensor]
    bounds: Callable[[Ends, Ends], Ends]
    adds: bool = False
    turns: bool = False


UNION = Rule("|", (1, -1), (1, -1), torch.maximum, lambda a, b: (min(a[0], b[0]), max(a[1], b[1])), adds=True)
"""What is in one shape or the other."""

INTERSECTION = Rule("&", (-1, 1), (-1, 1), torch.minimum, lambda a, b: (max(a[0], b[0]), min(a[1], b[1])))
"""What is in both shapes."""

DIFFERENCE = Rule("-", (-1, -1), (1, 1), lambda a, b: torch.minimum(a, -b), lambda a, b: a, turns=True)
"""What is in the first shape but not in the second."""


def interior(rule: Rule, first: Shape, second: Shape) -> tuple[Chart, ...]:
    """Charts that fill the whole; no charts if it is empty."""
    if rule is INTERSECTION and _measure(second) < _measure(first):
        first, second = second, first  # a small shape in a large one is hit by none of the large one's points
    if rule.adds:
        added = (cut(chart, lambda p: -first.distance(p)) for chart in second.interior_charts())
        return tuple(measured([*first.interior_charts(), *added]))
    sign = rule.first[1]
    return tuple(measured(cut(chart, lambda p: sign * second.distance(p)) for chart in first.interior_charts()))


def boundary(rule: Rule, first: Shape, second: Shape, step: float) -> tuple[Chart, ...]:
    """Charts of the boundary of the whole.

    Args:
        rule: The operation.
        first: The first shape.
        second: The second shape.
        step: How far to the sides of a boundary one looks. Boundaries less than twice as far apart count as one.
    """

    def kept(chart: Chart, other: Shape, side: int, sign: int, *, alone: bool) -> Chart:
        outward = chart.normal
        assert outward is not None

        def margin(points: Tensor) -> Tensor:
            there = sign * other.distance(points + side * step * outward(points))
            return torch.minimum(there, other.distance(points).abs() - 2 * step) if alone else there

        return cut(chart, margin)

    ours = [kept(chart, second, *rule.first, alone=False) for chart in first.boundary_charts()]
    theirs = [kept(chart, first, *rule.second, alone=True) for chart in second.boundary_charts()]
    return tuple(measured([*ours, *(map(turned, theirs) if rule.turns else theirs)]))


def cut(chart: Chart, margin: Callable[[Tensor], Tensor]) -> Chart:
    """The part of a chart on which ``margin``, about a distance, is positive too."""
    before, other = chart.keep, chart.margin

    def keep(points: Tensor) -> Tensor:
        there = margin(points) > 0
        return there if before is None else before(points) & there

    def both(points: Tensor) -> Tensor:
        return margin(points) if other is None else torch.minimum(other(points), margin(points))

    return replace(chart, keep=keep, margin=both)


def _measure(shape: Shape) -> float:
    return sum(chart.measure for chart in shape.interior_charts())


def turned(chart: Chart) -> Chart:
    """A chart of a boundary as seen from its other side: normals and level change their signs."""
    outward, level = chart.normal, chart.level
    assert outward is not None
    other = None if level is None else lambda points: -level(points)
    return replace(chart, normal=lambda points: -outward(points), level=other)


def measured(charts: "list[Chart] | Iterator[Chart]") -> Iterator[Chart]:
    """The charts of which something is kept, with the measure of that.

    A piece that seems to be kept whole is still cut, for holes may be so small that no point fell into them.
    """
    for chart in charts:
        if chart.keep is None:
            yield chart
            continue
        whole = chart.measure / chart.kept
        part = chart.keep(chart.embed(unit_points(_COUNT, chart.dimension, "sobol"))).double().mean().item()
        if part == 1.0:
            yield replace(chart, kept=1.0, measure=whole)
        elif part > 0:
            yield replace(chart, measure=part * whole, kept=part, tensor=False)
