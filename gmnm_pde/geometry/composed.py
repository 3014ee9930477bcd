"""Domains made of others: products, and unions, intersections and differences."""

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.geometry import algebra
from gmnm_pde.geometry.box import Box
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.flat import flat_side
from gmnm_pde.geometry.gauss import chart_nodes
from gmnm_pde.geometry.region import Chart, read_points, unknown_normal

_STEP = 1e-7
"""How far beside a boundary set algebra looks, relative to the extent of the shapes."""


def product(first: Domain, second: Domain) -> Domain:
    """The product of two domains; parts of the second one become parts of it."""
    from gmnm_pde.geometry.parts import Parted  # here: parts are products themselves

    return second.times(first, first=False) if isinstance(second, Parted) else Product(first, second)


def is_box(domain: Domain) -> bool:
    """Whether a domain without parts is a box, or a product of such."""
    if isinstance(domain, Product):
        return is_box(domain.first) and is_box(domain.second)
    return isinstance(domain, Box)


class Product(Domain):
    """The product ``first * second``, with the coordinates of both; made by ``space * Time(t=(0, 1))``."""

    def __init__(self, first: Domain, second: Domain):
        if not isinstance(second, Domain):
            raise refuse(f"{first} * ...", expected="a domain such as Time(t=(0, 1))", got=repr(second))
        shared = set(first.coordinates) & set(second.coordinates)
        if shared:
            raise refuse(
                f"{first} * {second}", expected="different coordinates", got=f"{', '.join(sorted(shared))} in both"
            )
        if first.time and second.time:
            raise refuse(f"{first} * {second}", expected="one time", got=f"{first.time[0]} and {second.time[0]}")
        self.first, self.second = first, second
        self.coordinates = first.coordinates + second.coordinates
        self.time = first.time + second.time

    def __repr__(self) -> str:
        return f"{self.first} * {self.second}"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return self.first.bounds + self.second.bounds

    def during(self, start: float, end: float) -> Domain:
        return Product(self.first.during(start, end), self.second.during(start, end))

    @in_ordinary_mode
    def contains(self, points: Tensor) -> Tensor:
        points, split = read_points(points, self.dimension, f"{self}.contains(...)"), self.first.dimension
        return self.first.contains(points[:, :split]) & self.second.contains(points[:, split:])

    def nearly_contains(self, points: Tensor, slack: float) -> Tensor:
        first, second = points.split([self.first.dimension, self.second.dimension], dim=1)
        return self.first.nearly_contains(first, slack) & self.second.nearly_contains(second, slack)

    def distance(self, points: Tensor) -> Tensor:
        split = self.first.dimension
        return torch.minimum(self.first.distance(points[:, :split]), self.second.distance(points[:, split:]))

    def interior_charts(self) -> tuple[Chart, ...]:
        return self._products(self.first.interior_charts(), self.second.interior_charts())

    def boundary_charts(self) -> tuple[Chart, ...]:
        return self._products(self.first.boundary_charts(), self.second.interior_charts()) + self._products(
            self.first.interior_charts(), self.second.boundary_charts()
        )

    def initial_charts(self) -> tuple[Chart, ...]:
        return self._products(self.first.initial_charts(), self.second.interior_charts()) + self._products(
            self.first.interior_charts(), self.second.initial_charts()
        )

    def face_chart(self, coordinate: str, value: float) -> Chart | None:
        in_first = coordinate in self.first.coordinates
        owner, other = (self.first, self.second) if in_first else (self.second, self.first)
        face, rest = owner.face_chart(coordinate, value), other.interior_charts()
        if face is None or len(rest) != 1:
            return None
        return self._product(face, rest[0]) if in_first else self._product(rest[0], face)

    def _products(self, firsts: tuple[Chart, ...], seconds: tuple[Chart, ...]) -> tuple[Chart, ...]:
        return tuple(self._product(first, second) for first in firsts for second in seconds)

    def _product(self, first: Chart, second: Chart) -> Chart:
        """The chart of a product of two pieces; it is named after the piece that is no interior."""
        split, cut = self.first.dimension, first.dimension

        def embed(unit: Tensor) -> Tensor:
            return torch.cat([first.embed(unit[:, :cut]), second.embed(unit[:, cut:])], dim=1)

        def normal(points: Tensor) -> Tensor:
            normals = torch.zeros_like(points)
            if first.normal is not None:
                normals[:, :split] = first.normal(points[:, :split])
            if second.normal is not None:
                normals[:, split:] = second.normal(points[:, split:])
            return normals

        def keep(points: Tensor) -> Tensor:
            mask = torch.ones(len(points), dtype=torch.bool, device=points.device)
            for chart, part in ((first, points[:, :split]), (second, points[:, split:])):
                mask = mask if chart.keep is None else mask & chart.keep(part)
            return mask

        def margin(points: Tensor) -> Tensor:
            sides = ((first, points[:, :split]), (second, points[:, split:]))
            return torch.stack([chart.margin(part) for chart, part in sides if chart.margin is not None]).amin(dim=0)

        named = second if first.name == "interior" else first
        own, flat = named.level, named.flat if self.time else flat_side(named)
        part = slice(split, None) if named is second else slice(split)
        level = None if own is None else lambda points: own(points[:, part])
        if flat is not None and named is second:
            flat = flat[0] + split, flat[1]
        bare = unknown_normal in (first.normal, second.normal)

        def smooth(unit: Tensor) -> tuple[Tensor, Tensor]:
            (one, size), (other, factor) = first.mapped(unit[:, :cut]), second.mapped(unit[:, cut:])
            return torch.cat([one, other], dim=1), size * factor

        def nodes(count: int) -> tuple[Tensor, Tensor]:
            (one, size), (other, factor) = chart_nodes(first, count), chart_nodes(second, count)
            i, j = torch.cartesian_prod(torch.arange(len(one)), torch.arange(len(other))).unbind(1)
            return torch.cat([one[i], other[j]], dim=1), size[i] * factor[j]

        return Chart(
            named.name,
            first.dimension + second.dimension,
            first.measure * second.measure,
            embed,
            unknown_normal if bare else normal if first.normal or second.normal else None,
            keep if first.keep or second.keep else None,
            first.kept * second.kept,
            named.origin,
            first.tensor and second.tensor,
            level=level,
            flat=flat,
            margin=margin if first.margin or second.margin else None,
            uncut=(*_uncut(first), *(axis + cut for axis in _uncut(second))),
            periodic=(*first.periodic, *(axis + cut for axis in second.periodic)),
            smooth=smooth if first.smooth or second.smooth else None,
            nodes=nodes if first.nodes or second.nodes else None,
        )


def _uncut(chart: Chart) -> tuple[int, ...]:
    """The axes of a chart's cube along which nothing is cut off."""
    return tuple(range(chart.dimension)) if chart.keep is None else chart.uncut


class Combined(Domain):
    """Two shapes in the same coordinates put together; made by ``a | b``, ``a & b`` and ``a - b``.

    Raises:
        GmnmError: the coordinates differ, one has time, or nothing is left.
    """

    @in_ordinary_mode
    def __init__(self, rule: algebra.Rule, first: Domain, second: Domain):
        call = f"{first} {rule.symbol} {second}"
        if not isinstance(second, Domain):
            raise refuse(call, expected="two shapes", got=repr(second))
        if first.coordinates != second.coordinates:
            expected = f"shapes in the same coordinates, ({', '.join(first.coordinates)})"
            raise refuse(call, expected=expected, got=f"({', '.join(second.coordinates)})")
        if first.time or second.time:
            remedy = "Put shapes together first, then multiply by time: (a - b) * Time(t=(0, 1))."
            raise refuse(call, expected="shapes in space alone", got="one with time", remedy=remedy)
        if not (first.solid and second.solid):
            remedy = "Select its points before it is made, or a region of it by where(...)."
            raise refuse(call, expected="shapes with an inside and an outside", got="a cloud of points", remedy=remedy)
        self.rule, self.first, self.second = rule, first, second
        self.coordinates = first.coordinates
        self._interior = algebra.interior(rule, first, second)
        if not self._interior:
            raise refuse(call, expected="a shape with an interior", got="an empty one")
        extent = max(high - low for shape in (first, second) for low, high in shape.bounds)
        self._boundary = algebra.boundary(rule, first, second, _STEP * extent)

    def __repr__(self) -> str:
        return f"({self.first} {self.rule.symbol} {self.second})"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return tuple(self.rule.bounds(a, b) for a, b in zip(self.first.bounds, self.second.bounds, strict=True))

    def distance(self, points: Tensor) -> Tensor:
        return self.rule.distance(self.first.distance(points), self.second.distance(points))

    def interior_charts(self) -> tuple[Chart, ...]:
        return self._interior

    def boundary_charts(self) -> tuple[Chart, ...]:
        return self._boundary

    def vertices(self) -> tuple[tuple[float, ...], ...]:
        return (*self.first.vertices(), *self.second.vertices())

    def face_chart(self, coordinate: str, value: float) -> Chart | None:
        for shape in (self.first, self.second):
            face = shape.face_chart(coordinate, value)
            kept = [chart for chart in self._boundary if face is not None and chart.same(face)]
            if kept:
                return kept[0]
        return None
