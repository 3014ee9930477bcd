"""Intervals, rectangles, boxes of any dimension, and time."""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.binding import numbered, vectors_of
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.region import Chart, read_points
from gmnm_pde.geometry.unnamed import by_name


class Box(Domain):
    """A product of intervals with named coordinates: ``Box(x=(0, 1), y=(0, 2), z=(-1, 1))``.

    Without names coordinates are x, y, z, in that order, and t of ``Time(0, 1)``; ``Box((0, 0, 0), (1, 2, 3))`` has
    these corners. ``Box(x=[(0, 1)] * 100)`` has the coordinates x_1 to x_100, which functions ask for as one vector x.

    Raises:
        GmnmError: an interval is empty, inverted or not finite.
    """

    def __init__(self, *unnamed: Any, **intervals: tuple[float, float]):
        kind = type(self).__name__
        if unnamed:
            intervals = by_name(kind, unnamed, intervals)
        intervals = _spread(intervals)
        if not intervals:
            raise refuse(f"{kind}()", expected="at least one interval, as in x=(0, 1)", got="none")
        self.coordinates = tuple(intervals)
        self._bounds = tuple(_interval(kind, name, ends) for name, ends in intervals.items())

    def __repr__(self) -> str:
        ends = {name: f"({low:g}, {high:g})" for name, (low, high) in zip(self.coordinates, self._bounds, strict=True)}
        for vector, names in vectors_of(self.coordinates).items():
            if len({ends[name] for name in names}) == 1:  # else each is shown
                shown = f"[{ends[names[0]]}] * {len(names)}"
                ends = {
                    vector if name == names[0] else name: shown if name == names[0] else pair
                    for name, pair in ends.items()
                    if name not in names[1:]
                }
        return f"{type(self).__name__}({', '.join(f'{name}={pair}' for name, pair in ends.items())})"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return self._bounds

    @property
    def kind(self) -> type:
        return Box  # an interval of time has ``time`` among its attributes

    def contains(self, points: Tensor) -> Tensor:
        points = read_points(points, self.dimension, f"{self}.contains(...)")
        box = torch.tensor(self._bounds, dtype=points.dtype, device=points.device)
        return ((points >= box[:, 0]) & (points <= box[:, 1])).all(-1)

    def nearly_contains(self, points: Tensor, slack: float) -> Tensor:
        box = torch.tensor(self._bounds, dtype=points.dtype, device=points.device)
        room = slack * (box[:, 1] - box[:, 0])
        return ((points >= box[:, 0] - room) & (points <= box[:, 1] + room)).all(-1)

    def distance(self, points: Tensor) -> Tensor:
        box = torch.tensor(self._bounds, dtype=points.dtype, device=points.device)
        inward = torch.minimum(points - box[:, 0], box[:, 1] - points)
        outside = inward.clamp_max(0).norm(dim=-1)
        return torch.where(outside > 0, -outside, inward.amin(dim=-1))

    def interior_charts(self) -> tuple[Chart, ...]:
        measure = math.prod(high - low for low, high in self._bounds)
        return (Chart("interior", self.dimension, measure, lambda unit: self._stretch(unit), origin=self),)

    def boundary_charts(self) -> tuple[Chart, ...]:
        return tuple(self._face(axis, end) for axis in range(self.dimension) for end in (0, 1))

    def vertices(self) -> tuple[tuple[float, ...], ...]:
        return tuple(product(*self._bounds)) if self.dimension == 2 else ()

    def face_chart(self, coordinate: str, value: float) -> Chart | None:
        axis = self.coordinates.index(coordinate)
        low, high = self._bounds[axis]
        for end, bound in enumerate((low, high)):
            if math.isclose(value, bound, rel_tol=1e-12, abs_tol=1e-12 * (high - low)):
                return self._face(axis, end)
        return None

    def _stretch(self, unit: Tensor) -> Tensor:
        """Points of the box from points of the unit cube."""
        box = torch.tensor(self._bounds, dtype=unit.dtype, device=unit.device)
        return box[:, 0] + unit * (box[:, 1] - box[:, 0])

    def _face(self, axis: int, end: int) -> Chart:
        """The face at the low end, 0, or the high end, 1, of a coordinate by its number."""
        others = [k for k in range(self.dimension) if k != axis]
        value = self._bounds[axis][end]

        def embed(unit: Tensor) -> Tensor:
            cube = unit.new_empty(len(unit), self.dimension)
            cube[:, others] = unit
            points = self._stretch(cube)
            points[:, axis] = value
            return points

        def normal(points: Tensor) -> Tensor:
            normals = torch.zeros_like(points)
            normals[:, axis] = 1.0 if end else -1.0
            return normals

        def level(points: Tensor) -> Tensor:
            return value - points[:, axis] if end else points[:, axis] - value

        measure = math.prod(self._bounds[k][1] - self._bounds[k][0] for k in others)
        name, flat = f"{self.coordinates[axis]}={value:g}", (axis, value)
        return Chart(name, self.dimension - 1, measure, embed, normal, origin=self, level=level, flat=flat)


class Interval(Box):
    """A one-dimensional domain: ``Interval(x=(0, 1))``."""

    def __init__(self, *unnamed: Any, **interval: tuple[float, float]):
        super().__init__(*unnamed, **interval)
        _require_count("Interval", self.coordinates, 1)


class Rectangle(Box):
    """A two-dimensional domain: ``Rectangle(x=(-1, 1), y=(0, 2))``."""

    def __init__(self, *unnamed: Any, **intervals: tuple[float, float]):
        super().__init__(*unnamed, **intervals)
        _require_count("Rectangle", self.coordinates, 2)


class Time(Box):
    """An interval of time: ``space * Time(t=(0, 1))``, or alone for ordinary differential equations."""

    def __init__(self, *unnamed: Any, **interval: tuple[float, float]):
        super().__init__(*unnamed, **interval)
        _require_count("Time", self.coordinates, 1)
        self.time = self.coordinates

    def during(self, start: float, end: float) -> Domain:
        return Time(**{self.coordinates[0]: (start, end)})

    def boundary_charts(self) -> tuple[Chart, ...]:
        return ()

    def initial_charts(self) -> tuple[Chart, ...]:
        return (self._face(0, 0),)


def _spread(intervals: Mapping[str, Any]) -> dict[str, Any]:
    """The intervals by name, where a list of intervals is those of the components of a vector."""
    spread: dict[str, Any] = {}
    for name, ends in intervals.items():
        several = isinstance(ends, list | tuple) and ends and all(isinstance(one, list | tuple) for one in ends)
        spread.update(zip(numbered(name, len(ends)), ends, strict=True) if several else [(name, ends)])
    return spread


def _interval(kind: str, name: str, ends: tuple[float, float]) -> tuple[float, float]:
    """The ends of an interval as floats, or a clear refusal."""
    call = f"{kind}({name}={ends})"
    ends = ends.tolist() if hasattr(ends, "tolist") else ends  # type: ignore[attr-defined]
    pair = isinstance(ends, tuple | list) and len(ends) == 2 and all(isinstance(end, Real) for end in ends)
    if not pair:
        raise refuse(call, expected=f"a pair of numbers {name}=(low, high)", got=repr(ends))
    low, high = float(ends[0]), float(ends[1])
    if not (math.isfinite(low) and math.isfinite(high)):
        raise refuse(call, expected="finite bounds", got=f"({low:g}, {high:g})")
    if not low < high:
        remedy = f"Swap them: {name}=({high:g}, {low:g})." if low > high else "The interval is empty: widen it."
        raise refuse(call, expected="low < high", got=f"({low:g}, {high:g})", remedy=remedy)
    return low, high


def _require_count(kind: str, intervals: Sequence[str], count: int) -> None:
    """Refuse another number of intervals than the kind of box has."""
    if len(intervals) != count:
        remedy = (
            "Box(...) takes any number." if kind != "Time" else "Space is multiplied on: Interval(...) * Time(...)."
        )
        raise refuse(f"{kind}(...)", expected=f"{count} interval(s)", got=f"{len(intervals)}", remedy=remedy)
