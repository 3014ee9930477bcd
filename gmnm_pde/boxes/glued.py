"""Boxes on a domain that is periodic: the last one along a coordinate meets the first one at a face."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from gmnm_pde.boxes.layout import NOWHERE, Face, Layout


@dataclass(frozen=True)
class Glued(Layout):
    """Boxes whose outer faces at both ends of some coordinates are the same ones.

    They are placed at the lower end. There are two boxes at least along such a coordinate, and faces match.

    Attributes:
        periodic: These coordinates.
    """

    periodic: tuple[int, ...] = ()

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        """All faces, each once."""
        own = super().faces
        last = {self._place(face): face.below for face in own if face.axis in self.periodic and face.above == NOWHERE}
        found = []
        for face in own:
            if face.axis not in self.periodic or not face.outer:
                found.append(face)
            elif face.below == NOWHERE:
                found.append(replace(face, below=last[self._place(face)]))
        return tuple(found)

    @staticmethod
    def _place(face: Face) -> tuple[int, tuple[tuple[float, float], ...]]:
        return face.axis, face.span

    def points_of(self, face: Face, box: int, unit: Tensor) -> Tensor:
        """Points of a face, [m, d], from points of [-1, 1]^(d - 1), where a box beside it has them."""
        points = face.points(unit)
        if face.axis in self.periodic and box == face.below:
            points[:, face.axis] = self.ends[box, face.axis, 1]
        return points


def glued(layout: Layout, periodic: Sequence[int]) -> Layout:
    """The boxes of a domain that is periodic along some coordinates."""
    return Glued(layout.boxes, tuple(periodic)) if periodic else layout
