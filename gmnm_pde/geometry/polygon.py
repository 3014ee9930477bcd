"""Polygons and triangles."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.geometry.domain import Domain
from gmnm_pde.geometry.region import Chart
from gmnm_pde.geometry.round import read_names, read_numbers, write_point

Point = tuple[float, ...]
"""A point of the plane, (x, y)."""


class Polygon(Domain):
    """A polygon by its corners in order, one way round or the other: ``Polygon([(0, 0), (1, 0), (0, 1)])``.

    Args:
        corners: At least three; the last is joined to the first.
        coordinates: Names of the two coordinates.

    Raises:
        GmnmError: fewer than three corners, edges that cross or touch, or no area.
    """

    def __init__(self, corners: Sequence[Sequence[float]], *, coordinates: Sequence[str] = ("x", "y")):
        self.coordinates = read_names(coordinates, 2, "Polygon")
        given: Any = corners
        listed = given.tolist() if hasattr(given, "tolist") else given
        if not isinstance(listed, list | tuple) or len(listed) < 3:
            raise refuse("Polygon(corners)", expected="at least three corners (x, y)", got=repr(corners))
        points = [read_numbers(corner, 2, f"Polygon: corner {k}") for k, corner in enumerate(listed)]
        if points[0] == points[-1]:
            points = points[:-1]
        _check_simple(points)
        area = _area(points)
        self.corners: tuple[Point, ...] = tuple(points if area > 0 else reversed(points))
        self.area = abs(area)

    def __repr__(self) -> str:
        return f"Polygon([{', '.join(f'({x:g}, {y:g})' for x, y in self.corners)}])"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return tuple((min(values), max(values)) for values in zip(*self.corners, strict=True))

    def distance(self, points: Tensor) -> Tensor:
        start = points.new_tensor(self.corners)
        along = start.roll(-1, 0) - start
        offset = points[:, None] - start
        part = ((offset * along).sum(-1) / along.square().sum(-1)).clamp(0, 1)
        gap = (offset - part[..., None] * along).norm(dim=-1).amin(dim=1)
        crosses = (start[:, 1] > points[:, 1, None]) != (start.roll(-1, 0)[:, 1] > points[:, 1, None])
        slope = torch.where(along[:, 1] == 0, torch.ones_like(along[:, 1]), along[:, 1])
        at = start[:, 0] + (points[:, 1, None] - start[:, 1]) / slope * along[:, 0]
        inside = (crosses & (points[:, :1] < at)).sum(dim=1) % 2 == 1
        return torch.where(inside, gap, -gap)

    def vertices(self) -> tuple[tuple[float, ...], ...]:
        return self.corners

    def interior_charts(self) -> tuple[Chart, ...]:
        return tuple(self._triangle(*corners) for corners in _triangles(self.corners))

    def _triangle(self, a: Point, b: Point, c: Point) -> Chart:
        """The chart of one of the triangles that the polygon is cut into."""

        def embed(unit: Tensor) -> Tensor:
            root = unit[:, :1].sqrt()
            corner_a, corner_b, corner_c = (unit.new_tensor(corner) for corner in (a, b, c))
            return corner_a + root * (corner_b - corner_a) + root * unit[:, 1:] * (corner_c - corner_b)

        def smooth(unit: Tensor) -> tuple[Tensor, Tensor]:
            part = unit[:, :1]
            return embed(torch.cat([part.square(), unit[:, 1:]], dim=1)), 2 * area * part[:, 0]

        area = abs(_area((a, b, c)))
        return Chart("interior", 2, area, embed, origin=self, tensor=False, smooth=smooth)

    def boundary_charts(self) -> tuple[Chart, ...]:
        ends = zip(self.corners, (*self.corners[1:], self.corners[0]), strict=True)
        return tuple(self._edge(a, b) for a, b in ends)

    def edge(self, number: int) -> Any:
        """The region of one edge: number k joins corner k to the next, counterclockwise (see ``corners``)."""
        if not isinstance(number, int) or not 0 <= number < len(self.corners):
            expected = f"the number of an edge, 0 to {len(self.corners) - 1}"
            raise refuse(f"{self}.edge({number!r})", expected=expected, got=repr(number))
        chart = self.boundary_charts()[number]
        return self._region((chart,), chart.name)

    def face_chart(self, coordinate: str, value: float) -> Chart | None:
        axis = self.coordinates.index(coordinate)
        if value not in self.bounds[axis]:
            return None
        ends = list(zip(self.corners, (*self.corners[1:], self.corners[0]), strict=True))
        flat = [k for k, (a, b) in enumerate(ends) if a[axis] == b[axis] == value]
        return self.boundary_charts()[flat[0]] if len(flat) == 1 else None

    def _edge(self, a: Point, b: Point) -> Chart:
        """The chart of the edge between two corners."""
        length = math.dist(a, b)

        def embed(unit: Tensor) -> Tensor:
            start, end = unit.new_tensor(a), unit.new_tensor(b)
            return start + unit * (end - start)

        def normal(points: Tensor) -> Tensor:
            outward = points.new_tensor([(b[1] - a[1]) / length, (a[0] - b[0]) / length])
            return outward.expand_as(points)

        def level(points: Tensor) -> Tensor:
            x, y = points.unbind(1)
            return ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / length

        name = f"edge from ({a[0]:g}, {a[1]:g}) to ({b[0]:g}, {b[1]:g})"
        return Chart(name, 1, length, embed, normal, origin=self, level=level)


class Triangle(Polygon):
    """A triangle by its corners, either way round: ``Triangle((0, 0), (1, 0), (0, 1))``.

    Args:
        first: Corner (x, y).
        second: Corner (x, y).
        third: Corner (x, y).
        coordinates: Names of the two coordinates.

    Raises:
        GmnmError: the corners lie on one line.
    """

    def __init__(
        self,
        first: Sequence[float],
        second: Sequence[float],
        third: Sequence[float],
        *,
        coordinates: Sequence[str] = ("x", "y"),
    ):
        call = f"Triangle({first!r}, {second!r}, {third!r})"
        corners = [read_numbers(corner, 2, call) for corner in (first, second, third)]
        extent = max(math.dist(a, b) for a in corners for b in corners)
        if abs(_area(corners)) <= 1e-14 * extent**2:
            raise refuse(call, expected="three corners that are not on one line", got="a triangle without area")
        super().__init__(corners, coordinates=read_names(coordinates, 2, "Triangle"))

    def __repr__(self) -> str:
        return f"Triangle({', '.join(write_point(corner) for corner in self.corners)})"


def _area(corners: Sequence[Point]) -> float:
    """The area with a sign: positive where the corners run counterclockwise."""
    ends = zip(corners, (*corners[1:], corners[0]), strict=True)
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in ends) / 2


def _turn(a: Point, b: Point, c: Point) -> float:
    """Twice the signed area of a triangle: positive where one turns left at ``b``, zero where one goes straight on."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _check_simple(corners: Sequence[Point]) -> None:
    """Refuse corners whose edges cross, touch or enclose no area."""
    count = len(corners)
    if count < 3 or len(set(corners)) < count:
        got = "a corner twice" if count >= 3 else f"{count}"
        raise refuse("Polygon(corners)", expected="at least three different corners", got=got)
    edges = [(corners[k], corners[(k + 1) % count]) for k in range(count)]
    for i in range(count):
        for j in range(i + 1, count):
            neighbours = j == i + 1 or (i == 0 and j == count - 1)
            if _meet(*edges[i], *edges[j]) if not neighbours else _fold(edges[i], edges[j]):
                raise refuse(
                    "Polygon(corners)",
                    expected="edges that do not cross or touch",
                    got=f"edges {i} and {j} that do: {edges[i]} and {edges[j]}",
                    remedy="Put the corners in order around the polygon.",
                )
    extent = max(math.dist(a, b) for a, b in edges)
    if abs(_area(corners)) < 1e-14 * extent**2:
        raise refuse("Polygon(corners)", expected="an area", got="corners on one line")


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two closed segments have a point in common."""
    turns = (_turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b))
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    pairs = ((turns[0], a, b, c), (turns[1], a, b, d), (turns[2], c, d, a), (turns[3], c, d, b))
    return any(turn == 0 and _between(p, q, r) for turn, p, q, r in pairs)


def _between(p: Point, q: Point, r: Point) -> bool:
    """Whether ``r``, on the line through ``p`` and ``q``, lies between them."""
    return all(min(p[k], q[k]) <= r[k] <= max(p[k], q[k]) for k in (0, 1))


def _fold(first: tuple[Point, Point], second: tuple[Point, Point]) -> bool:
    """Whether two neighbouring edges lie on each other."""
    a, b = first
    c, d = second
    shared = b if b in (c, d) else a
    p, q = (a if shared == b else b), (d if shared == c else c)
    if _turn(shared, p, q) != 0:
        return False
    return sum((p[k] - shared[k]) * (q[k] - shared[k]) for k in (0, 1)) > 0


def _triangles(corners: Sequence[Point]) -> list[tuple[Point, Point, Point]]:
    """A triangulation by cutting off ears, of a simple polygon whose corners run counterclockwise."""
    left, ears = list(corners), []
    while len(left) > 3:
        for k in range(len(left)):
            a, b, c = left[k - 1], left[k], left[(k + 1) % len(left)]
            if _turn(a, b, c) <= 0:
                continue
            if any(_in_triangle(p, a, b, c) for p in left if p not in (a, b, c)):
                continue
            ears.append((a, b, c))
            del left[k]
            break
        else:  # corners on one line are all that is left to cut
            flat = next(k for k in range(len(left)) if _turn(left[k - 1], left[k], left[(k + 1) % len(left)]) == 0)
            del left[flat]
    return [*ears, (left[0], left[1], left[2])]


def _in_triangle(p: Point, a: Point, b: Point, c: Point) -> bool:
    """Whether ``p`` lies in a triangle whose corners run counterclockwise."""
    return _turn(a, b, p) >= 0 and _turn(b, c, p) >= 0 and _turn(c, a, p) >= 0
