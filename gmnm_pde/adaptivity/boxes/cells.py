"""Boxes of several sizes with polynomials of some degree, and how long a solution on them takes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.foresight import Level, seconds_of
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.materials.layout import Joined
from gmnm_pde.models import Partition


@dataclass(frozen=True)
class Cells:
    """Boxes of [-1, 1]^d of several sizes, and the degree of their polynomials."""

    boxes: Partition
    degree: int

    def like(self) -> Level:
        """About as many equal boxes."""
        d = self.boxes.dimension
        along = max(1, round(len(self.boxes) ** (1 / d)))
        return Level((*(along,) * (d - 1), math.ceil(len(self.boxes) / along ** (d - 1))), self.degree)

    def seconds(self, across: tuple[int, ...], layout: Layout | None = None, *, shared: bool = False) -> float:
        """How long a solution takes; boxes that are cut grow in number as the surfaces of all do.

        Args:
            across: How many traces each field has.
            layout: What is known of some such boxes, these or others.
            shared: Whether all boxes share one factorisation.
        """
        if not isinstance(layout, CutLayout):
            return seconds_of(self.like(), shared=shared, across=across)
        d = self.boxes.dimension
        cells = max(layout.places, default=0) + 1 if isinstance(layout, Joined) else len(layout)
        grown = (len(self.boxes) / cells) ** ((d - 1) / d)
        joint = _joint(layout.groups) * grown if isinstance(layout, Joined) else 0.0
        return seconds_of(self.like(), shared=shared, across=across, cut=len(layout.cut) * grown, joint=joint)


def _joint(groups: Sequence[Sequence[int]]) -> float:
    """As many more boxes as those take that are solved together, with unknowns of all."""
    return sum(len(group) ** 3 - 1.0 for group in groups)
