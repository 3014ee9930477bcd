"""Regions: parts of a domain or of its boundary, made of pieces that are each parametrised by a chart."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gmnm_pde._doors import front_door
from gmnm_pde._errors import refuse
from gmnm_pde.binding import bind

if TYPE_CHECKING:
    from gmnm_pde.geometry.sampled import Cloud


def read_points(points: Any, dimension: int, call: str) -> Tensor:
    """Points [n, d] as a tensor, or a clear refusal."""
    try:
        read = points if isinstance(points, Tensor) else torch.as_tensor(points, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise refuse(call, expected=f"points, [n, {dimension}]", got=repr(points)) from None
    if read.device.type == "meta":
        raise refuse(call, expected="points with numbers", got="some on the device 'meta', which has none")
    if not read.ndim or read.shape[-1] != dimension:
        raise refuse(call, expected=f"points, [n, {dimension}]", got=f"shape {tuple(read.shape)}")
    return read


def alike(first: Any, second: Any) -> bool:
    """Whether two shapes, or values that make them, are the same numbers; what is made of functions is only itself."""
    if first is second:
        return True
    if isinstance(first, Shape):
        return isinstance(second, Shape) and first.kind is second.kind and alike(vars(first), vars(second))
    if isinstance(first, Tensor):
        return isinstance(second, Tensor) and torch.equal(first, second)
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(alike(first[key], second[key]) for key in first)
    if isinstance(first, tuple | list):
        return len(first) == len(second) and all(map(alike, first, second))
    return isinstance(first, str | float | int) and first == second


class Shape:
    """What charts come from, which may be made a second time."""

    @property
    def kind(self) -> type:
        """Shapes of one kind that have the same numbers are the same."""
        return type(self)


def unknown_normal(points: Tensor) -> Tensor:
    """The ``normal`` of a boundary that is given by points alone: sampling hands out none."""
    return torch.full_like(points, torch.nan)


@dataclass(frozen=True)
class Chart:
    """A smooth piece of a domain or of its boundary, as the image of a unit cube."""

    name: str
    dimension: int
    """The dimension of the unit cube, and so of the piece."""
    measure: float
    """The length, area or volume of the piece; of a finite set the number of its points."""
    embed: Callable[[Tensor], Tensor]
    """From points of the unit cube, [n, dimension], to points of space, [n, d]; equal volumes get equal measure."""
    normal: Callable[[Tensor], Tensor] | None = None
    """From points, [n, d], to outward unit normals, [n, d]; None inside a domain."""
    keep: Callable[[Tensor], Tensor] | None = None
    """Which points of the image belong to the piece, a mask [n]; None where all do."""
    kept: float = 1.0
    """The fraction of the image that belongs to the piece."""
    origin: object | None = None
    """The shape that the piece comes from, whatever that has become a part of."""
    tensor: bool = True
    """Whether grids on the cube are good points on the piece."""
    given: Tensor | None = field(default=None, repr=False)
    """The points, [m, d], of a piece that is a finite set."""
    level: Callable[[Tensor], Tensor] | None = None
    """A smooth function of points [n, d], about a distance: zero on the piece's surface, positive on the inner side."""
    flat: tuple[int, float] | None = None
    """On a face of a box: the number of the coordinate that is fixed there, and its value."""
    margin: Callable[[Tensor], Tensor] | None = None
    """About how far points [n, d] are from where ``keep`` changes, positive where they are kept."""
    uncut: tuple[int, ...] = ()
    """Axes of the unit cube along which ``keep`` does not change."""
    periodic: tuple[int, ...] = ()
    """Axes of the unit cube along which the piece closes on itself."""
    smooth: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
    """A smooth map from the cube, to points and its volume element [n], where ``embed`` is not smooth."""
    nodes: Callable[[int], tuple[Tensor, Tensor]] | None = None
    """Points and weights of a rule for integrals, of a piece made of many; about so many points along each side."""

    def mapped(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        """Points of the piece and the volume element there, [n], from points of the unit cube."""
        return (self.embed(unit), unit.new_full((len(unit),), self.whole)) if self.smooth is None else self.smooth(unit)

    @property
    def whole(self) -> float:
        """The measure of the image, cut or not."""
        return self.measure / self.kept

    def same(self, other: "Chart") -> bool:
        """Whether both are one piece of one shape, perhaps cut, turned or multiplied by time since.

        A shape that was made a second time with the same numbers is the same one.
        """
        if self.origin is None or other.origin is None or self.name != other.name:
            return False
        return self.origin is other.origin or alike(self.origin, other.origin)


@dataclass(frozen=True)
class Region:
    """The union of the pieces that its charts parametrise, perhaps narrowed by predicates on the coordinates."""

    coordinates: tuple[str, ...]
    charts: tuple[Chart, ...]
    predicates: tuple[Callable[..., Any], ...] = ()
    name: str = "region"
    time: tuple[str, ...] = ()

    @property
    def measure(self) -> float:
        """The length, area or volume of the pieces; predicates are not accounted for."""
        return sum(chart.measure for chart in self.charts)

    def is_at(self, axis: int, value: float) -> bool:
        """Whether all of its pieces lie in the plane in which a coordinate has some value."""
        return bool(self.charts) and all(chart.flat == (axis, value) for chart in self.charts)

    def where(self, predicate: Callable[..., Any]) -> "Region":
        """The part on which ``predicate`` is true; its arguments are coordinates, bound by name."""
        bind(predicate, self.coordinates, call=f"{self.name}.where")
        return replace(self, predicates=(*self.predicates, predicate), name=f"{self.name}.where(...)")

    @front_door
    def sample(self, n: int, rule: str = "sobol", *, seed: int = 0) -> "Cloud":
        """About ``n`` points with weights, and on boundaries outward normals: ``points``, ``normals``, ``weights``.

        ``(f(points) * weights).sum()`` is about the integral of f; ``solution.integral`` has it to many digits.

        Raises:
            GmnmError: the rule is none of ``"sobol"``, ``"latin"`` and ``"random"``, or ``where`` leaves no point.
        """
        from gmnm_pde.geometry.sampled import EQUAL, sample  # here: samples are of regions

        if rule not in EQUAL:
            expected = f"a rule whose points weigh the same: {', '.join(EQUAL)}"
            raise refuse(f"{self.name}.sample(...)", expected=expected, got=repr(rule))
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            raise refuse(f"{self.name}.sample({n!r})", expected="a positive whole number of points", got=repr(n))
        return sample(self, n, rule, seed=seed)

    def __or__(self, other: "Region") -> "Region":
        if self.predicates or other.predicates:
            raise refuse(
                f"{self.name} | {other.name}",
                expected="two regions without where(...)",
                got="one with it",
                remedy="State one condition for each, or put | before where.",
            )
        return replace(self, charts=self.charts + other.charts, name=f"{self.name} | {other.name}")

    def keep(self, points: Tensor) -> Tensor:
        """Which points, [n, d], satisfy every predicate: a mask, [n]."""
        mask = torch.ones(len(points), dtype=torch.bool, device=points.device)
        columns = dict(zip(self.coordinates, points.unbind(-1), strict=True))
        for predicate in self.predicates:
            chosen = torch.as_tensor(bind(predicate, self.coordinates, call=f"{self.name}")(columns))
            mask &= chosen.to(torch.bool).expand(len(points))
        return mask

    def keep_on(self, chart: Chart, points: Tensor) -> Tensor:
        """The same of points on one of its charts, which may be cut itself."""
        there = self.keep(points)
        return there if chart.keep is None else there & chart.keep(points)


@dataclass(frozen=True, eq=False)
class GivenPoints:
    """A region that is a finite set of points, [n, d], as sensors are."""

    coordinates: tuple[str, ...]
    points: Tensor = field(repr=False)
    name: str = "points"
    time: tuple[str, ...] = ()
