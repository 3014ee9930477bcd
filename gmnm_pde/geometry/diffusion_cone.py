"""All of space through an interval of time, of which points are taken where a diffusion from one point comes to."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry.box import Time
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.region import Chart
from gmnm_pde.geometry.round import read_center, read_names, read_radius, spread_names, write_point
from gmnm_pde.geometry.unit import normally


class DiffusionCone(Domain):
    """All of space and an interval of time, seen from one point.

    ``DiffusionCone(apex=0, t=(0, 1), coordinates=("x", 100))`` is seen from the origin at the time 0.

    What a parabolic equation says of its solution at one point is a mean over paths that begin there and run through
    the time. So points are taken at all times alike, and at each where such paths are: normally distributed around the
    center, with the variance 2 D |t - apex| of each coordinate, D the diffusion. In many dimensions they lie in a thin
    shell, and elsewhere no one comes. There is no boundary in space; initial and terminal times are ``domain.initial``
    and ``domain.face(t=1)``. ``bounds`` are those between which most coordinates lie.

    Args:
        apex: The time of the point, one end of the interval. Equations that begin with initial values are looked at
            from the last time, those with terminal values from the first.
        center: The point; a number is that for each coordinate.
        diffusion: D, about, such as 1 in u_t = laplacian(u) and 1/2 for Brownian motion.
        coordinates: Names of the coordinates of space; ``("x", 100)`` stands for x_1 to x_100.
        **time: The interval of time with its name, ``t=(0, 1)``.
    """

    solid = False

    def __init__(
        self,
        apex: float,
        center: float | Sequence[float] = 0.0,
        diffusion: float = 1.0,
        *,
        coordinates: Sequence[Any],
        **time: tuple[float, float],
    ):
        self.interval = Time(**time)
        self.time = self.interval.coordinates
        names = spread_names(coordinates)
        if not isinstance(names, list | tuple) or not names or self.time[0] in names:
            raise refuse(
                f"DiffusionCone(coordinates={coordinates!r})", expected="names beside the time's", got=repr(coordinates)
            )
        space = read_names(names, len(names), "DiffusionCone")
        self.coordinates = (*space, *self.time)
        self.center = read_center(center, len(space), f"DiffusionCone(center={center!r})")
        self.diffusion = read_radius(diffusion, f"DiffusionCone(diffusion={diffusion!r})")
        self._low, self._high = self.interval.bounds[0]
        if apex not in (self._low, self._high):
            raise refuse(f"DiffusionCone(apex={apex!r})", expected=f"{self._low:g} or {self._high:g}", got=repr(apex))
        self.apex = float(apex)

    def __repr__(self) -> str:
        interval = f"{self.time[0]}=({self._low:g}, {self._high:g})"
        return f"DiffusionCone(apex={self.apex:g}, center={write_point(self.center)}, {interval})"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        size = 2 * (2 * self.diffusion * (self._high - self._low)) ** 0.5
        return (*((c - size, c + size) for c in self.center), (self._low, self._high))

    def contains(self, points: Tensor) -> Tensor:
        return self.nearly_contains(points, 0.0)

    def nearly_contains(self, points: Tensor, slack: float) -> Tensor:
        return torch.isfinite(points).all(-1) & self.interval.nearly_contains(points[:, -1:], slack)

    def distance(self, points: Tensor) -> Tensor:
        return self.interval.distance(points[:, -1:])

    def interior_charts(self) -> tuple[Chart, ...]:
        def embed(unit: Tensor) -> Tensor:
            return self._spread(unit[:, :-1], self._low + (self._high - self._low) * unit[:, -1])

        return (Chart("interior", self.dimension, 1.0, embed, origin=self, tensor=False),)

    def boundary_charts(self) -> tuple[Chart, ...]:
        return ()

    def initial_charts(self) -> tuple[Chart, ...]:
        chart = self.face_chart(self.time[0], self._low)
        return () if chart is None or self.apex == self._low else (chart,)

    def face_chart(self, coordinate: str, value: float) -> Chart | None:
        end = self.interval.face_chart(coordinate, value) if coordinate in self.time else None
        if end is None or end.flat is None:
            return None
        axis, time = self.dimension - 1, end.flat[1]

        def normal(points: Tensor) -> Tensor:
            normals = torch.zeros_like(points)
            normals[:, -1] = 1.0 if time == self._high else -1.0
            return normals

        def level(points: Tensor) -> Tensor:
            return (points[:, -1] - time).abs()

        embed = lambda unit: self._spread(unit, unit.new_full((len(unit),), time))  # noqa: E731
        return Chart(
            end.name, axis, 1.0, embed, normal, origin=self, tensor=False, level=level, flat=(axis, time)
        )  # fmt: skip

    def _spread(self, unit: Tensor, times: Tensor) -> Tensor:
        """Where paths are at some times, from points of the unit cube of space."""
        size = (2 * self.diffusion * (times - self.apex).abs()).sqrt()
        space = unit.new_tensor(self.center) + size[:, None] * normally(unit)
        return torch.cat([space, times[:, None]], dim=1)
