"""Rings and spherical shells."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry.algebra import turned
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.region import Chart, Region
from gmnm_pde.geometry.round import Ball, Disk, on_circle, on_sphere, read_names, read_radius, write_point


class _Hollow(Domain):
    """What lies between two concentric circles or spheres, of the kind ``solid``."""

    def __init__(
        self, solid: type[Disk] | type[Ball], center: Sequence[float], radii: tuple[float, float], names: Sequence[str]
    ):
        kind, (inner, outer) = type(self).__name__, radii
        call = f"{kind}(inner={inner!r}, outer={outer!r})"
        self.inner_radius, self.outer_radius = read_radius(inner, call), read_radius(outer, call)
        if not self.inner_radius < self.outer_radius:
            remedy = "Swap them." if self.inner_radius > self.outer_radius else "There is nothing between them."
            raise refuse(call, expected="inner < outer", got=f"{inner:g} and {outer:g}", remedy=remedy)
        self.coordinates = read_names(names, 2 if solid is Disk else 3, kind)
        self._inside, self._outside = (solid(center, r, coordinates=self.coordinates) for r in radii)
        self.center = self._outside.center

    def __repr__(self) -> str:
        name, center = type(self).__name__, write_point(self.center)
        return f"{name}(center={center}, inner={self.inner_radius:g}, outer={self.outer_radius:g})"

    @property
    def inner(self) -> Region:
        """The inner boundary; its normals point into the hole."""
        chart = self.boundary_charts()[0]
        return self._region((chart,), chart.name)

    @property
    def outer(self) -> Region:
        """The outer boundary."""
        chart = self.boundary_charts()[1]
        return self._region((chart,), chart.name)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return self._outside.bounds

    def distance(self, points: Tensor) -> Tensor:
        radius = (points - points.new_tensor(self.center)).norm(dim=-1)
        return torch.minimum(radius - self.inner_radius, self.outer_radius - radius)

    def interior_charts(self) -> tuple[Chart, ...]:
        d, (inner, outer) = self.dimension, (self.inner_radius, self.outer_radius)
        directions = on_circle if d == 2 else on_sphere

        def embed(unit: Tensor) -> Tensor:
            radius = (inner**d + unit[:, :1] * (outer**d - inner**d)) ** (1 / d)
            return unit.new_tensor(self.center) + radius * directions(unit[:, 1:])

        whole, hole = (sum(p.measure for p in ball.interior_charts()) for ball in (self._outside, self._inside))
        return (Chart("interior", d, whole - hole, embed, origin=self, tensor=False, periodic=(d - 1,)),)

    def boundary_charts(self) -> tuple[Chart, ...]:
        ((hole,), (whole,)) = self._inside.boundary_charts(), self._outside.boundary_charts()
        return replace(turned(hole), name=f"inner {hole.name}"), replace(whole, name=f"outer {whole.name}")


class Annulus(_Hollow):
    """The ring between two circles: ``Annulus(center=(0, 0), inner=0.5, outer=1)``.

    Its two boundaries are the regions ``inner``, whose normals point into the hole, and ``outer``.

    Args:
        center: The center of both circles.
        inner: Radius of the hole.
        outer: Radius of the whole.
        coordinates: Names of the two coordinates.

    Raises:
        GmnmError: a radius is not positive, or the inner one is not the smaller.
    """

    def __init__(self, center: Sequence[float], inner: float, outer: float, *, coordinates: Sequence[str] = ("x", "y")):
        super().__init__(Disk, center, (inner, outer), coordinates)


class SphericalShell(_Hollow):
    """The space between two spheres: ``SphericalShell(center=(0, 0, 0), inner=0.5, outer=1)``.

    Its two boundaries are the regions ``inner``, whose normals point into the hole, and ``outer``.

    Args:
        center: The center of both spheres.
        inner: Radius of the hole.
        outer: Radius of the whole.
        coordinates: Names of the three coordinates.

    Raises:
        GmnmError: a radius is not positive, or the inner one is not the smaller.
    """

    def __init__(
        self, center: Sequence[float], inner: float, outer: float, *, coordinates: Sequence[str] = ("x", "y", "z")
    ):
        super().__init__(Ball, center, (inner, outer), coordinates)
