"""The rows of boxes with their own polynomials eliminated by QR: what is left holds the traces on their faces alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Interior
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.leaf import Leaf, held_by
from gmnm_pde.boxes.reading import Unsuited
from gmnm_pde.interruption import pause, unbroken
from gmnm_pde.linalg.qr import qr_operations
from gmnm_pde.processes import rank

_AT_ONCE = 2**27
"""Bytes of leaves that are factored at a time."""

_SINGULAR = 1e-14
"""A leaf whose triangle has an entry on the diagonal below this part of the largest leaves some polynomial free."""


@dataclass(frozen=True)
class Pattern:
    """Boxes that look the same, with the rows that match them with their traces, and at given points with data.

    Attributes:
        boxes: Their numbers.
        matching: The rows in the boxes' own unknowns, [rows, own].
        traces: The same in the traces, [rows, traces].
        right: The right-hand side, [rows].
        weight: What all rows of each of the boxes are multiplied by.
    """

    boxes: tuple[int, ...]
    matching: Tensor
    traces: Tensor
    right: Tensor
    weight: float


Pins = Mapping[int, tuple[Tensor, Tensor]]
"""By box, rows that hold at given points: in its own unknowns [rows, own], and the right-hand side [rows]."""


def patterns(layout: Layout, degrees: Degrees, lengths: Sequence[float], pins: Pins) -> list[Pattern]:
    """The boxes by their looks; those with data at given points each by itself.

    Args:
        layout: The boxes.
        degrees: Of the polynomials.
        lengths: For each face the length that derivatives across it are measured in.
        pins: Rows at given points.
    """
    groups: dict[tuple, list[int]] = {}
    for box in layout.whole.tolist():
        looks = _looks(layout, box, lengths)
        groups.setdefault((*looks, box) if box in pins else looks, []).append(box)
    found = []
    for boxes in groups.values():
        matching, traces = matching_rows(layout, degrees, boxes[0], lengths)
        right = matching.new_zeros(len(matching))
        if boxes[0] in pins:
            rows, values = pins[boxes[0]]
            matching, right = torch.cat([matching, rows]), torch.cat([right, values])
            traces = torch.cat([traces, traces.new_zeros(len(rows), traces.shape[1])])
        found.append(Pattern(tuple(boxes), matching, traces, right, layout.weights[boxes[0]].item()))
    return found


def eliminated(
    layout: Layout, degrees: Degrees, equation: Interior, found: Sequence[Pattern], owners: Tensor | None = None
) -> list[Leaf]:
    """All leaves of a layout; boxes that share one factorisation are eliminated by every process.

    Args:
        layout: The boxes.
        degrees: Of the polynomials.
        equation: At the points of the boxes.
        found: The boxes by their looks.
        owners: The process that needs each box, or ``ALL``, [boxes]; None where every process needs all.
    """
    leaves = []
    for pattern in found:
        if equation.constant:
            leaves.append(_shared(layout, degrees, equation.of(pattern.boxes), pattern).weighted(pattern.weight))
        else:
            rows = equation.right.shape[1] + len(pattern.matching)
            size = 8 * rows * (pattern.matching.shape[1] + pattern.traces.shape[1] + 1)
            step = max(1, _AT_ONCE // size)
            for first in range(0, len(pattern.boxes), step):
                part = replace(pattern, boxes=pattern.boxes[first : first + step])
                own = None if owners is None else owners[list(part.boxes)]
                leaves.append(_batched(layout, degrees, equation, part, own).weighted(part.weight))
    return leaves


def _looks(layout: Layout, box: int, lengths: Sequence[float]) -> tuple:
    """Boxes that look the same have the same matching rows."""
    middle, half = layout.middles[box], layout.halves[box]
    seen: list[float] = half.tolist()
    for number in layout.around[box]:
        face = layout.faces[number]
        others = [k for k in range(layout.dimension) if k != face.axis]
        seen += [float(face.axis), float(face.below == box), lengths[number]]
        for k, (low, high) in zip(others, face.span, strict=True):
            seen += [((end - middle[k]) / half[k]).item() for end in (low, high)]
    return tuple(float(f"{number:.8e}") + 0.0 if abs(number) > 1e-8 else 0.0 for number in seen)


def matching_rows(
    layout: Layout,
    degrees: Degrees,
    box: int,
    lengths: Sequence[float],
    on_faces: Sequence[Sequence[Tensor]] | None = None,
) -> tuple[Tensor, Tensor]:
    """The rows that match a box with the traces on its faces: [rows, own] and [rows, traces].

    ``on_faces`` is what ``Degrees.on_face`` gives for the faces around it, where that is known.
    """
    faces, half = layout.around[box], layout.halves[box]
    tests, size, kinds, count = len(degrees.tests), len(degrees.traces), degrees.kinds, len(degrees.basis)
    unit = torch.eye(tests, size, dtype=torch.float64)
    own = torch.zeros(len(kinds) * tests * len(faces), degrees.own, dtype=torch.float64)
    traces = own.new_zeros(len(own), degrees.face_size * len(faces))
    for k, number in enumerate(faces):
        face = layout.faces[number]
        others = [j for j in range(layout.dimension) if j != face.axis]
        part = face.filled
        for j, (low, high) in zip(others, face.span, strict=True):
            part *= (high - low) / (2 * half[j].item())
        tables = on_faces[k] if on_faces else degrees.on_face(layout, face, box)
        ratio = half[face.axis].item() / lengths[number]
        for j, (field, order) in enumerate(kinds):
            rows = slice((len(kinds) * k + j) * tests, (len(kinds) * k + j + 1) * tests)
            columns = slice(k * degrees.face_size + j, (k + 1) * degrees.face_size, len(kinds))
            own[rows, field * count : (field + 1) * count] = part**0.5 * tables[order]
            traces[rows, columns] = -(part**0.5) * ratio**order * unit
    return own, traces


def equation_rows(degrees: Degrees, equation: Interior) -> Tensor:
    """The rows of the equations in boxes, [n or 1, equations * m, own], each with the root of its weight."""
    table, weights = degrees.inside_table(equation.alphas), degrees.inner[1].sqrt()[:, None]
    count, m, size = 1 if equation.constant else len(equation.right), len(weights), len(degrees.basis)
    rows = torch.zeros(count, len(equation.operators) * m, equation.fields * size, dtype=torch.float64)
    for k, operator in enumerate(equation.operators):
        for (field, alpha), c in operator.items():
            part = rows[:, k * m : (k + 1) * m, field * size : (field + 1) * size]
            part += (c[:, :, None] if isinstance(c, Tensor) else c) * table[alpha]
    for k in range(len(equation.operators)):
        rows[:, k * m : (k + 1) * m] *= weights
    return rows


def weighted_right(degrees: Degrees, equation: Interior) -> Tensor:
    """The right-hand sides of these rows, [n, equations * m]."""
    return equation.right * degrees.inner[1].sqrt().repeat(len(equation.operators))


def _shared(layout: Layout, degrees: Degrees, equation: Interior, pattern: Pattern) -> Leaf:
    """One factorisation for all boxes."""
    rows = equation_rows(degrees, equation)[0]
    boxes, matching, traces = pattern.boxes, pattern.matching, pattern.traces
    count, m = matching.shape[1], len(rows)
    matrix = torch.cat([rows, matching])
    whole = torch.cat([matrix, torch.cat([traces.new_zeros(m, traces.shape[1]), traces])], dim=1)
    right = whole.new_zeros(len(whole), len(boxes))
    right[:m] = weighted_right(degrees, equation).mT
    right[m:] = pattern.right[:, None]
    with unbroken(qr_operations(whole)):
        reflectors, tau = torch.geqrf(whole)
    right = torch.ormqr(reflectors, tau, right, transpose=True).mT
    R = reflectors.triu()[: whole.shape[1]]
    _check(R[None, :count, :count])
    return Leaf(
        torch.tensor(boxes)[:, None],
        torch.tensor([layout.around[box] for box in boxes]),
        R[None, :count, :count],
        R[None, :count, count:],
        right[:, :count],
        R[None, count:, count:],
        right[:, count : whole.shape[1]],
        right[:, whole.shape[1] :].square().sum(dim=1),
    )


def _batched(layout: Layout, degrees: Degrees, equation: Interior, pattern: Pattern, owners: Tensor | None) -> Leaf:
    """A factorisation for each box."""
    boxes, matching, traces = pattern.boxes, pattern.matching, pattern.traces
    held = boxes if owners is None else [boxes[k] for k in held_by(owners, rank()).tolist()]
    equation = equation.of(held)
    rows = equation_rows(degrees, equation)
    n, m, count = rows.shape
    size = traces.shape[1]
    whole = rows.new_zeros(n, m + len(matching), count + size + 1)
    whole[:, :m, :count] = rows
    whole[:, m:, :count], whole[:, m:, count:-1], whole[:, m:, -1] = matching, traces, pattern.right
    whole[:, :m, -1] = weighted_right(degrees, equation)
    pause()
    R = torch.linalg.qr(whole, mode="r").R
    _check(R[:, :count, :count])
    last = min(R.shape[1], count + size)
    return Leaf(
        torch.tensor(boxes)[:, None],
        torch.tensor([layout.around[box] for box in boxes]),
        R[:, :count, :count].contiguous(),
        R[:, :count, count:-1].contiguous(),
        R[:, :count, -1].contiguous(),
        R[:, count:last, count:-1].contiguous(),
        R[:, count:last, -1].contiguous(),
        R[:, last:, -1].square().sum(dim=1),
        owners,
    )


class Free(Unsuited):
    """A box's rows leave some of its polynomials free."""


def _check(triangle: Tensor) -> None:
    sizes = triangle.diagonal(dim1=1, dim2=2).abs()
    if not bool((sizes.amin(dim=1) > _SINGULAR * sizes.amax(dim=1)).all()):
        raise Free("the equation and the traces leave polynomials of a box free")
