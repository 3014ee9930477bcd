"""All of space, of which points are taken around a center."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.region import Chart
from gmnm_pde.geometry.round import read_center, read_radius, read_several_names, write_point
from gmnm_pde.geometry.unit import normally


class WholeSpace(Domain):
    """All of space: ``WholeSpace(reach=10, coordinates=("x", 100))``. It has no boundary.

    Points are taken around a center, in all directions alike, and at all distances up to ``reach`` alike: in many
    dimensions nearly all of a ball's volume lies at its surface, and points spread evenly over it would leave the rest
    out. ``bounds`` are those between which most coordinates of such points lie.

    Args:
        reach: How far from the center points are taken. Brownian motion, of generator Laplacian / 2, is about
            sqrt(d t) away from where it was, after a time t.
        center: Around what; a number is that for each coordinate.
        coordinates: Names of the coordinates, two or more; ``("x", 100)`` stands for x_1 to x_100.
    """

    name = "whole space"
    solid = False

    def __init__(self, reach: float, center: float | Sequence[float] = 0.0, *, coordinates: Sequence[Any]):
        self.coordinates = read_several_names(coordinates, "WholeSpace")
        self.center = read_center(center, self.dimension, f"WholeSpace(center={center!r})")
        self.reach = read_radius(reach, f"WholeSpace(reach={reach!r})")

    def __repr__(self) -> str:
        return f"WholeSpace(reach={self.reach:g}, center={write_point(self.center)})"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        size = self.reach * (3 / self.dimension) ** 0.5
        return tuple((c - size, c + size) for c in self.center)

    def contains(self, points: Tensor) -> Tensor:
        return torch.isfinite(points).all(-1)

    def nearly_contains(self, points: Tensor, slack: float) -> Tensor:
        return self.contains(points)

    def distance(self, points: Tensor) -> Tensor:
        return torch.full_like(points[:, 0], torch.inf)

    def interior_charts(self) -> tuple[Chart, ...]:
        def embed(unit: Tensor) -> Tensor:
            # Normal variables give a direction, and by the distribution of their length, apart from it, a distance.
            normal = normally(unit)
            size = normal.norm(dim=1, keepdim=True)
            half = unit.new_full((), self.dimension / 2)
            part = torch.special.gammainc(half, size.square() / 2)
            return self.reach * part * normal / size + unit.new_tensor(self.center)

        return (Chart("interior", self.dimension, 1.0, embed, origin=self, tensor=False),)

    def boundary_charts(self) -> tuple[Chart, ...]:
        return ()
