"""The boxes of all parts: cells that lie in several parts hold one box for each of these."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import torch
from torch import Tensor

from gmnm_pde.boxes.layout import NOWHERE, Face, Layout, bisected
from gmnm_pde.boxes.pieces import Ends, open_parts
from gmnm_pde.boxes.trimmed import Trimmed, left_of, trimmed_shape
from gmnm_pde.geometry import Parted

_BESIDE = 1e-10
"""How far beside a side of a box, in parts of it, it is looked which parts lie there."""

_SHORT = 1e-4
"""Pieces of a side where two parts meet that are shorter than this part of it are left out."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Part(Trimmed):
    """The boxes of one part.

    Attributes:
        places: The cell that each lies in.
        known: The faces between them, and the outer ones.
    """

    places: tuple[int, ...] = ()
    known: tuple[Face, ...] = ()

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        return self.known

    def cell_of(self, box: int) -> int:
        return self.places[box]

    @cached_property
    def weights(self) -> Tensor:
        """1 for all: boxes have several sizes."""
        return torch.ones(len(self), dtype=torch.float64)

    @cached_property
    def between_lines(self) -> bool:
        """Never: cells have several sizes."""
        return False


@dataclass(frozen=True)
class Joined(Part):
    """The boxes of all parts, part after part.

    Attributes:
        parts: Of each part its own.
        twins: The pairs of outer faces, one of each of two parts, where these meet on a side of a cell.
    """

    parts: tuple[Part, ...] = ()
    twins: tuple[tuple[int, int], ...] = ()

    @cached_property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """By part, the numbers of its first box and its first face."""
        found, boxes, faces = [], 0, 0
        for part in self.parts:
            found.append((boxes, faces))
            boxes, faces = boxes + len(part), faces + len(part.faces)
        return tuple(found)

    @cached_property
    def part_of(self) -> tuple[int, ...]:
        """The part that each box belongs to."""
        return tuple(number for number, part in enumerate(self.parts) for _ in range(len(part)))

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The boxes that are cut, those of one cell together."""
        by_cell: dict[int, list[int]] = {}
        for box in sorted(self.pieces):
            by_cell.setdefault(self.places[box], []).append(box)
        return tuple(tuple(own) for own in by_cell.values())

    @cached_property
    def volumes(self) -> Tensor:
        return torch.cat([part.volumes for part in self.parts])

    @cached_property
    def dissection(self) -> tuple[tuple[int, ...], ...]:
        """The faces in blocks, as where there is one part, with cells in the place of boxes."""
        around: list[list[int]] = [[] for _ in range(len(self.cells))]
        meeting = [{self.places[box] for box in (f.below, f.above) if box != NOWHERE} for f in self.faces]
        for first, second in self.twins:
            meeting[first] = meeting[second] = meeting[first] | meeting[second]
        for number, cells in enumerate(meeting):
            for cell in cells:
                around[cell].append(number)
        return tuple(bisected(torch.arange(len(self.cells)), self.cells.middles, around, meeting))


def joined(domain: Parted, boxes: Sequence[Ends]) -> tuple[Joined, list[int]]:
    """Boxes as far as they are in parts of a domain, in its own coordinates, and which ones that are."""
    own = [trimmed_shape(part, boxes) for part in domain.parts.values()]
    kept = sorted({number for _, numbers in own for number in numbers})
    new = {old: number for number, old in enumerate(kept)}
    cells = Layout(tuple(boxes[old] for old in kept))
    parts = []
    for (layout, numbers), shape in zip(own, domain.parts.values(), strict=True):
        places = tuple(new[old] for old in numbers)
        cut = (layout.cells, layout.pieces, shape, layout.arcs) if isinstance(layout, Trimmed) else None
        parts.append(Part(layout.boxes, *(cut or (layout, {}, shape, ())), places))
    faces, twins = _Sides(cells, parts).faces()
    parts = [replace(part, known=tuple(known)) for part, known in zip(parts, faces, strict=True)]
    starts = [(sum(map(len, parts[:k])), sum(len(part.known) for part in parts[:k])) for k in range(len(parts))]
    every = zip(parts, starts, strict=True)
    pieces, known = {}, []
    for part, (first, _) in every:
        pieces |= {first + number: piece for number, piece in part.pieces.items()}
        known += [replace(f, below=_moved(f.below, first), above=_moved(f.above, first)) for f in part.known]
    pairs = tuple((starts[p][1] + a, starts[q][1] + b) for (p, a), (q, b) in twins)
    ends = tuple(box for part in parts for box in part.boxes)
    places = tuple(place for part in parts for place in part.places)
    return Joined(ends, cells, pieces, domain, (), places, tuple(known), tuple(parts), pairs), kept


def _moved(box: int, first: int) -> int:
    return box if box == NOWHERE else first + box


class _Sides:
    """What lies on both sides of the faces between cells.

    Args:
        cells: All that lie in some part.
        parts: The boxes of each part.
    """

    def __init__(self, cells: Layout, parts: Sequence[Part]):
        self._parts = parts
        self._at = [{place: box for box, place in enumerate(part.places)} for part in parts]
        self._sides = [(f, self._on(f.below), self._on(f.above)) for f in cells.faces]
        self._faces: list[list[Face]] = [[] for _ in parts]
        self._twins: list[tuple[tuple[int, int], tuple[int, int]]] = []

    def faces(self) -> tuple[list[list[Face]], list[tuple[tuple[int, int], tuple[int, int]]]]:
        """By part its faces, and the pairs of outer ones where parts meet, by part and number."""
        cut = [self._is_cut(low) or self._is_cut(high) for _, low, high in self._sides]
        known = self._spans([side for side, there in zip(self._sides, cut, strict=True) if there])
        for (face, low, high), there in zip(self._sides, cut, strict=True):
            on_low = {p: [face.span[0]] for p in low}
            on_high = {p: [face.span[0]] for p in high}
            both = {p: [face.span[0]] for p in low if p in high}
            if there:
                both, on_low, on_high = next(known)
            self._add(face, low, high, both, on_low, on_high)
        return self._faces, self._twins

    def _on(self, cell: int) -> dict[int, int]:
        """The box of each part in a cell."""
        return {number: own[cell] for number, own in enumerate(self._at) if cell in own}

    def _is_cut(self, side: dict[int, int]) -> bool:
        return len(side) > 1 or any(box in self._parts[p].pieces for p, box in side.items())

    def _spans(self, sides):
        """For faces beside cells that are cut: the spans inside of parts, and just below and above the face."""
        queries: dict[int, list[tuple[int, int, Face]]] = {}
        for number, (face, low, high) in enumerate(sides):
            ends = [self._parts[p].cells.ends[box, face.axis] for side in (low, high) for p, box in side.items()]
            step = _BESIDE * min((end[1] - end[0]).item() for end in ends)
            for p in {*low, *high}:
                places = [(0, face.place, p in low and p in high), (1, face.place - step, p in low)]
                for kind, place, asked in [*places, (2, face.place + step, p in high)]:
                    if asked:
                        queries.setdefault(p, []).append((number, kind, replace(face, place=place)))
        found = [({}, {}, {}) for _ in sides]
        for p, own in queries.items():
            shape = self._parts[p].domain
            assert shape is not None
            for (number, kind, _), spans in zip(own, open_parts(shape, [f for *_, f in own]), strict=True):
                found[number][kind][p] = spans
        return iter(found)

    def _add(
        self,
        face: Face,
        low: dict[int, int],
        high: dict[int, int],
        both: dict[int, list[Span]],
        on_low: dict[int, list[Span]],
        on_high: dict[int, list[Span]],
    ) -> None:
        least = _SHORT * (face.span[0][1] - face.span[0][0])
        covered: dict[tuple[int, int], list[Span]] = {}
        for p, spans in both.items():
            for span in spans:
                self._faces[p].append(replace(face, span=(span,), below=low[p], above=high[p]))
            for side in (0, 1):
                covered.setdefault((side, p), []).extend(spans)
        for p, q in product(on_low, on_high):
            if p != q:
                for span in _common(on_low[p], on_high[q], least):
                    self._add_twins(face, span, (p, low[p]), (q, high[q]))
                    covered.setdefault((0, p), []).append(span)
                    covered.setdefault((1, q), []).append(span)
        for side, own in enumerate((low, high)):
            for p, box in own.items():
                if box not in self._parts[p].pieces:
                    for span in left_of(face.span[0], sorted(covered.get((side, p), []))):
                        self._faces[p].append(_outer(face, span, box, above=bool(side)))

    def _add_twins(self, face: Face, span: Span, low: tuple[int, int], high: tuple[int, int]) -> None:
        (p, below), (q, above) = low, high
        self._twins.append(((p, len(self._faces[p])), (q, len(self._faces[q]))))
        self._faces[p].append(_outer(face, span, below, above=False))
        self._faces[q].append(_outer(face, span, above, above=True))


def _outer(face: Face, span: Span, box: int, *, above: bool) -> Face:
    return Face(face.axis, face.place, (span,), *((NOWHERE, box) if above else (box, NOWHERE)))


def _common(first: Sequence[Span], second: Sequence[Span], least: float) -> list[Span]:
    pairs = [(max(a, c), min(b, d)) for (a, b), (c, d) in product(first, second)]
    return [(a, b) for a, b in pairs if b - a > least]
