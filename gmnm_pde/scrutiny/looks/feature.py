"""What a close look at a problem's data finds: places that ordinary points may miss."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

_WIDTHS, _BESIDE = 6.0, 1e-4
"""Points are near a feature within so many of its widths and such a part of the domain."""

Kind = Literal["narrow", "kink", "jump"]


@dataclass(frozen=True, eq=False)
class Feature:
    """A place where something given changes within much less than the size of the domain.

    Attributes:
        kind: ``narrow``: it changes over ``width``; ``kink``: its slope jumps; ``jump``: itself does.
        of: What changes, in words, such as ``the source of 'equation'``.
        term: The name of the residual that it belongs to; empty for the domain's shape.
        at: Points of it, [k, d]; one for a peak, many along a curve or surface.
        width: The distance over which it changes, in the units of the coordinate that it was found along.
        relative: The same as a part of the domain's extent along that coordinate; 0 for jumps and kinks.
        size: By how much it changes.
        plane: Where it lies on a plane on which one coordinate is fixed: the number of that coordinate, and its value.
        hidden: Whether no derivative sees it: it jumps, and is differentiated itself, as the k of ``div(k grad u)``.
        tail: Whether it belongs to a pole beside it, as that of 1/x: it is as narrow as it is near.
    """

    kind: Kind
    of: str
    term: str
    at: Tensor
    width: float
    relative: float
    size: float
    plane: tuple[int, float] | None = None
    hidden: bool = False
    tail: bool = False

    def within(self, axis: int, low: float, high: float) -> "Feature | None":
        """The part of it between two values of a coordinate; None if nothing of it is there."""
        inside = (self.at[:, axis] >= low) & (self.at[:, axis] <= high)
        return replace(self, at=self.at[inside]) if bool(inside.any()) else None

    def is_near(self, points: Tensor, extent: Tensor) -> Tensor:
        """Which of some points, [n, d], are within a few of its widths, in a domain of some extent, [d]."""
        axes = list(range(len(extent))) if self.plane is None else [self.plane[0]]
        apart = torch.cdist((points / extent)[:, axes], (self.at / extent)[:, axes]).amin(dim=1)
        return apart <= _WIDTHS * self.relative + _BESIDE

    def described(self, coordinates: tuple[str, ...]) -> str:
        """It in words, with its place."""
        if self.plane is not None:
            place = f"at {coordinates[self.plane[0]]} = {self.plane[1]:.6g}"
        else:
            near = self.at[0].tolist()
            place = "near " + ", ".join(f"{n} = {c:.3g}" for n, c in zip(coordinates, near, strict=True))
        what = {"narrow": f"has a feature of width {self.width:.1g}", "kink": "has a kink", "jump": "jumps"}[self.kind]
        return f"{self.of} {what} {place}"


def plain(value: float, extent: float) -> float:
    """A place that was found by bisection, as the short number that it is to rounding."""
    short = float(f"{value:.10g}")
    return short if abs(short - value) <= 4e-15 * (abs(value) + extent) else value
