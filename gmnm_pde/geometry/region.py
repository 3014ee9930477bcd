"""Regions: unions of smooth patches, each the image of a unit cube."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.binding import bind


def unknown_normal(points: Tensor) -> Tensor:
    """The ``normal`` of a boundary that is given by points alone: sampling hands out none."""
    return torch.full_like(points, torch.nan)


@dataclass(frozen=True)
class Patch:
    """A smooth piece of a domain or of its boundary.

    ``embed`` maps points of the unit cube, [n, dimension], to points of space, [n, d], such that equal volumes of the
    cube get equal measure; ``normal`` maps points, [n, d], to outward unit normals, [n, d]. ``keep``, where given,
    tells which points belong to the patch, a mask [n]: a part ``kept`` of the image, which ``measure`` accounts for.
    ``origin`` is the shape that the patch comes from, whatever that has become a part of. ``tensor`` says whether grids
    on the cube are good points on the patch. ``given`` holds the points, [m, d], of a patch that is a finite set; its
    measure is their number. ``level``, of a boundary that has one, is a smooth function of points [n, d], about a
    distance: zero on the patch's surface, which it may continue, and positive on the inner side. ``flat`` is the number
    and the value of the coordinate that a face of a box holds fixed.
    """

    name: str
    dimension: int
    measure: float
    embed: Callable[[Tensor], Tensor]
    normal: Callable[[Tensor], Tensor] | None = None
    keep: Callable[[Tensor], Tensor] | None = None
    kept: float = 1.0
    origin: object | None = None
    tensor: bool = True
    given: Tensor | None = field(default=None, repr=False)
    level: Callable[[Tensor], Tensor] | None = None
    flat: tuple[int, float] | None = None

    def same(self, other: "Patch") -> bool:
        """Whether both are one piece of one shape, perhaps cut, turned or multiplied by time since."""
        return self.origin is not None and self.origin is other.origin and self.name == other.name


@dataclass(frozen=True)
class Region:
    """A union of patches, perhaps narrowed by predicates on the coordinates."""

    coordinates: tuple[str, ...]
    patches: tuple[Patch, ...]
    predicates: tuple[Callable[..., Any], ...] = ()
    name: str = "region"
    time: tuple[str, ...] = ()

    @property
    def measure(self) -> float:
        """The measure of the patches; predicates are not accounted for."""
        return sum(patch.measure for patch in self.patches)

    def where(self, predicate: Callable[..., Any]) -> "Region":
        """The part on which ``predicate`` is true; its arguments are coordinates, bound by name."""
        bind(predicate, self.coordinates, call=f"{self.name}.where")
        return replace(self, predicates=(*self.predicates, predicate), name=f"{self.name}.where(...)")

    def __or__(self, other: "Region") -> "Region":
        if self.predicates or other.predicates:
            raise refuse(
                f"{self.name} | {other.name}",
                expected="two regions without where(...)",
                got="one with it",
                remedy="State one condition for each, or put | before where.",
            )
        return replace(self, patches=self.patches + other.patches, name=f"{self.name} | {other.name}")

    def keep(self, points: Tensor) -> Tensor:
        """Which points, [n, d], satisfy every predicate: a mask, [n]."""
        mask = torch.ones(len(points), dtype=torch.bool, device=points.device)
        columns = dict(zip(self.coordinates, points.unbind(-1), strict=True))
        for predicate in self.predicates:
            chosen = torch.as_tensor(bind(predicate, self.coordinates, call=f"{self.name}")(columns))
            mask &= chosen.to(torch.bool).expand(len(points))
        return mask


@dataclass(frozen=True)
class GivenPoints:
    """A region that is a finite set of points, [n, d], as sensors are."""

    coordinates: tuple[str, ...]
    points: Tensor = field(repr=False)
    name: str = "points"
    time: tuple[str, ...] = ()
