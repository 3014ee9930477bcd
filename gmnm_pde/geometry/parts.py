"""Domains made of named parts, such as several materials, and the interfaces between them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.geometry import algebra
from gmnm_pde.geometry.box import Box
from gmnm_pde.geometry.composed import Combined, Product
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.region import Chart, Region

_STEP = 1e-7
"""How far beside a boundary one looks for the part that lies there, relative to the domain's extent."""

_INSIDE = 1e-12
"""Points that are less than this deep in a part, relative to the domain's extent, are on its boundary."""


class Parted(Domain):
    """A domain with named parts that fill it; ``split``, and ``|`` of shapes that are ``named``, make it.

    Its boundary is that of the whole, without the interfaces. Products with time and other coordinates, cuts by ``&``
    and ``-`` and further ``split`` keep the parts.

    Args:
        whole: The domain.
        parts: By name, shapes that do not overlap.
        columns: Which coordinates the parts are told by, of a product with others such as time; by default all.
        within: The domain that these coordinates are of.
    """

    def __init__(
        self,
        whole: Domain,
        parts: Mapping[str, Domain],
        columns: Sequence[int] | None = None,
        within: "Parted | None" = None,
    ):
        self.whole, self.parts = whole, dict(parts)
        self._columns, self._within = columns, within
        self.coordinates, self.time, self.solid = whole.coordinates, whole.time, whole.solid

    def __repr__(self) -> str:
        return f"{self.whole} of parts {', '.join(self.parts)}"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return self.whole.bounds

    @property
    def extent(self) -> float:
        """The longest side of the bounding box of those coordinates that the parts are told by."""
        return max(high - low for low, high in self.told.bounds)

    @property
    def columns(self) -> tuple[int, ...]:
        """The numbers of the coordinates that the parts are told by."""
        return tuple(range(self.dimension)) if self._columns is None else tuple(self._columns)

    @property
    def told(self) -> "Parted":
        """The domain of these coordinates alone."""
        return self if self._within is None else self._within

    def depth(self, points: Tensor) -> Tensor:
        """How deep points [n, d] lie in each part, negative outside of it: [n, parts]."""
        if self._within is not None:
            return self._within.depth(points[:, self._columns])
        return torch.stack([part.distance(points) for part in self.parts.values()], dim=1)

    def owner(self, points: Tensor) -> Tensor:
        """The number of the part that each of the points [n, d] lies in, on an interface one of them: [n]."""
        return self.depth(points).argmax(dim=1)

    def own(self, values: Tensor, points: Tensor) -> Tensor:
        """Of fields in every part at points [n, d], [n, parts * fields], those of each point's part: [n, fields]."""
        owner = self.owner(points.detach().to("cpu", torch.float64)).to(values.device)
        each = values.unflatten(1, (len(self.parts), values.shape[1] // len(self.parts)))
        return each[torch.arange(len(values), device=values.device), owner]

    @property
    def tolerance(self) -> float:
        """Points that are less deep in a part are on its boundary."""
        return _INSIDE * self.extent

    def lies_in(self, name: str, points: Tensor) -> Tensor:
        """Which of the points [n, d] lie in the open part: a mask, [n]."""
        return self._within_part(name, points) > 0

    def _within_part(self, name: str, points: Tensor) -> Tensor:
        """How much deeper in a part points [n, d] are than those that count as its boundary, [n]."""
        return self.told.parts[name].distance(points[:, self.columns]) - self.tolerance

    def interface(self, first: str, second: str) -> Region | None:
        """Where two parts meet, with normals from the first to the second; None where they do not."""
        step = _STEP * self.extent
        ends = zip(self.told.parts[first].bounds, self.told.parts[second].bounds, strict=True)
        if any(max(a, c) > min(b, d) + step for (a, b), (c, d) in ends):
            return None
        charts = []
        for chart in self.parts[first].boundary_charts():
            outward = chart.normal
            assert outward is not None

            def margin(points: Tensor, outward=outward) -> Tensor:
                shift = step * outward(points)
                return torch.minimum(
                    self._within_part(second, points + shift), self._within_part(first, points - shift)
                )

            charts.append(algebra.cut(chart, margin))
        kept = tuple(algebra.measured(charts))
        return self._region(kept, f"{first}|{second}") if kept else None

    def beside(self, region: Region, name: str) -> Region | None:
        """The part of a region in the domain or on its boundary that belongs to a part; None if there is none."""
        step = _STEP * self.extent
        charts = []
        for chart in region.charts:

            def margin(points: Tensor, outward=chart.normal) -> Tensor:
                return self._within_part(name, points if outward is None else points - step * outward(points))

            charts.append(algebra.cut(chart, margin))
        kept = tuple(algebra.measured(charts))
        return replace(region, charts=kept, name=f"{region.name} of {name}") if kept else None

    def junctions(self) -> Tensor:
        """Corners in the plane at which solutions are singular, since parts meet there in angles, [corners, 2]."""
        corners = [v for shape in (self.whole, *self.parts.values()) for v in shape.vertices()]
        points = torch.tensor(sorted(set(corners)), dtype=torch.float64).reshape(-1, self.dimension)
        if self.dimension != 2 or not len(points):
            return points[:0]
        shares = torch.stack([_share(part, points) for part in self.parts.values()], dim=1)
        meeting, inside = (shares > 0).sum(dim=1), shares.sum(dim=1)
        straight = ((shares - 0.5).abs() < 0.01).sum(dim=1) == 2
        return points[(inside > 0.52) & (meeting > 1) & ~straight | (inside > 0.52) & (inside < 0.98)]

    def reentrant_corners(self) -> Tensor:
        return self.junctions()

    def split(
        self, *, by: Domain | None = None, at: Any = None, names: Sequence[str] = (), part: str | None = None
    ) -> "Parted":
        """One part split again; ``part`` says which, where the cut meets several."""
        if self._within is not None:
            raise refuse(f"{self}.split(...)", expected="a domain in space", got="a product", remedy=_FIRST)
        call = f"{self}.split(...)"
        if part is None:
            met = [name for name, shape in self.parts.items() if len(_pieces(shape, by, at, call, short=True)) > 1]
            if len(met) != 1:
                got = f"one that cuts {', '.join(met) or 'none'}"
                raise refuse(call, expected="a cut through one part", got=got, remedy="Say which: part='...'.")
            part = met[0]
        if part not in self.parts:
            raise refuse(call, expected="a part", got=repr(part), remedy=nearest(part, self.parts))
        pieces = _pieces(self.parts[part], by, at, call)
        others = {name: shape for name, shape in self.parts.items() if name != part}
        named = dict(zip(read_names(names, len(pieces), call, others), pieces, strict=True))
        parts: dict[str, Domain] = {}
        for name, shape in self.parts.items():
            parts |= named if name == part else {name: shape}
        return Parted(self.whole, parts)

    def named(self, name: str) -> "Parted":
        raise refuse(f"{self}.named({name!r})", expected="a shape without parts", got="one with parts")

    def during(self, start: float, end: float) -> Domain:
        parts = {name: part.during(start, end) for name, part in self.parts.items()}
        return Parted(self.whole.during(start, end), parts, self._columns, self._within)

    def times(self, other: Domain, *, first: bool) -> "Parted":
        """The product with a domain in other coordinates, which come after these, or before them."""

        def make(shape: Domain) -> Domain:
            return Product(shape, other) if first else Product(other, shape)

        if other.parts:
            raise refuse(f"{self} * {other}", expected="one domain with parts", got="two")
        shift = 0 if first else other.dimension
        columns = [shift + k for k in self.columns]
        return Parted(make(self.whole), {n: make(p) for n, p in self.parts.items()}, columns, self._within or self)

    def __mul__(self, other: Domain) -> Domain:
        return self.times(other, first=True)

    def __or__(self, other: Domain) -> Domain:
        call = f"{self} | {other}"
        if not isinstance(other, Parted):
            raise refuse(call, expected="two shapes with names", got=f"{other} without", remedy=_NAME)
        twice = set(self.parts) & set(other.parts)
        if twice:
            raise refuse(call, expected="different names", got=f"'{sorted(twice)[0]}' twice")
        for mine, shape in self.parts.items():
            for theirs, second in other.parts.items():
                if algebra.interior(algebra.INTERSECTION, shape, second):
                    remedy = f"Take one from the other: {theirs} - {mine}."
                    raise refuse(call, expected="shapes that touch", got=f"{mine} and {theirs} overlap", remedy=remedy)
        return Parted(self.whole | other.whole, {**self.parts, **other.parts})

    def __and__(self, other: Domain) -> Domain:
        return self._cut(algebra.INTERSECTION, other)

    def __sub__(self, other: Domain) -> Domain:
        return self._cut(algebra.DIFFERENCE, other)

    def _cut(self, rule: algebra.Rule, other: Domain) -> "Parted":
        whole = Combined(rule, self.whole, other)
        left = {n: part for n, part in self.parts.items() if algebra.interior(rule, part, other)}
        return Parted(whole, {name: Combined(rule, part, other) for name, part in left.items()})

    def distance(self, points: Tensor) -> Tensor:
        return self.whole.distance(points)

    def contains(self, points: Tensor) -> Tensor:
        return self.whole.contains(points)

    def interior_charts(self) -> tuple[Chart, ...]:
        return self.whole.interior_charts()

    def boundary_charts(self) -> tuple[Chart, ...]:
        return self.whole.boundary_charts()

    def initial_charts(self) -> tuple[Chart, ...]:
        return self.whole.initial_charts()

    def vertices(self) -> tuple[tuple[float, ...], ...]:
        return self.whole.vertices()

    def face_chart(self, coordinate: str, value: float) -> Chart | None:
        return self.whole.face_chart(coordinate, value)

    def adopt(self, region: Region) -> Region | None:
        return self.whole.adopt(region)


_FIRST = "Split first, then multiply: shape.split(...) * Time(t=(0, 1))."
_NAME = "Give it one: (a.named('steel') | b.named('copper'))."


def split(domain: Domain, by: Domain | None, at: Any, names: Sequence[str]) -> Parted:
    """See ``Domain.split``."""
    call = f"{domain}.split(...)"
    if domain.time or isinstance(domain, Product):
        raise refuse(call, expected="a domain in space", got="a product", remedy=_FIRST)
    pieces = _pieces(domain, by, at, call)
    return Parted(domain, dict(zip(read_names(names, len(pieces), call), pieces, strict=True)))


def _pieces(domain: Domain, by: Domain | None, at: Any, call: str, *, short: bool = False) -> list[Domain]:
    """What a cut makes of a domain; ``short`` asks for those that are not empty, without a complaint."""
    if (by is None) == (at is None):
        raise refuse(call, expected="by=shape or at=places", got="both" if by is not None else "neither")
    if by is None:
        return _cells(domain, at, call, short=short)
    if not isinstance(by, Domain) or by.coordinates != domain.coordinates or not by.solid:
        expected = f"a shape in the coordinates {', '.join(domain.coordinates)}"
        raise refuse(f"{call[:-4]}by={by!r})", expected=expected, got=repr(by))
    pieces = []
    for rule, where in ((algebra.INTERSECTION, "inside"), (algebra.DIFFERENCE, "outside")):
        if algebra.interior(rule, domain, by):
            pieces.append(_box_of(rule, domain, by) or Combined(rule, domain, by))
        elif not short:
            got = f"nothing {where} it"
            raise refuse(f"{call[:-4]}by={by})", expected="a shape that cuts the domain in two", got=got)
    return pieces


def _cells(domain: Domain, at: Any, call: str, *, short: bool) -> list[Domain]:
    """A box cut at places along coordinates: the cells, the last coordinate running fastest."""
    if not isinstance(domain, Box):
        remedy = "Split other shapes by a shape: by=Rectangle(...)."
        raise refuse(
            f"{call[:-4]}at={at})", expected="an interval, a rectangle or a box", got=str(domain), remedy=remedy
        )
    given = at if isinstance(at, Mapping) else {domain.coordinates[0]: at} if domain.dimension == 1 else None
    if given is None or not set(given) <= set(domain.coordinates):
        expected = f"places by coordinate, such as at={{'{domain.coordinates[-1]}': 0.5}}"
        raise refuse(f"{call[:-4]}at={at!r})", expected=expected, got=repr(at))
    edges = []
    for name, (low, high) in zip(domain.coordinates, domain.bounds, strict=True):
        places = given.get(name, ())
        inner = [float(place) for place in (places if isinstance(places, Sequence) else (places,))]
        ends = [low, *inner, high]
        if any(b <= a for a, b in pairwise(ends)):
            if short:
                return []
            expected = f"ascending places between {low:g} and {high:g}"
            raise refuse(f"{call[:-4]}at={at!r})", expected=expected, got=f"{name}={inner}: a part would be empty")
        edges.append([(a, b) for a, b in pairwise(ends)])
    return [Box(**dict(zip(domain.coordinates, cell, strict=True))) for cell in product(*edges)]


def _box_of(rule: algebra.Rule, domain: Domain, by: Domain) -> Box | None:
    """The piece of a box that another box cuts off, if that is a box."""
    if not (isinstance(domain, Box) and isinstance(by, Box)):
        return None
    inner = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(domain.bounds, by.bounds, strict=True)]
    if rule is algebra.DIFFERENCE:
        cut = [k for k, (ends, own) in enumerate(zip(inner, domain.bounds, strict=True)) if ends != own]
        if len(cut) != 1:
            return None
        (low, high), (a, b) = domain.bounds[cut[0]], inner[cut[0]]
        if a > low and b < high:
            return None
        inner[cut[0]] = (b, high) if a == low else (low, a)
    return Box(**dict(zip(domain.coordinates, inner, strict=True)))


def read_names(names: Any, count: int, call: str, others: Mapping[str, Any] | None = None) -> list[str]:
    """The names of the parts, or a clear refusal."""
    given = [names] if isinstance(names, str) else list(names)
    fine = all(isinstance(name, str) and name.isidentifier() for name in given)
    if len(given) != count or not fine or len(set(given)) < count:
        got = repr(names) if given else "none"
        expected = f"{count} different names that Python takes, one for each part"
        raise refuse(
            f"{call[:-4]}names={names!r})", expected=expected, got=got, remedy="Such as ('inside', 'outside')."
        )
    for name in given:
        if name in (others or ()):
            raise refuse(f"{call[:-4]}names={names!r})", expected="new names", got=f"'{name}', which is a part already")
    return given


def _share(shape: Domain, points: Tensor) -> Tensor:
    """The share of the surroundings of points in the plane that belongs to a shape, [n]."""
    angles = (torch.arange(360, dtype=torch.float64) + 0.5) * (2 * torch.pi / 360)
    extent = max(high - low for low, high in shape.bounds)
    ring = torch.stack([angles.cos(), angles.sin()], dim=1) * 1e-6 * extent
    depth = shape.distance((points[:, None] + ring).reshape(-1, 2)).reshape(len(points), -1)
    return (depth > 0).double().mean(dim=1)
