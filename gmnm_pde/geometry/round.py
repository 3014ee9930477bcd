"""Disks, ellipses and balls."""

import math
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.binding import numbered
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.region import Chart


class Ellipse(Domain):
    """An ellipse with axes along the coordinates: ``Ellipse(center=(0, 0), radii=(2, 1))``.

    Args:
        center: The ellipse's center.
        radii: Half its width and half its height.
        coordinates: Names of the two coordinates.
    """

    def __init__(self, center: Sequence[float], radii: Sequence[float], *, coordinates: Sequence[str] = ("x", "y")):
        kind = type(self).__name__
        self.center = read_numbers(center, 2, f"{kind}(center={center!r})")
        radii = radii.tolist() if hasattr(radii, "tolist") else radii  # type: ignore[attr-defined]
        if not isinstance(radii, list | tuple) or len(radii) != 2:
            raise refuse(f"{kind}(radii={radii!r})", expected="two radii", got=repr(radii))
        self.radii = tuple(read_radius(radius, f"{kind}(radii={radii!r})") for radius in radii)
        self.coordinates = read_names(coordinates, 2, kind)

    def __repr__(self) -> str:
        return f"Ellipse(center={write_point(self.center)}, radii={write_point(self.radii)})"

    @property
    def name(self) -> str:
        """What its boundary is called."""
        return f"ellipse around {write_point(self.center)}"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return tuple((c - r, c + r) for c, r in zip(self.center, self.radii, strict=True))

    def distance(self, points: Tensor) -> Tensor:
        center, radii = (points.new_tensor(values) for values in (self.center, self.radii))
        scaled = (points - center) / radii
        size = scaled.norm(dim=-1)
        slope = (scaled / radii).norm(dim=-1) / size.clamp_min(1e-12)
        return torch.where(size > 1e-9, (1 - size) / slope.clamp_min(1e-12), radii.min())

    def interior_charts(self) -> tuple[Chart, ...]:
        def embed(unit: Tensor) -> Tensor:
            angle, radius = 2 * math.pi * unit[:, 1], unit[:, 0].sqrt()
            return self._at(radius * angle.cos(), radius * angle.sin())

        area = math.pi * math.prod(self.radii)
        return (Chart("interior", 2, area, embed, origin=self, tensor=False, periodic=(1,)),)

    def boundary_charts(self) -> tuple[Chart, ...]:
        # Equal lengths of the unit interval get equal arc lengths, by the inverse of a fine table of the arc length.
        angles = torch.linspace(0, 2 * math.pi, 4097, dtype=torch.float64)
        speed = ((self.radii[0] * angles.sin()) ** 2 + (self.radii[1] * angles.cos()) ** 2).sqrt()
        arc = torch.cat([angles.new_zeros(1), torch.cumulative_trapezoid(speed, angles)])
        length = arc[-1].item()

        def embed(unit: Tensor) -> Tensor:
            wanted = unit[:, 0].to(arc) * length
            right = torch.searchsorted(arc, wanted).clamp(1, len(arc) - 1)
            part = (wanted - arc[right - 1]) / (arc[right] - arc[right - 1])
            angle = (angles[right - 1] + part * (angles[right] - angles[right - 1])).to(unit)
            return self._at(angle.cos(), angle.sin())

        def normal(points: Tensor) -> Tensor:
            center, radii = (points.new_tensor(values) for values in (self.center, self.radii))
            outward = (points - center) / radii**2
            return outward / outward.norm(dim=1, keepdim=True)

        def level(points: Tensor) -> Tensor:
            center, radii = (points.new_tensor(values) for values in (self.center, self.radii))
            return 0.5 * min(self.radii) * (1 - ((points - center) / radii).square().sum(dim=1))

        def smooth(unit: Tensor) -> tuple[Tensor, Tensor]:
            angle = 2 * math.pi * unit[:, 0]
            speed = torch.hypot(self.radii[0] * angle.sin(), self.radii[1] * angle.cos())
            return self._at(angle.cos(), angle.sin()), 2 * math.pi * speed

        chart = Chart(self.name, 1, length, embed, normal, origin=self, tensor=False, level=level)
        return (replace(chart, periodic=(0,), smooth=smooth),)

    def _at(self, x: Tensor, y: Tensor) -> Tensor:
        (cx, cy), (rx, ry) = self.center, self.radii
        return torch.stack([cx + rx * x, cy + ry * y], dim=1)


class Disk(Ellipse):
    """A disk: ``Disk(center=(0, 0), radius=1)``.

    Args:
        center: The disk's center.
        radius: Its radius.
        coordinates: Names of the two coordinates.
    """

    def __init__(self, center: Sequence[float], radius: float, *, coordinates: Sequence[str] = ("x", "y")):
        self.radius = read_radius(radius, f"Disk(radius={radius!r})")
        super().__init__(center, (self.radius, self.radius), coordinates=coordinates)

    def __repr__(self) -> str:
        return f"Disk(center={write_point(self.center)}, radius={self.radius:g})"

    @property
    def name(self) -> str:
        return f"circle around {write_point(self.center)}"


class Ball(Domain):
    """A ball: ``Ball(center=(0, 0, 0), radius=1)``, in as many dimensions as it has coordinates.

    Args:
        center: The ball's center.
        radius: Its radius.
        coordinates: Names of the coordinates, two or more; ``("x", 100)`` stands for x_1 to x_100.

    In many dimensions a number is a center with that for each coordinate: ``Ball(0, 1, coordinates=("x", 100))``.
    """

    def __init__(self, center: float | Sequence[float], radius: float, *, coordinates: Sequence[Any] = ("x", "y", "z")):
        self.coordinates = read_several_names(coordinates, "Ball")
        self.center = read_center(center, self.dimension, f"Ball(center={center!r})")
        self.radius = read_radius(radius, f"Ball(radius={radius!r})")

    def __repr__(self) -> str:
        return f"Ball(center={write_point(self.center)}, radius={self.radius:g})"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return tuple((c - self.radius, c + self.radius) for c in self.center)

    def distance(self, points: Tensor) -> Tensor:
        return self.radius - (points - points.new_tensor(self.center)).norm(dim=-1)

    def interior_charts(self) -> tuple[Chart, ...]:
        def embed(unit: Tensor) -> Tensor:
            return self._at(self.radius * unit[:, :1] ** (1 / self.dimension) * on_sphere(unit[:, 1:]))

        def smooth(unit: Tensor) -> tuple[Tensor, Tensor]:
            part, d = unit[:, :1], self.dimension
            return self._at(self.radius * part * on_sphere(unit[:, 1:])), self._volume * d * part[:, 0] ** (d - 1)

        chart = Chart("interior", self.dimension, self._volume, embed, origin=self, tensor=False)
        return (replace(chart, periodic=(self.dimension - 1,), smooth=smooth),)

    def boundary_charts(self) -> tuple[Chart, ...]:
        def normal(points: Tensor) -> Tensor:
            outward = points - points.new_tensor(self.center)
            return outward / outward.norm(dim=1, keepdim=True)

        def level(points: Tensor) -> Tensor:
            away = (points - points.new_tensor(self.center)).square().sum(dim=1)
            return (self.radius**2 - away) / (2 * self.radius)

        name, area = f"sphere around {write_point(self.center)}", self.dimension * self._volume / self.radius
        embed = lambda unit: self._at(self.radius * on_sphere(unit))  # noqa: E731
        chart = Chart(name, self.dimension - 1, area, embed, normal, origin=self, tensor=False, level=level)
        return (replace(chart, periodic=(self.dimension - 2,)),)

    @property
    def _volume(self) -> float:
        d = self.dimension
        return math.pi ** (d / 2) / math.gamma(d / 2 + 1) * self.radius**d

    def _at(self, offset: Tensor) -> Tensor:
        return offset + offset.new_tensor(self.center)


def on_circle(unit: Tensor) -> Tensor:
    """Points of the unit circle, [n, 2], from points of the unit interval, [n, 1], equal arcs to equal lengths."""
    angle = 2 * math.pi * unit[:, 0]
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def on_sphere(unit: Tensor) -> Tensor:
    """Points of the unit sphere, [n, d], from points of the unit cube, [n, d - 1], equal areas to equal areas.

    The last coordinate of a point drawn on the sphere follows a beta distribution, in space the uniform one
    (Archimedes); the others lie on a sphere of one dimension less.
    """
    if unit.shape[1] == 1:
        return on_circle(unit)
    height = 1 - 2 * _beta_quantile(unit.shape[1] / 2, unit[:, :1])
    around = (1 - height.square()).clamp_min(0).sqrt()
    return torch.cat([around * on_sphere(unit[:, 1:]), height], dim=1)


def _beta_quantile(a: float, unit: Tensor) -> Tensor:
    """Where the distribution function of Beta(a, a) is ``unit``."""
    if a == 1:
        return unit
    from scipy.special import betaincinv  # here, because few need it

    return unit.new_tensor(betaincinv(a, a, unit.cpu().numpy()))


def read_numbers(values: Sequence[float], count: int, call: str) -> tuple[float, ...]:
    """``count`` finite numbers, or a clear refusal."""
    values = values.tolist() if hasattr(values, "tolist") else values  # type: ignore[attr-defined]
    fine = isinstance(values, list | tuple) and len(values) == count
    if not fine or not all(isinstance(v, Real) and math.isfinite(float(v)) for v in values):
        raise refuse(call, expected=f"{count} finite numbers", got=repr(values))
    return tuple(float(value) for value in values)


def read_center(center: float | Sequence[float], count: int, call: str) -> tuple[float, ...]:
    """The coordinates of a point, of which one number stands for all, or a clear refusal."""
    return read_numbers((float(center),) * count if isinstance(center, int | float) else center, count, call)


def read_radius(value: object, call: str) -> float:
    """A positive number, or a clear refusal."""
    if not (isinstance(value, Real) and math.isfinite(float(value)) and float(value) > 0):
        raise refuse(call, expected="a positive radius", got=repr(value))
    return float(value)


def spread_names(names: Any) -> Any:
    """Names of coordinates, where a name with a number stands for as many."""
    pair = isinstance(names, list | tuple) and len(names) == 2 and isinstance(names[1], int)
    return numbered(*names) if pair and isinstance(names[0], str) and names[1] > 0 else names


def read_several_names(coordinates: Any, kind: str) -> tuple[str, ...]:
    """Different names of two or more coordinates, as many as there are, or a clear refusal."""
    names = spread_names(coordinates)
    if not isinstance(names, list | tuple) or len(names) < 2:
        raise refuse(f"{kind}(coordinates={coordinates!r})", expected="at least 2 names", got=repr(coordinates))
    return read_names(names, len(names), kind)


def read_names(names: Sequence[str], count: int, kind: str) -> tuple[str, ...]:
    """Different names of coordinates, or a clear refusal."""
    fine = isinstance(names, list | tuple) and len(names) == count
    if not fine or not all(isinstance(name, str) and name.isidentifier() for name in names) or len(set(names)) < count:
        raise refuse(f"{kind}(coordinates={names!r})", expected=f"{count} different names", got=repr(names))
    return tuple(names)


def write_point(values: Sequence[float]) -> str:
    """A point as users read it."""
    if len(values) > 6 and len(set(values)) == 1:
        return f"({values[0]:g},) * {len(values)}"
    return f"({', '.join(f'{value:g}' for value in values)})"
