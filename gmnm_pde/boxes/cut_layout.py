"""What layouts offer some of whose boxes are only partly inside the domain, in the plane and in space."""

from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.layout import Layout
from gmnm_pde.geometry.region import Chart, Region


class CutLayout(Layout):
    """A layout of which some boxes are only partly inside the domain; these have no outer faces."""

    @property
    @abstractmethod
    def cut(self) -> tuple[int, ...]:
        """The numbers of these boxes, rising."""

    @abstractmethod
    def samples(self, count: int) -> list[tuple[Tensor, Tensor]]:
        """By box that is cut, points [m, d] inside, and weights [m] that sum to the part of the box that is inside.

        There are about as many as ``count`` along each side of the box ask for.
        """

    @abstractmethod
    def nodes(self, count: int, *, fresh: bool = False) -> list[tuple[Tensor, Tensor]]:
        """The same for equations: no thin tip of a part is without points; fresh ones are others in space."""

    @abstractmethod
    def on_boundary(
        self, region: Region, chart: Chart, count: int, *, fresh: bool = False
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Points of a chart of a region in boxes that are cut, box by box, with weights of their shares of its side."""

    @cached_property
    def whole(self) -> Tensor:
        """The numbers of the boxes that are not cut."""
        cut = set(self.cut)
        return torch.tensor([k for k in range(len(self)) if k not in cut], dtype=torch.long)

    @cached_property
    def shares(self) -> Tensor:
        """The part of the volume that each box has, about, [boxes]."""
        return self.volumes / self.volumes.sum()

    @cached_property
    def volumes(self) -> Tensor:
        """The volumes of the boxes, about, up to a factor, [boxes]."""
        volumes = self.halves.prod(dim=1)
        if not self.cut:
            return volumes
        for number, (_, weights) in zip(self.cut, self.samples(_LINES), strict=True):
            volumes[number] *= weights.sum()
        return volumes


_LINES = 8
"""Lines through a box for its area."""
