"""Boxes that tile a box, or a part of one, each with a smooth window; all windows together make 1 everywhere."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.models.composite.windows import Window, axis_window, quotient
from gmnm_pde.multiindex import Alpha, below

Box = tuple[tuple[float, float], ...]

MARGIN = 0.2
"""How far a window reaches over a face, in parts of the thinnest box at that face. On Poisson's equation with four
waves and 25 patches 0.15 to 0.35 did alike, a half lost a digit."""

_SAME = 1e-12
"""Faces nearer to each other than this part of the domain's side are one face."""

_ROUNDING = 1e-9
"""Shares of a face, and margins relative to the largest side, that differ by no more are equal."""


@dataclass(frozen=True)
class Partition:
    """Boxes that do not overlap, with a partition of unity: a window for each, 1 in its middle and 0 a little outside.

    A window is a product of smooth steps across the box's faces, divided by the sum of all of them where these do not
    make 1 already (they do on grids).

    Args:
        boxes: (low, high) for each coordinate, for each box. On the outside of them all a window has no end.
        margin: How far a window reaches over a face, in parts of the thinnest box at that face; at most a half.
        smoothness: How many continuous derivatives the windows have.
    """

    boxes: tuple[Box, ...]
    margin: float = MARGIN
    smoothness: int = 4

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", tuple(tuple((float(a), float(b)) for a, b in box) for box in self.boxes))
        call = f"Partition(of {len(self.boxes)} boxes, margin={self.margin}, smoothness={self.smoothness})"
        if not self.boxes or any(b <= a for box in self.boxes for a, b in box):
            raise refuse(call, expected="boxes with low < high in every coordinate", got=f"{self.boxes[:3]}...")
        if not 0 < self.margin <= 0.5:
            raise refuse(call, expected="a margin above 0 and at most a half", got=self.margin)
        if not isinstance(self.smoothness, int) or self.smoothness < 1:
            raise refuse(call, expected="a smoothness of at least 1", got=self.smoothness)

    @classmethod
    def grid(cls, edges: Sequence[Sequence[float]], **options: Any) -> "Partition":
        """All products of the intervals between ``edges``, given for each coordinate."""
        boxes: list[Box] = [()]
        for ends in edges:
            boxes = [(*box, (a, b)) for box in boxes for a, b in pairwise(ends)]
        return cls(tuple(boxes), **options)

    @classmethod
    def even(
        cls, counts: Sequence[int], bounds: Sequence[Sequence[float]] | None = None, **options: Any
    ) -> "Partition":
        """Equal boxes, by default of [-1, 1]^d; ``counts`` says how many along each coordinate."""
        ends = [(-1.0, 1.0)] * len(counts) if bounds is None else bounds
        edges = [torch.linspace(a, b, n + 1, dtype=torch.float64) for n, (a, b) in zip(counts, ends, strict=True)]
        return cls.grid([ends_of_axis.tolist() for ends_of_axis in edges], **options)

    def __repr__(self) -> str:
        return f"Partition({len(self.boxes)} boxes of {self.bounds}, {self.margin}, {self.smoothness})"

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.boxes[0])

    @property
    def bounds(self) -> Box:
        """The box that is tiled."""
        return tuple(zip(self.low.amin(dim=0).tolist(), self.high.amax(dim=0).tolist(), strict=True))

    @cached_property
    def low(self) -> Tensor:
        """The low ends of the boxes, [boxes, d]."""
        return torch.tensor(self.boxes, dtype=torch.float64)[..., 0]

    @cached_property
    def high(self) -> Tensor:
        """The high ends of the boxes, [boxes, d]."""
        return torch.tensor(self.boxes, dtype=torch.float64)[..., 1]

    @property
    def centers(self) -> Tensor:
        """The middles of the boxes, [boxes, d]."""
        return (self.low + self.high) / 2

    @property
    def sizes(self) -> Tensor:
        """The sides of the boxes, [boxes, d]."""
        return self.high - self.low

    def mapped(self, source: Sequence[Sequence[float]], target: Sequence[Sequence[float]]) -> "Partition":
        """The partition carried along with the box ``source`` to the box ``target``."""
        maps = [(a, c, (d - c) / (b - a)) for (a, b), (c, d) in zip(source, target, strict=True)]
        boxes = tuple(
            tuple((c + (low - a) * f, c + (high - a) * f) for (low, high), (a, c, f) in zip(box, maps, strict=True))
            for box in self.boxes
        )
        return Partition(boxes, self.margin, self.smoothness)

    @property
    def supports(self) -> Tensor:
        """The boxes outside of which the windows are zero, [boxes, d, 2]; on the outside of them all, the boxes."""
        rise, fall = self._margins.unbind(1)
        return torch.stack([self.low - rise, self.high + fall], dim=2)

    def least_size(self, x: Tensor) -> Tensor:
        """Along each coordinate the shortest side of the boxes whose windows reach the points x [n, d]: [n, d]."""
        reached = self.reached(x)
        sides = [torch.where(reached, size, torch.inf).amin(dim=1) for size in self.sizes.to(x).unbind(1)]
        return torch.stack(sides, dim=1)

    def split(self, cuts: Iterable[tuple[int, Sequence[int]]]) -> "Partition":
        """The partition with some boxes halved, each along the coordinates given with its number."""
        halved = {number: tuple(axes) for number, axes in cuts}
        boxes: list[Box] = []
        for number, box in enumerate(self.boxes):
            parts = [box]
            for axis in halved.get(number, ()):
                middle = sum(box[axis]) / 2
                parts = [
                    (*part[:axis], ends, *part[axis + 1 :])
                    for part in parts
                    for ends in ((box[axis][0], middle), (middle, box[axis][1]))
                ]
            boxes.extend(parts)
        return Partition(tuple(boxes), self.margin, self.smoothness)

    def reached(self, x: Tensor) -> Tensor:
        """Which windows are not zero at x [n, d]: a mask, [n, boxes]."""
        rise, fall = self._margins.to(x).unbind(1)
        low = torch.where(rise > 0, self.low.to(x) - rise, -torch.inf)
        high = torch.where(fall > 0, self.high.to(x) + fall, torch.inf)
        mask = torch.ones(len(x), len(self), dtype=torch.bool, device=x.device)
        for k, column in enumerate(x.unbind(1)):
            mask &= (column[:, None] > low[:, k]) & (column[:, None] < high[:, k])
        return mask

    def owner(self, x: Tensor) -> Tensor:
        """The number of the box that each point of x [n, d] lies in (the last of them, on a face): [n]."""
        low, high = self.low.to(x), self.high.to(x)
        inside = torch.ones(len(x), len(self), dtype=torch.bool, device=x.device)
        for k, ((least, most), column) in enumerate(zip(self.bounds, x.unbind(1), strict=True)):
            column = column.clamp(least, most)[:, None]
            inside &= (column >= low[:, k]) & (column <= high[:, k])
        return len(self) - 1 - inside.flip(1).to(torch.uint8).argmax(dim=1)

    def covered(self, x: Tensor, among: Sequence[int]) -> Tensor:
        """What the steps of some boxes come to at x [n, d], before they are made to sum to 1: [n]."""
        total, reached = x.new_zeros(len(x)), self.reached(x)
        for k in among:
            rows = reached[:, k].nonzero()[:, 0]
            if len(rows):
                total[rows] += self._bump(k, x[rows], [(0,) * x.shape[1]])[(0,) * x.shape[1]]
        return total

    def windows(
        self, x: Tensor, alphas: Iterable[Alpha], among: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Tensor, Window]]:
        """The windows that are not zero at all of x [n, d]; with ``among`` those of some boxes, which sum to 1.

        Yields:
            The number of the box, the rows where its window is not zero, [m], and the window's derivatives there, for
            all multi-indices at most ``alphas``.
        """
        lower = below(alphas)
        reached, even = self.reached(x), self._even
        if among is not None:
            others = torch.ones(len(self), dtype=torch.bool, device=x.device)
            others[list(among)] = False
            even = even and not bool(reached[:, others].any())
            reached = reached & ~others
        chosen = [(k, reached[:, k].nonzero()[:, 0]) for k in reached.any(dim=0).nonzero()[:, 0].tolist()]
        bumps = [self._bump(k, x if len(rows) == len(x) else x[rows], lower) for k, rows in chosen]
        if not even:
            total = {alpha: x.new_zeros(len(x)) for alpha in lower}
            for (_, rows), bump in zip(chosen, bumps, strict=True):
                for alpha in lower:
                    total[alpha][rows] += bump[alpha]
            total[(0,) * x.shape[1]].clamp_min_(torch.finfo(x.dtype).tiny)  # no box is near: there is no domain either
            sums = ({alpha: total_of_alpha[rows] for alpha, total_of_alpha in total.items()} for _, rows in chosen)
            bumps = [quotient(bump, part, lower) for bump, part in zip(bumps, sums, strict=True)]
        for (number, rows), window in zip(chosen, bumps, strict=True):
            yield number, rows, window

    def _bump(self, number: int, x: Tensor, alphas: Iterable[Alpha]) -> dict[Alpha, Tensor | float]:
        """Derivatives of a product of steps at x [n, d]; what is the same everywhere as a number."""
        rise, fall = self._margins[number].tolist()
        known: dict[tuple[int, int], Tensor | float] = {}
        derivatives: dict[Alpha, Tensor | float] = {}
        for alpha in alphas:
            value: Tensor | float = 1.0
            for k, order in enumerate(alpha):
                if (k, order) not in known:
                    a, b = self.boxes[number][k]
                    known[k, order] = axis_window(x[:, k], a, b, rise[k], fall[k], order, self.smoothness)
                value = value * known[k, order]
            derivatives[alpha] = value
        return derivatives

    @property
    def _margins(self) -> Tensor:
        return self._reach[0]

    @property
    def _even(self) -> bool:
        return self._reach[1]

    @cached_property
    def _reach(self) -> tuple[Tensor, bool]:
        """How far the windows reach over the faces.

        Returns:
            Margins at the low and high face of each box along each coordinate, [boxes, 2, d], 0 on the outside of all;
            and whether the steps across each plane are the same everywhere, so that the windows sum to 1.
        """
        low, high = self.low, self.high
        count, d = low.shape
        margins = low.new_zeros(count, 2, d)
        near = _SAME * (high.amax(dim=0) - low.amin(dim=0))
        sizes = high - low
        meets = ((low[:, None] <= high[None] + near) & (high[:, None] >= low[None] - near)).unbind(2)
        shared = torch.minimum(high[:, None], high[None]) - torch.maximum(low[:, None], low[None])
        shared = shared.clamp(min=0.0) / sizes[:, None]
        even = True
        for k in range(d):
            beside = torch.ones(count, count, dtype=torch.bool)
            for j in range(d):
                if j != k:
                    beside &= meets[j]
            for side, (mine, theirs) in enumerate(((low, high), (high, low))):
                touches = beside & ((mine[:, None, k] - theirs[None, :, k]).abs() <= near[k])
                thinnest = torch.where(touches, sizes[None, :, k], torch.inf).amin(dim=1)
                outermost = mine[:, k].min() if side == 0 else mine[:, k].max()
                outside = (mine[:, k] - outermost).abs() <= near[k]
                across = [j for j in range(d) if j != k]
                covered = (touches * shared[..., across].prod(dim=2)).sum(dim=1) > 1 - _ROUNDING
                even &= bool((covered | outside).all())
                margins[:, side, k] = self.margin * torch.minimum(thinnest, sizes[:, k]).where(~outside, 0.0)
            planes = torch.cat([low[:, k], high[:, k]])
            order = planes.argsort()
            steps = margins[:, :, k].mT.reshape(-1)[order]
            same_plane = planes[order].diff() <= near[k]
            even &= bool(((steps.diff().abs() <= _ROUNDING * sizes[:, k].max()) | ~same_plane).all())
        return margins, even
