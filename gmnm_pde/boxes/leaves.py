"""The rows of boxes with their own polynomials eliminated by QR: what is left holds the traces on their faces alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Interior
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.interruption import pause, unbroken
from gmnm_pde.linalg.multifrontal import Rows
from gmnm_pde.linalg.qr import qr_operations

_AT_ONCE = 2**27
"""Bytes of leaves that are factored at a time."""

_SINGULAR = 1e-14
"""A leaf whose triangle has an entry on the diagonal below this part of the largest leaves some polynomial free."""


@dataclass(frozen=True)
class Leaf:
    """Boxes that look the same, with their own unknowns eliminated; matrices of one box stand for all if shared.

    Attributes:
        boxes: Their numbers, [n].
        faces: The faces of each, [n, f].
        triangle: R in the boxes' own unknowns, [n or 1, count, count].
        coupling: R in the traces, [n or 1, count, traces].
        right: The right-hand sides of these rows, [n, count].
        rest: The rows that are left for the traces, [n or 1, rows, traces].
        rest_right: Their right-hand sides, [n, rows].
    """

    boxes: Tensor
    faces: Tensor
    triangle: Tensor
    coupling: Tensor
    right: Tensor
    rest: Tensor
    rest_right: Tensor

    def rows(self) -> Iterator[Rows]:
        """The rows that are left for the traces, box by box."""
        shared = len(self.rest) == 1
        for k, faces in enumerate(self.faces.tolist()):
            yield Rows(tuple(faces), self.rest[0 if shared else k], self.rest_right[k])

    def inverse(self, right: Tensor, traces: Tensor) -> Tensor:
        """The boxes' unknowns [n, count, m] for right-hand sides [n, count, m], given the traces [n, traces, m]."""
        return _solved(self.triangle, right - _times(self.coupling, traces))

    def inverse_transposed(self, unknowns: Tensor) -> tuple[Tensor, Tensor]:
        """R^-T times columns [n, count, m], and what they pass on to the traces, [n, traces, m]."""
        own = _solved(self.triangle.mT, unknowns, upper=False)
        return own, -_times(self.coupling.mT, own)


def _times(matrix: Tensor, columns: Tensor) -> Tensor:
    if len(matrix) > 1 or len(columns) == 1:
        return matrix @ columns
    n, _, m = columns.shape
    return (matrix[0] @ columns.transpose(0, 1).flatten(1)).unflatten(1, (n, m)).transpose(0, 1)


def _solved(triangle: Tensor, columns: Tensor, *, upper: bool = True) -> Tensor:
    if len(triangle) > 1 or len(columns) == 1:
        return torch.linalg.solve_triangular(triangle, columns, upper=upper)
    n, _, m = columns.shape
    flat = torch.linalg.solve_triangular(triangle[0], columns.transpose(0, 1).flatten(1), upper=upper)
    return flat.unflatten(1, (n, m)).transpose(0, 1)


def eliminated(layout: Layout, degrees: Degrees, equation: Interior, lengths: Sequence[float]) -> list[Leaf]:
    """All leaves of a layout.

    Args:
        layout: The boxes.
        degrees: Of the polynomials.
        equation: At the points of the boxes.
        lengths: For each face the length that derivatives across it are measured in.
    """
    groups: dict[tuple, list[int]] = {}
    for box in layout.whole.tolist():
        groups.setdefault(_looks(layout, box, lengths), []).append(box)
    leaves = []
    for boxes in groups.values():
        matching, traces = matching_rows(layout, degrees, boxes[0], lengths)
        own = equation.of(boxes)
        if own.constant:
            leaves.append(_shared(layout, degrees, own, boxes, matching, traces))
        else:
            columns = matching.shape[1] + traces.shape[1] + 1
            size = 8 * columns * (len(matching) + len(degrees.inner[1]))
            step = max(1, _AT_ONCE // size)
            for first in range(0, len(boxes), step):
                part = boxes[first : first + step]
                leaves.append(_batched(layout, degrees, equation.of(part), part, matching, traces))
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


def matching_rows(layout: Layout, degrees: Degrees, box: int, lengths: Sequence[float]) -> tuple[Tensor, Tensor]:
    """The rows that match a box with the traces on its faces: [rows, count] and [rows, traces]."""
    faces, half = layout.around[box], layout.halves[box]
    tests, size = len(degrees.tests), len(degrees.traces)
    unit = torch.eye(tests, size, dtype=torch.float64)
    own, traces = [], torch.zeros(2 * tests * len(faces), 2 * size * len(faces), dtype=torch.float64)
    for k, number in enumerate(faces):
        face = layout.faces[number]
        others = [j for j in range(layout.dimension) if j != face.axis]
        part = 1.0
        for j, (low, high) in zip(others, face.span, strict=True):
            part *= (high - low) / (2 * half[j].item())
        values, across = degrees.on_face(layout, face, box)
        ratio = half[face.axis].item() / lengths[number]
        own += [part**0.5 * values, part**0.5 * across]
        for j, factor in enumerate((1.0, ratio)):
            rows = slice((2 * k + j) * tests, (2 * k + j + 1) * tests)
            columns = slice(2 * k * size + j, 2 * (k + 1) * size, 2)
            traces[rows, columns] = -(part**0.5) * factor * unit
    return torch.cat(own), traces


def equation_rows(degrees: Degrees, equation: Interior) -> Tensor:
    """The rows of the equation in boxes, [n or 1, m, count], each with the root of its weight."""
    table = degrees.inside_table(tuple(equation.operator))
    count = 1 if equation.constant else len(equation.right)
    rows = torch.zeros(count, len(degrees.inner[1]), len(degrees.basis), dtype=torch.float64)
    for alpha, c in equation.operator.items():
        rows += (c[:, :, None] if isinstance(c, Tensor) else c) * table[alpha]
    return rows * degrees.inner[1].sqrt()[:, None]


def _shared(
    layout: Layout, degrees: Degrees, equation: Interior, boxes: list[int], matching: Tensor, traces: Tensor
) -> Leaf:
    """One factorisation for all boxes."""
    rows = equation_rows(degrees, equation)[0]
    count, m = matching.shape[1], len(rows)
    matrix = torch.cat([rows, matching])
    whole = torch.cat([matrix, torch.cat([traces.new_zeros(m, traces.shape[1]), traces])], dim=1)
    right = whole.new_zeros(len(whole), len(boxes))
    right[:m] = (equation.right * degrees.inner[1].sqrt()).mT
    with unbroken(qr_operations(whole)):
        reflectors, tau = torch.geqrf(whole)
    right = torch.ormqr(reflectors, tau, right, transpose=True).mT
    R = reflectors.triu()[: whole.shape[1]]
    _check(R[None, :count, :count])
    return Leaf(
        torch.tensor(boxes),
        torch.tensor([layout.around[box] for box in boxes]),
        R[None, :count, :count],
        R[None, :count, count:],
        right[:, :count],
        R[None, count:, count:],
        right[:, count : whole.shape[1]],
    )


def _batched(
    layout: Layout, degrees: Degrees, equation: Interior, boxes: list[int], matching: Tensor, traces: Tensor
) -> Leaf:
    """A factorisation for each box."""
    rows = equation_rows(degrees, equation)
    n, m, count = rows.shape
    size = traces.shape[1]
    whole = rows.new_zeros(n, m + len(matching), count + size + 1)
    whole[:, :m, :count] = rows
    whole[:, m:, :count], whole[:, m:, count:-1] = matching, traces
    whole[:, :m, -1] = equation.right * degrees.inner[1].sqrt()
    pause()
    R = torch.linalg.qr(whole, mode="r").R
    _check(R[:, :count, :count])
    last = min(R.shape[1], count + size)
    return Leaf(
        torch.tensor(boxes),
        torch.tensor([layout.around[box] for box in boxes]),
        R[:, :count, :count].contiguous(),
        R[:, :count, count:-1].contiguous(),
        R[:, :count, -1].contiguous(),
        R[:, count:last, count:-1].contiguous(),
        R[:, count:last, -1].contiguous(),
    )


class Free(Exception):
    """A box's rows leave some of its polynomials free."""


def _check(triangle: Tensor) -> None:
    sizes = triangle.diagonal(dim1=1, dim2=2).abs()
    if not bool((sizes.amin(dim=1) > _SINGULAR * sizes.amax(dim=1)).all()):
        raise Free("the equation and the traces leave polynomials of a box free")
