"""What every domain offers: names, bounds, an interior, a boundary, an initial time."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gmnm_pde._doors import front_door
from gmnm_pde._errors import nearest, refuse
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.geometry import algebra
from gmnm_pde.geometry.region import Chart, Region, Shape, read_points

if TYPE_CHECKING:
    from gmnm_pde.geometry.parts import Parted
    from gmnm_pde.geometry.sampled import Cloud

_DIRECTIONS = 360
"""Directions in which the surroundings of a corner are looked at."""


class Domain(Shape, ABC):
    """A set of points with named coordinates.

    A new shape gives ``coordinates``, ``bounds``, ``interior_charts``, ``boundary_charts`` and ``distance``; the
    regions, faces, products and set algebra follow.
    """

    coordinates: tuple[str, ...]
    """Names of the coordinates, in order."""

    time: tuple[str, ...] = ()
    """Names of those coordinates that are time; the others are space."""

    solid: bool = True
    """Whether the domain has an inside and an outside, as set algebra needs; a cloud of points has not."""

    parts: "Mapping[str, Domain]" = MappingProxyType({})
    """Its parts by name, such as several materials (``parts.py``); most domains have none."""

    @property
    @abstractmethod
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The bounding box, (low, high) for each coordinate."""

    @abstractmethod
    def interior_charts(self) -> tuple[Chart, ...]:
        """Charts that fill the domain."""

    @abstractmethod
    def boundary_charts(self) -> tuple[Chart, ...]:
        """Charts of the spatial boundary, with outward normals."""

    @abstractmethod
    def distance(self, points: Tensor) -> Tensor:
        """How far the points, [n, d], are from the boundary: positive inside, negative outside, [n].

        Exact near the boundary; farther off the right sign and size are enough.
        """

    @in_ordinary_mode
    def contains(self, points: Tensor) -> Tensor:
        """Which of the points, [n, d], lie in the closed domain: a mask, [n]."""
        points = read_points(points, self.dimension, f"{self}.contains(...)")
        extent = max(high - low for low, high in self.bounds)
        return self.distance(points) >= -1e-12 * extent

    def nearly_contains(self, points: Tensor, slack: float) -> Tensor:
        """Which of the points, [n, d], lie in the domain, or no farther outside than a part of its extent: [n]."""
        extent = max(high - low for low, high in self.bounds)
        return self.distance(points) >= -slack * extent

    def initial_charts(self) -> tuple[Chart, ...]:
        """Charts of the initial time; empty where there is no time."""
        return ()

    def vertices(self) -> tuple[tuple[float, ...], ...]:
        """Corners of the shapes that the domain is made of, whether or not they are corners of the whole."""
        return ()

    def reentrant_corners(self) -> Tensor:
        """Corners in the plane at which the domain fills more than half of the surroundings, [corners, 2].

        Solutions of elliptic equations are singular there: the second derivatives of most are not bounded.
        """
        corners = torch.tensor(self.vertices(), dtype=torch.float64).reshape(-1, self.dimension)
        if self.dimension != 2 or not len(corners):
            return corners[:0]
        angles = torch.arange(_DIRECTIONS, dtype=torch.float64) * (2 * math.pi / _DIRECTIONS)
        ring = torch.stack([angles.cos(), angles.sin()], dim=1) * 1e-6 * max(high - low for low, high in self.bounds)
        inside = self.contains((corners[:, None] + ring).reshape(-1, 2)).reshape(len(corners), -1).double().mean(dim=1)
        return corners[(inside > 0.52) & (inside < 1)].unique(dim=0)

    def face_chart(self, coordinate: str, value: float) -> Chart | None:
        """The flat piece of boundary at ``coordinate = value``, if the shape has one."""
        return None

    @property
    def dimension(self) -> int:
        """Number of coordinates, time included."""
        return len(self.coordinates)

    @property
    def space(self) -> tuple[str, ...]:
        """Names of the spatial coordinates."""
        return tuple(name for name in self.coordinates if name not in self.time)

    @property
    def interior(self) -> Region:
        """The domain itself as a region to take points from."""
        return self._region(self.interior_charts(), "interior")

    @property
    def boundary(self) -> Region:
        """The whole spatial boundary, at all times."""
        charts = self.boundary_charts()
        if not charts and self.space:
            remedy = "Give the cloud its boundary: PointCloud(points, boundary=...)."
            raise refuse(f"{self}.boundary", expected="points on a boundary", got="none", remedy=remedy)
        if not charts:
            raise refuse(
                f"{self}.boundary",
                expected="a domain with spatial coordinates",
                got=f"coordinates {', '.join(self.coordinates)}",
                remedy="A Time domain has an initial time instead: use Initial(...) or domain.initial.",
            )
        return self._region(charts, "boundary")

    @property
    def initial(self) -> Region:
        """The domain at the initial time."""
        charts = self.initial_charts()
        if not charts:
            raise refuse(
                f"{self}.initial",
                expected="a domain with time",
                got=f"coordinates {', '.join(self.coordinates)}",
                remedy="Multiply by time: domain * Time(t=(0, 1)).",
            )
        return self._region(charts, "initial")

    @front_door
    def face(self, **where: float) -> Region:
        """The face at one end of one coordinate, as in ``box.face(x=-1)``; ``face(t=...)`` is an end of time."""
        if len(where) != 1:
            raise refuse(f"{self}.face", expected="one coordinate, as in face(x=-1)", got=where or "none")
        ((name, value),) = where.items()
        if name not in self.coordinates:
            raise refuse(
                f"{self}.face({name}={value})",
                expected="a coordinate of the domain",
                got=f"'{name}'",
                remedy=nearest(name, self.coordinates),
            )
        if not isinstance(value, Real):
            raise refuse(f"{self}.face({name}={value!r})", expected="a number", got=repr(value))
        chart = self.face_chart(name, float(value))
        if chart is None:
            raise refuse(
                f"{self}.face({name}={value})",
                expected=f"an end of {name}: a flat face of this domain, whose bounding box is {self.bounds}",
                got=value,
                remedy="Use boundary.where(...) to select any other part.",
            )
        return self._region((chart,), chart.name)

    def during(self, start: float, end: float) -> "Domain":
        """The domain in a part of its time; itself where there is no time."""
        return self

    def sample(self, n: int, rule: str = "sobol", *, seed: int = 0) -> "Cloud":
        """About ``n`` points of the interior with weights, as ``region.sample`` gives them."""
        return self.interior.sample(n, rule, seed=seed)

    def where(self, predicate: Callable[..., Any]) -> Region:
        """The part of the interior on which ``predicate`` of the coordinates is true."""
        return self.interior.where(predicate)

    def split(
        self, *, by: "Domain | None" = None, at: Any = None, names: Sequence[str] = (), part: str | None = None
    ) -> "Parted":
        """This domain with named parts, such as several materials, that meet at interfaces.

        Args:
            by: A shape: what is inside of it is the first part, what is outside the second.
            at: Places at which an interval is cut, or by coordinate those at which a box is, ``{"y": 0.5}``; the parts
                follow one another, those along the last coordinate first.
            names: Of the parts.
            part: Which part is split again, of a domain that has some.
        """
        from gmnm_pde.geometry.parts import split  # here: parts are domains themselves

        return split(self, by, at, names)

    def named(self, name: str) -> "Parted":
        """This shape as a part with a name: ``a.named("steel") | b.named("copper")`` is made of two materials."""
        from gmnm_pde.geometry.parts import Parted, read_names  # here: parts are domains themselves

        return Parted(self, dict.fromkeys(read_names(name, 1, f"{self}.named(...)"), self))

    def __mul__(self, other: "Domain") -> "Domain":
        from gmnm_pde.geometry.composed import product  # here: products are domains themselves

        return product(self, other)

    def __or__(self, other: "Domain") -> "Domain":
        if getattr(other, "parts", None):
            remedy = "Give it one: a.named('steel') | b.named('copper')."
            raise refuse(f"{self} | {other}", expected="two shapes with names", got="one without", remedy=remedy)
        from gmnm_pde.geometry.composed import Combined  # here: as for products

        return Combined(algebra.UNION, self, other)

    def __and__(self, other: "Domain") -> "Domain":
        from gmnm_pde.geometry.composed import Combined  # here: as for products

        return Combined(algebra.INTERSECTION, self, other)

    def __sub__(self, other: "Domain") -> "Domain":
        from gmnm_pde.geometry.composed import Combined  # here: as for products

        return Combined(algebra.DIFFERENCE, self, other)

    def adopt(self, region: Region) -> Region | None:
        """A region of a shape that this domain was made from, as a part of this domain's boundary.

        Its charts are cut, turned and multiplied by time as the shape was: the boundary of a removed disk gets
        normals that point into the hole. None if they are no part of this domain's boundary.
        """
        if set(region.coordinates) - set(self.coordinates):
            return None
        own = (*self.boundary_charts(), *self.initial_charts())
        adopted = tuple(mine for chart in region.charts for mine in own if mine.same(chart))
        if not adopted:
            return None
        return replace(self._region(adopted, region.name), predicates=region.predicates)

    def _region(self, charts: tuple[Chart, ...], name: str) -> Region:
        return Region(self.coordinates, charts, name=name, time=self.time)
