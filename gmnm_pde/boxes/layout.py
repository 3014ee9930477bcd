"""Boxes and the faces between them: which two boxes meet at a face, and where it lies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import ClassVar

import torch
from torch import Tensor

_SAME = 1e-11
"""Coordinates that differ by no more than this part of the extent are the same."""

_EQUAL = 1e-9
"""Volumes that differ by no more than this part are equal."""

_AT_ONCE = 2**22
"""Comparisons of points with boxes that are made at once."""

NOWHERE = -1
"""The number of the box beyond an outer face."""


@dataclass(frozen=True)
class Face:
    """A flat piece between two boxes, or between a box and what is outside.

    Attributes:
        axis: The coordinate that is fixed on it.
        place: Its value.
        span: The ends along the other coordinates.
        below: The box on the side of lower values, or ``NOWHERE``.
        above: The box on the other side.
    """

    axis: int
    place: float
    span: tuple[tuple[float, float], ...]
    below: int
    above: int
    filled: ClassVar[float] = 1.0
    """The part of the span that is inside the domain."""

    @property
    def outer(self) -> bool:
        """Whether one side of it is outside."""
        return NOWHERE in (self.below, self.above)

    @property
    def area(self) -> float:
        """What is inside the domain of it."""
        return self.filled * math.prod(high - low for low, high in self.span)

    @property
    def center(self) -> tuple[float, ...]:
        """Its middle."""
        middle = [(low + high) / 2 for low, high in self.span]
        return (*middle[: self.axis], self.place, *middle[self.axis :])

    def points(self, unit: Tensor) -> Tensor:
        """Points of it, [m, d], from points of [-1, 1]^(d - 1)."""
        columns = [(low + high) / 2 + unit[:, k] * (high - low) / 2 for k, (low, high) in enumerate(self.span)]
        columns.insert(self.axis, unit.new_full((len(unit),), self.place))
        return torch.stack(columns, dim=1)


@dataclass(frozen=True)
class Layout:
    """Boxes that do not overlap: the ends of each along each coordinate, in the problem's own coordinates."""

    boxes: tuple[tuple[tuple[float, float], ...], ...]

    @classmethod
    def even(cls, counts: Sequence[int], bounds: Sequence[Sequence[float]]) -> "Layout":
        """Equal boxes; ``counts`` says how many along each coordinate."""
        pairs = zip(counts, bounds, strict=True)
        return cls.grid([[low + (high - low) * k / n for k in range(n)] + [high] for n, (low, high) in pairs])

    @classmethod
    def grid(cls, edges: Sequence[Sequence[float]]) -> "Layout":
        """Boxes between lines; ``edges`` says where these are, along each coordinate."""
        return cls(tuple(product(*(list(pairwise(own)) for own in edges))))

    def mapped(self, source: Sequence[Sequence[float]], target: Sequence[Sequence[float]]) -> "Layout":
        """The boxes carried along with the box ``source`` to the box ``target``."""
        maps = [(a, c, (d - c) / (b - a)) for (a, b), (c, d) in zip(source, target, strict=True)]
        return Layout(
            tuple(
                tuple((c + (low - a) * f, c + (high - a) * f) for (low, high), (a, c, f) in zip(box, maps, strict=True))
                for box in self.boxes
            )
        )

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.boxes[0])

    @cached_property
    def ends(self) -> Tensor:
        """The ends of all boxes, [boxes, d, 2]."""
        return torch.tensor(self.boxes, dtype=torch.float64)

    @cached_property
    def middles(self) -> Tensor:
        """The middles of the boxes, [boxes, d]."""
        return self.ends.mean(dim=2)

    @cached_property
    def halves(self) -> Tensor:
        """Half the sides of the boxes, [boxes, d]."""
        return (self.ends[..., 1] - self.ends[..., 0]) / 2

    @cached_property
    def shares(self) -> Tensor:
        """The part of the volume that each box has, [boxes]."""
        volumes = self.halves.prod(dim=1)
        return volumes / volumes.sum()

    @cached_property
    def weights(self) -> Tensor:
        """What the rows of each box are multiplied by, [boxes]: the root of its volume in those of the mean.

        Small boxes around a place where a solution has no bound then tell the others little. Equal boxes have 1, and
        such that are halved again and again towards a place: nobody would look at the smallest ones otherwise.
        """
        if not self.between_lines:
            return torch.ones(len(self), dtype=torch.float64)
        volumes = self.halves.prod(dim=1)
        relative = volumes / volumes.sum() * len(self)
        return torch.where((relative - 1).abs() < _EQUAL, 1.0, relative).sqrt()

    def points(self, unit: Tensor) -> Tensor:
        """Points of [-1, 1]^d in every box: [boxes, m, d]."""
        return self.middles[:, None] + unit * self.halves[:, None]

    def points_of(self, face: Face, box: int, unit: Tensor) -> Tensor:
        """Points of a face, [m, d], from points of [-1, 1]^(d - 1), where a box beside it has them."""
        return face.points(unit)

    def cell_of(self, box: int) -> int:
        """The number of the cell of a domain that a box is what is left of."""
        return box

    @cached_property
    def whole(self) -> Tensor:
        """The numbers of the boxes that are not cut: all."""
        return torch.arange(len(self))

    @cached_property
    def between_lines(self) -> bool:
        """Whether the sides of all boxes lie on lines through the whole domain, with a box between any of them."""
        return math.prod(int(own[:, 0].unique().numel()) for own in self._numbers.unbind(1)) == len(self)

    def owner(self, points: Tensor) -> Tensor:
        """The number of the box that each of the points [n, d] lies in, or ``NOWHERE``."""
        found = []
        for part in points.split(max(1, _AT_ONCE // max(1, len(self) * self.dimension))):
            inside = torch.ones(len(part), len(self), dtype=torch.bool)
            for column, ends in zip(part.unbind(1), self.ends.unbind(1), strict=True):
                inside &= (column[:, None] >= ends[:, 0]) & (column[:, None] <= ends[:, 1])
            found.append(torch.where(inside.any(dim=1), inside.byte().argmax(dim=1), NOWHERE))
        return torch.cat(found)

    def located(self, points: Tensor) -> Tensor:
        """The same by a table of the cells between all planes, which is for many points in few planes."""
        places, table = self._table
        cells = []
        for own, column in zip(places, points.unbind(1), strict=True):
            cells.append(torch.searchsorted(own, column.contiguous(), right=True))
        return table[tuple(cells)]

    @cached_property
    def _table(self) -> tuple[list[Tensor], Tensor]:
        """By axis the places of all planes, and the box in each cell between them, ``NOWHERE`` on the outside."""
        places = [ends.flatten().unique() for ends in self.ends.unbind(1)]
        table = torch.full([len(own) + 1 for own in places], NOWHERE)
        for number, box in enumerate(self.ends):
            low, high = (
                [int(torch.searchsorted(own, end)) + 1 for own, end in zip(places, ends, strict=True)]
                for ends in box.unbind(1)
            )
            table[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = number
        return places, table

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        """All faces, each once."""
        found: list[Face] = []
        numbers = self._numbers
        for axis in range(self.dimension):
            others = [k for k in range(self.dimension) if k != axis]
            low, high = numbers[:, axis, 0], numbers[:, axis, 1]
            for plane in torch.cat([low, high]).unique().tolist():
                below, above = ((ends == plane).nonzero()[:, 0] for ends in (high, low))
                found += self._between(axis, others, below, above)
        return tuple(found)

    def _between(self, axis: int, others: list[int], below: Tensor, above: Tensor) -> list[Face]:
        """The faces in one plane, between the boxes below and those above it, and the outer ones."""
        numbers, faces = self._numbers, []
        if len(below) and len(above):
            first, second = numbers[below][:, None, others], numbers[above][None, :, others]
            low, high = torch.maximum(first, second)[..., 0], torch.minimum(first, second)[..., 1]
            pairs = (low < high).all(dim=2).nonzero().tolist()
            faces = [self._face(axis, others, int(below[i]), int(above[j])) for i, j in pairs]
        met = {face.below for face in faces} | {face.above for face in faces}
        outer = [(k, NOWHERE) for k in below.tolist() if k not in met]
        outer += [(NOWHERE, k) for k in above.tolist() if k not in met]
        return faces + [self._face(axis, others, *pair) for pair in outer]

    def _face(self, axis: int, others: list[int], below: int, above: int) -> Face:
        boxes = [self.boxes[k] for k in (below, above) if k != NOWHERE]
        span = tuple((max(box[k][0] for box in boxes), min(box[k][1] for box in boxes)) for k in others)
        place = self.boxes[below][axis][1] if below != NOWHERE else self.boxes[above][axis][0]
        return Face(axis, place, span, below, above)

    @cached_property
    def _numbers(self) -> Tensor:
        """The ends of the boxes as numbers of planes, along each coordinate: [boxes, d, 2]."""
        found = torch.empty(self.ends.shape, dtype=torch.long)
        for axis in range(self.dimension):
            ends = self.ends[:, axis].flatten()
            values, which = ends.unique(return_inverse=True)
            near = _SAME * (values[-1] - values[0])
            planes = torch.cat([torch.zeros(1, dtype=torch.long), (values.diff() > near).cumsum(0)])
            found[:, axis] = planes[which].reshape(-1, 2)
        return found

    @cached_property
    def around(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of each box's faces, in an order that is the same for boxes that look the same."""
        lists: list[list[int]] = [[] for _ in self.boxes]
        for number, face in enumerate(self.faces):
            for box in (face.below, face.above):
                if box != NOWHERE:
                    lists[box].append(number)

        def order(box: int) -> tuple[int, ...]:
            faces = self.faces
            return tuple(sorted(lists[box], key=lambda n: (faces[n].axis, faces[n].below == box, faces[n].span)))

        return tuple(order(box) for box in range(len(self.boxes)))

    @cached_property
    def dissection(self) -> tuple[tuple[int, ...], ...]:
        """The faces in blocks, in an order of elimination: boxes are bisected by planes, again and again.

        The faces between two halves are eliminated after those in both. The widest side of a group of boxes is
        bisected, which gives smaller fronts than what a bisection of faces alone finds.
        """
        meeting = [{box for box in (face.below, face.above) if box != NOWHERE} for face in self.faces]
        return tuple(bisected(torch.arange(len(self)), self.middles, self.around, meeting))


def bisected(
    boxes: Tensor, middles: Tensor, around: Sequence[Sequence[int]], meeting: Sequence[set[int]]
) -> list[tuple[int, ...]]:
    """Faces in blocks, in an order of elimination.

    Args:
        boxes: The numbers of those that the faces are of.
        middles: Where all boxes lie, [boxes, d].
        around: The faces of each box.
        meeting: The boxes beside each face.
    """
    if len(boxes) == 1:
        outer = tuple(number for number in around[int(boxes)] if len(meeting[number]) == 1)
        return [outer] if outer else []
    own = middles[boxes]
    places = own[:, (own.amax(dim=0) - own.amin(dim=0)).argmax()]
    levels = places.unique()
    gaps = (levels[1:] + levels[:-1]) / 2
    low = places < gaps[(gaps - places.median()).abs().argmin()]
    left, right = boxes[low], boxes[~low]
    beyond = set(right.tolist())
    shared = {number for box in left.tolist() for number in around[box] if meeting[number] & beyond}
    parts = [*bisected(left, middles, around, meeting), *bisected(right, middles, around, meeting)]
    return [*parts, tuple(sorted(shared))] if shared else parts
