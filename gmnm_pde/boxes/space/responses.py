"""Boxes solved by least squares for given values on their faces: their polynomials, and the fluxes that these make."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Interior
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.leaves import Pattern, equation_rows, patterns, weighted_right
from gmnm_pde.boxes.space.orthonormal import Orthonormal
from gmnm_pde.boxes.space.traced import Traced
from gmnm_pde.interruption import pause
from gmnm_pde.processes import ALL, count, gathered, own_part, rank, shared_out

STABILISATION = 1.0
"""tau: how much a difference of a box's values from the trace counts beside its derivative across."""

_AT_ONCE = 2**27
"""Bytes of boxes that are factored at a time."""

_SHARED_AT_ONCE = 64
"""Boxes that share one factorisation and are multiplied by it at a time."""

_SAME = 1e-12
"""Coefficients that vary in a box by no more than this part of their size are constant there."""


@dataclass(frozen=True)
class Response:
    """Boxes that look the same; matrices of one box stand for all if shared.

    Of several fields traces and fluxes are those of all fields, face after face, by rising degree. Where a field has no
    traces its mean in the box is one more number that is given, and what is left of its equation on average a flux.

    Attributes:
        boxes: Their numbers, [n].
        faces: The faces of each, [n, f].
        inside: From traces to the boxes' polynomials, [n or 1, own, traces].
        given: These for no traces, [n, own].
        passed: From traces to fluxes, transposed so that products read memory in order, [n or 1, traces, fluxes].
        sources: The fluxes for no traces, [n, fluxes].
        owner: The process that multiplies by these, or ``ALL``; others may have nothing in their place.
    """

    boxes: Tensor
    faces: Tensor
    inside: Tensor
    given: Tensor
    passed: Tensor
    sources: Tensor
    owner: int = ALL

    @classmethod
    def elsewhere(cls, boxes: Tensor, faces: Tensor, owner: int) -> "Response":
        """One that another process has."""
        none = torch.zeros(0, dtype=torch.float64)
        return cls(boxes, faces, none, none, none, none, owner)

    def fluxes(self, traces: Tensor) -> Tensor:
        """Of given traces [n, traces], [n, traces]."""
        return _times(traces, self.passed)

    def polynomials(self, traces: Tensor) -> Tensor:
        """The boxes' coefficients for given traces, [n, own]."""
        return self.given + _times(traces, self.inside.mT)


def _times(traces: Tensor, matrix: Tensor) -> Tensor:
    return traces @ matrix[0] if len(matrix) == 1 else (traces[:, None] @ matrix)[:, 0]


def of_all(found: Sequence[Response], of: Callable[[Response], Tensor]) -> list[Tensor]:
    """Something of the boxes of each response [n, ...], made by the process that it belongs to."""
    if all(own.owner == ALL for own in found):
        return [of(own) for own in found]
    process = rank()
    every = [iter(part) for part in gathered(lambda: [of(own) for own in found if own.owner == process])]
    return [of(own) if own.owner == ALL else next(every[own.owner]) for own in found]


def responses(
    layout: Layout,
    degrees: Degrees,
    equation: Interior,
    lengths: Sequence[float],
    traced: Traced | None = None,
    *,
    divided: bool = False,
) -> list[Response]:
    """Of all boxes that are not cut.

    Args:
        layout: The boxes.
        degrees: Of the polynomials.
        equation: At the points of the boxes.
        lengths: For each face the length that derivatives across it are measured in.
        traced: Which fields have traces; by default the only one.
        divided: Whether each process solves some of the boxes alone, where there are several.
    """
    traced = traced or Traced()
    values = replace(degrees, across=traced.across)
    found = []
    for every in patterns(layout, values, lengths, {}):
        weights = _of_faces(layout, every.boxes[0], len(values.kinds) * len(values.tests))
        every = replace(every, matching=weights * every.matching, traces=weights * every.traces)
        fluxes = flux_rows(layout, degrees, every.boxes[0], lengths, traced)
        every = replace(every, **with_level(degrees, traced, every.matching, every.traces))
        for boxes, own in _alike(equation, every.boxes):
            faces = torch.tensor([layout.around[box] for box in boxes])
            found.append(_Alike(degrees, own, replace(every, boxes=boxes), faces, fluxes, traced))
    batches = [(alike, some) for alike in found for some in alike.batches()]
    owners = shared_out([len(some) for _, some in batches]) if divided and count() > 1 else [ALL] * len(batches)
    parts = zip(batches, owners, strict=True)
    return own_part(lambda: [alike.response(some, owner) for (alike, some), owner in parts])


@dataclass(frozen=True)
class _Alike:
    """Boxes that look the same before they are solved.

    Attributes:
        degrees: Of the polynomials.
        equation: In these boxes.
        pattern: Their numbers, and the rows that match them with their traces.
        faces: Of each, [n, f].
        fluxes: From polynomials to fluxes, [fluxes, own].
        traced: Which fields have traces.
    """

    degrees: Degrees
    equation: Interior
    pattern: Pattern
    faces: Tensor
    fluxes: Tensor
    traced: Traced

    def batches(self) -> Iterator[range]:
        """The places of those that are solved at once, and belong to one process."""
        boxes, step = len(self.pattern.boxes), _SHARED_AT_ONCE
        if not self.equation.constant:
            rows = self.equation.right.shape[1] + len(self.pattern.matching)
            step = max(1, _AT_ONCE // (16 * rows * self.pattern.matching.shape[1]))
        return (range(first, min(first + step, boxes)) for first in range(0, boxes, step))

    def response(self, some: range, owner: int) -> Response:
        """Of some of the boxes, for the process that they belong to."""
        boxes, faces = torch.tensor([self.pattern.boxes[place] for place in some]), self.faces[some.start : some.stop]
        if owner not in (ALL, rank()):
            return Response.elsewhere(boxes, faces, owner)
        given, inside = self._solved(some)
        mass = None if self.traced.mass is None else _mass(self.degrees, self.equation.of(some), self.traced.mass)
        return replace(response(boxes, faces, inside, given, self.fluxes, self.traced, mass), owner=owner)

    def _solved(self, some: range) -> tuple[Tensor, Tensor]:
        """The polynomials for no traces, [n, count], and from traces to them, [n or 1, count, traces]."""
        pause()
        if self.equation.constant:
            given, inside = self._shared
            return given[some.start : some.stop], inside
        right = weighted_right(self.degrees, self.equation.of(some))
        found = self._basis.by_normal_equations(some, right)
        return found or _by_qr(equation_rows(self.degrees, self.equation.of(some)), right, self.pattern)

    @cached_property
    def _shared(self) -> tuple[Tensor, Tensor]:
        """Of all boxes, which share one factorisation."""
        right = weighted_right(self.degrees, self.equation)
        return _by_qr(equation_rows(self.degrees, self.equation), right, self.pattern)

    @cached_property
    def _basis(self) -> Orthonormal:
        return Orthonormal(self.degrees, self.equation, self.pattern)


def _of_faces(layout: Layout, box: int, rows: int) -> Tensor:
    """What the rows of a box that is not cut are multiplied by on each of its faces, ``rows`` of them, [rows, 1].

    A unit of jump has in the energy the size that its face has for the thickness of the box there. In a long thin box
    values at the ends count less for that: what they change reaches no farther than the box is thin.
    """
    halves = layout.halves[box]
    each = [(halves.min() / halves[layout.faces[number].axis]).item() for number in layout.around[box]]
    return torch.tensor(each, dtype=torch.float64).repeat_interleave(rows)[:, None]


def with_level(degrees: Degrees, traced: Traced, matching: Tensor, traces: Tensor) -> dict[str, Tensor]:
    """The rows that match a box with its traces, and one more for the mean of a field without traces."""
    if traced.level is None:
        return {"matching": matching, "traces": traces}
    row = matching.new_zeros(1, matching.shape[1])
    row[0, traced.level * len(degrees.basis)] = 1.0
    both = torch.block_diag(traces, -row.new_ones(1, 1))
    return {"matching": torch.cat([matching, row]), "traces": both}


def _mass(degrees: Degrees, equation: Interior, number: int) -> tuple[Tensor, Tensor]:
    """The mean of an equation in boxes, [n or 1, own], and its right-hand side, [n]."""
    one = replace(equation, operators=(equation.operators[number],))
    roots, m = degrees.inner[1].sqrt(), len(degrees.inner[1])
    right = equation.right[:, number * m : (number + 1) * m] @ degrees.inner[1]
    return roots @ equation_rows(degrees, one), right


def _alike(equation: Interior, boxes: Sequence[int]) -> Iterator[tuple[tuple[int, ...], Interior]]:
    """Boxes with the same constant coefficients, which share one factorisation, and all others."""
    own = equation.of(boxes)
    fields = [c for operator in own.operators for c in operator.values() if isinstance(c, Tensor)]
    if not fields:
        yield tuple(boxes), own
        return
    first = torch.stack([c[:, 0] for c in fields], dim=1)
    sizes = torch.stack([c.abs().amax(dim=1) for c in fields], dim=1)
    spread = torch.stack([(c - c[:, :1]).abs().amax(dim=1) for c in fields], dim=1)
    constant = (spread <= _SAME * sizes).all(dim=1)
    groups: dict[tuple[float, ...], list[int]] = {}
    for place in constant.nonzero()[:, 0].tolist():
        groups.setdefault(tuple(float(f"{value:.10e}") for value in first[place].tolist()), []).append(place)
    for places in groups.values():
        some = own.of(places)
        operators = tuple(
            {key: c[0, 0].item() if isinstance(c, Tensor) else c for key, c in operator.items()}
            for operator in some.operators
        )
        yield tuple(boxes[place] for place in places), replace(some, operators=operators)
    others = (~constant).nonzero()[:, 0].tolist()
    if others:
        yield tuple(boxes[place] for place in others), own.of(others)


def response(
    boxes: Tensor,
    faces: Tensor,
    inside: Tensor,
    given: Tensor,
    fluxes: Tensor,
    traced: Traced,
    mass: tuple[Tensor, Tensor] | None = None,
) -> Response:
    """With the fluxes of what is inside; ``mass`` is the mean of an equation, and its right-hand side."""
    passed, sources = inside.mT @ fluxes.mT, given @ fluxes.mT
    own, every = len(traced.fields), len(traced.passed)
    size = len(fluxes) // every
    traces = torch.arange(size * own)
    kept = torch.arange(size * every).view(size, every)[:, :own].flatten()
    passed[:, traces, kept] += STABILISATION
    if mass is not None:
        row, right = mass
        passed = torch.cat([passed, inside.mT @ row[..., None]], dim=2)
        sources = torch.cat([sources, ((given * row).sum(dim=1) - right)[:, None]], dim=1)
    return Response(boxes, faces, inside, given, passed, sources)


def flux_rows(
    layout: Layout,
    degrees: Degrees,
    box: int,
    lengths: Sequence[float],
    traced: Traced,
    on_faces: Sequence[Sequence[Tensor]] | None = None,
) -> Tensor:
    """From a box's polynomials to its fluxes without the traces' own part, [fluxes, own].

    ``on_faces`` is what ``Degrees.on_face`` gives for the faces around it, where that is known.
    """
    size, every, count = len(degrees.traces), len(traced.passed), len(degrees.basis)
    found = [torch.zeros(0, every, traced.count * count, dtype=torch.float64)]
    for place, number in enumerate(layout.around[box]):
        face = layout.faces[number]
        own, across = (on_faces[place] if on_faces else degrees.on_face(layout, face, box))[:2]
        side = 1.0 if face.below == box else -1.0
        ratio = side * lengths[number] / layout.halves[box, face.axis].item()
        rows = torch.zeros(size, every, traced.count * count, dtype=torch.float64)
        for k, field in enumerate(traced.passed):
            values = side * own if field == traced.level else ratio * across - STABILISATION * own
            rows[:, k, field * count : (field + 1) * count] = values[:size]
        found.append(rows)
    return torch.cat(found).flatten(0, 1)


def _by_qr(rows: Tensor, right: Tensor, pattern: Pattern) -> tuple[Tensor, Tensor]:
    m = rows.shape[1]
    Q, R = torch.linalg.qr(torch.cat([rows, pattern.matching.expand(len(rows), -1, -1)], dim=1))
    given = torch.linalg.solve_triangular(R, (right[:, None] @ Q[:, :m]).mT, upper=True)[..., 0]
    return given, torch.linalg.solve_triangular(R, -(Q[:, m:].mT @ pattern.traces), upper=True)
