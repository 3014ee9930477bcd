"""Boxes in space of which a system is solved, coupled by the traces of values and a balance of fluxes.

As for one field (``balance.py``), with a balance for each field that has second derivatives. A field that has none, as
a pressure, has its mean in each box as one more unknown, with the mean of the equation of mass beside it. This is no
system for GMRES: faces are eliminated one after another, in an order of nested dissection. When two parts are joined,
the mean of one of them is eliminated with the faces between them; that of the other stays, since with given values
around both one constant is free.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Condition, Interior
from gmnm_pde.boxes.faces import lengths_of
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.leaves import Pins
from gmnm_pde.boxes.reading import Unsuited
from gmnm_pde.boxes.space.cut_responses import cut_responses
from gmnm_pde.boxes.space.outer import outer
from gmnm_pde.boxes.space.responses import Response, responses
from gmnm_pde.boxes.space.traced import Traced
from gmnm_pde.linalg.elements import Dense, Element, Singular, solved
from gmnm_pde.linalg.nested_dissection import Groups


@dataclass(frozen=True)
class _OfBox:
    """The part of a box in the equations of its faces, made when it is asked for."""

    system: "Coupled"
    response: Response
    place: int
    kept: int
    groups: Groups

    @property
    def matrix(self) -> Tensor:
        """In the leading traces, [n, n]."""
        return self.system.equations(self.response, self.place, self.kept)


class Coupled:
    """The square system of a layout.

    Args:
        layout: The boxes.
        degrees: Of their polynomials and traces.
        equation: At the points of the boxes.
        conditions: By the number of their outer face.
        pins: A row at a given point that fixes the level of a pressure, where nothing else does.
        traced: Which fields have traces.
        couplings: By how much a pressure counts beside derivatives across faces, [faces, fields].
        cut: The rows of boxes that the boundary cuts.

    Raises:
        Unsuited: an outer face has too few conditions or too many, or something is left free.
    """

    def __init__(
        self,
        layout: Layout,
        degrees: Degrees,
        equation: Interior,
        conditions: Mapping[int, Sequence[Condition]],
        pins: Pins,
        traced: Traced,
        couplings: Tensor,
        cut: CutRows | None = None,
    ):
        self.layout, self.degrees, self.equation = layout, degrees, equation
        self.conditions, self.pins = conditions, pins
        self._traced = traced
        self.cut, lengths = cut, lengths_of(layout)
        self._whole = responses(layout, degrees, equation, lengths, self._traced)
        self._responses = [*self._whole, *self._of_cut()]
        self._outer = {
            n: outer(layout, degrees, self._traced, n, lengths[n], conditions.get(n, ()))
            for n, face in enumerate(layout.faces)
            if face.outer
        }
        self._weights = self._balances(couplings * torch.tensor(lengths, dtype=torch.float64)[:, None])

    @property
    def size(self) -> int:
        """Unknowns of a face."""
        return len(self.degrees.traces) * len(self._traced.fields)

    @property
    def columns(self) -> int:
        """All unknowns."""
        return len(self.layout) * self.degrees.own + self.size * len(self.layout.faces)

    @property
    def level(self) -> int | None:
        """The field whose level a given point may fix."""
        return self._traced.level

    @property
    def _leveled(self) -> bool:
        return self._traced.level is not None

    def _balances(self, couplings: Tensor) -> Tensor:
        """What the fluxes of both boxes beside each face are multiplied by, [faces, fields, passed]."""
        own = torch.eye(couplings.shape[1], dtype=torch.float64).expand(len(couplings), -1, -1)
        return torch.cat([own, couplings[..., None]], dim=2) if self._leveled else own

    @cached_property
    def _order(self) -> list[Groups]:
        """The faces in blocks, with the means of boxes, numbered after them, and last the level of all."""
        if not self._leveled:
            return list(self.layout.dissection)
        faces, first = self.layout.faces, len(self.layout.faces)
        part, order = list(range(len(self.layout))), []

        def of(box: int) -> int:
            while part[box] != box:
                box = part[box]
            return box

        for block in self.layout.dissection:
            means = []
            for number in block:
                if not faces[number].outer:
                    kept, gone = of(faces[number].below), of(faces[number].above)
                    if kept != gone:
                        part[gone] = kept
                        means.append(first + gone)
            order.append((*block, *means))
        last = [first + box for box in range(len(self.layout)) if part[box] == box]
        return [*order, (*last, *((first + len(self.layout),) if self.pins else ()))]

    def _elements(self, kept: int) -> Iterator[Element]:
        """Of all boxes and outer faces, with so many of the traces of each face."""
        for own in self._responses:
            for place, (box, faces) in enumerate(zip(own.boxes.tolist(), own.faces.tolist(), strict=True)):
                yield _OfBox(self, own, place, kept, self._groups(box, faces))
        for number, known in self._outer.items():
            yield Dense((number,), known.trace[:kept, :kept])
        if self.pins:
            yield from self._of_level(kept)

    def _groups(self, box: int, faces: Sequence[int]) -> Groups:
        return (*faces, *((len(self.layout.faces) + box,) if self._leveled else ()))

    def equations(self, own: Response, place: int, kept: int) -> Tensor:
        """The equations of the faces of a box in their leading traces, as far as the box has part, [rows, columns]."""
        columns = self._leading(own.faces.shape[1], kept)
        shared = 0 if len(own.inside) == 1 else place
        faces, passed = own.faces[place : place + 1], own.passed[shared, columns].mT
        return self._applied(faces, passed[None], own.inside[shared, :, columns][None], kept)[0]

    def _leading(self, faces: int, kept: int) -> Tensor:
        """The places of the leading traces of a box, and of its mean."""
        places = (self.size * torch.arange(faces)[:, None] + torch.arange(kept)).flatten()
        return torch.cat([places, torch.tensor([faces * self.size])]) if self._leveled else places

    def _applied(self, faces: Tensor, fluxes: Tensor, inside: Tensor, kept: int) -> Tensor:
        """The leading equations of given fluxes [n, fluxes, m] and polynomials [n, own, m] of boxes, [n, rows, m]."""
        fields, every = self._weights.shape[1:]
        parts, size, leading = [], len(self.degrees.traces) * every, kept // fields * every
        for side, numbers in enumerate(faces.unbind(1)):
            each = fluxes[:, side * size : side * size + leading].unflatten(1, (-1, every))
            balanced = (self._weights[numbers, None] @ each).flatten(1, 2)
            for place, number in enumerate(numbers.tolist()):
                if number in self._outer:
                    balanced[place] = self._outer[number].inside[:kept] @ inside[place]
            parts.append(balanced)
        return torch.cat([*parts, fluxes[:, -1:]] if self._leveled else parts, dim=1)

    def _of_level(self, kept: int) -> Iterator[Element]:
        """What fixes the level of a pressure, and what then is left free of masses: an equal part in all of a box."""
        last = len(self.layout.faces) + len(self.layout)
        for box, share in enumerate(self.layout.shares.sqrt().tolist()):
            matrix = torch.tensor([[0.0, share], [0.0, 0.0]], dtype=torch.float64)
            yield Dense((last - len(self.layout) + box, last), matrix)
        ((box, (row, _)),) = self.pins.items()
        response, place = self._of_box(box)
        inside = response.inside[place if len(response.inside) > 1 else 0]
        columns = self._leading(response.faces.shape[1], kept)
        matrix = row.new_zeros(len(columns) + 1, len(columns) + 1)
        matrix[-1, :-1] = (row @ inside[:, columns])[0]
        yield Dense((*self._groups(box, response.faces[place].tolist()), last), matrix)

    def _of_box(self, box: int) -> tuple[Response, int]:
        for own in self._responses:
            places = (own.boxes == box).nonzero()[:, 0].tolist()
            if places:
                return own, places[0]
        raise AssertionError

    def _right(self, kept: int) -> Tensor:
        """The right-hand side, all groups, [unknowns]."""
        faces = len(self.layout.faces)
        right = torch.zeros(faces, kept, dtype=torch.float64)
        means = torch.zeros(len(self.layout) if self._leveled else 0, dtype=torch.float64)
        for own in self._responses:
            each = -self._applied(own.faces, own.sources[..., None], own.given[..., None], kept)[..., 0]
            if self._leveled:
                means[own.boxes] = each[:, -1]
                each = each[:, :-1]
            right.index_add_(0, own.faces.flatten(), each.reshape(-1, kept))
        for number, known in self._outer.items():
            right[number] += known.right[:kept]
        last = []
        for box, (row, value) in self.pins.items():
            response, place = self._of_box(box)
            last.append(value - row @ response.given[place])
        return torch.cat([right.flatten(), means, *last])

    def _traces(self, kept: int) -> tuple[Tensor, Tensor]:
        """The traces [faces, size], of which so many are not zero, and the means [boxes]."""
        faces, boxes = len(self.layout.faces), len(self.layout)
        sizes = [kept] * faces + [1] * (boxes * self._leveled + bool(self.pins))
        try:
            found = solved(self._elements(kept), self._right(kept), sizes, self._order)
        except Singular:
            raise Unsuited("the balance of fluxes leaves something free") from None
        traces = found.new_zeros(faces, self.size)
        traces[:, :kept] = found[: faces * kept].view(faces, kept)
        return traces, found[faces * kept :][:boxes]

    def coefficients(self) -> Tensor:
        """The coefficients of the boxes, [boxes, fields, count]."""
        return self._inside(*self._traces(self.size))

    def with_fewer(self, degree: int) -> Tensor:
        """The same with traces of a lower degree: a worse solution."""
        kept = int((self.degrees.traces.degrees.sum(dim=1) <= degree).sum())
        return self._inside(*self._traces(kept * len(self._traced.fields)))

    def with_lower_cut(self, degree: int) -> Tensor:
        """The same with polynomials of a lower degree in the boxes that are cut: a worse solution."""
        other = copy.copy(self)
        other._responses = [*self._whole, *self._of_cut(degree)]
        return other.coefficients()

    def _of_cut(self, degree: int | None = None) -> list[Response]:
        if self.cut is None:
            return []
        return cut_responses(self.degrees, self.cut, lengths_of(self.layout), self._traced, degree)

    def _inside(self, traces: Tensor, means: Tensor) -> Tensor:
        inside = traces.new_empty(len(self.layout), self.degrees.own)
        for own in self._responses:
            given = traces[own.faces].flatten(1)
            if self._leveled:
                given = torch.cat([given, means[own.boxes, None]], dim=1)
            inside[own.boxes] = own.polynomials(given)
        return inside.unflatten(1, (self._traced.count, -1))
