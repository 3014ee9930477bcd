"""Boxes solved by least squares for given values on their faces: their polynomials, and the fluxes that these make.

Where coefficients vary each box has a matrix of its own. With polynomials that are orthonormal for the mean of all
coefficients these matrices are close to orthogonal, and their normal equations lose no digit: products of matrices and
a Cholesky factorisation, many times faster than QR, which is used where coefficients vary too much for that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Interior
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.leaves import Pattern, equation_rows, patterns, weighted_right
from gmnm_pde.interruption import pause

STABILISATION = 1.0
"""tau: how much a difference of a box's values from the trace counts beside its derivative across."""

_AT_ONCE = 2**27
"""Bytes of boxes that are factored at a time."""

_SAME = 1e-12
"""Coefficients that vary in a box by no more than this part of their size are constant there."""

_LARGEST_RATIO = 30.0
"""Normal equations are used where their triangles' diagonals vary by no more than this."""


@dataclass(frozen=True)
class Response:
    """Boxes that look the same; matrices of one box stand for all if shared.

    Attributes:
        boxes: Their numbers, [n].
        faces: The faces of each, [n, f].
        inside: From traces to the boxes' polynomials, [n or 1, count, traces].
        given: These for no traces, [n, count].
        passed: From traces to fluxes, transposed so that products read memory in order, [n or 1, traces, traces].
        sources: The fluxes for no traces, [n, traces].
    """

    boxes: Tensor
    faces: Tensor
    inside: Tensor
    given: Tensor
    passed: Tensor
    sources: Tensor

    def fluxes(self, traces: Tensor) -> Tensor:
        """Of given traces [n, traces], [n, traces]."""
        return _times(traces, self.passed)

    def polynomials(self, traces: Tensor) -> Tensor:
        """The boxes' coefficients for given traces, [n, count]."""
        return self.given + _times(traces, self.inside.mT)


def _times(traces: Tensor, matrix: Tensor) -> Tensor:
    return traces @ matrix[0] if len(matrix) == 1 else (traces[:, None] @ matrix)[:, 0]


def responses(layout: Layout, degrees: Degrees, equation: Interior, lengths: Sequence[float]) -> list[Response]:
    """Of all boxes that are not cut.

    Args:
        layout: The boxes.
        degrees: Of the polynomials.
        equation: At the points of the boxes.
        lengths: For each face the length that derivatives across it are measured in.
    """
    values = replace(degrees, across=(1,) * len(degrees.across))
    found = []
    for every in patterns(layout, values, lengths, {}):
        fluxes = flux_rows(layout, degrees, every.boxes[0], lengths)
        weights = _of_faces(layout, every.boxes[0], len(values.tests))
        every = replace(every, matching=weights * every.matching, traces=weights * every.traces)
        for boxes, own in _alike(equation, every.boxes):
            pattern = replace(every, boxes=boxes)
            given, inside = zip(*_solved(degrees, own, pattern), strict=True)
            faces = torch.tensor([layout.around[box] for box in boxes])
            found.append(response(torch.tensor(boxes), faces, torch.cat(inside), torch.cat(given), fluxes))
    return found


def _of_faces(layout: Layout, box: int, tests: int) -> Tensor:
    """What the rows of a box that is not cut are multiplied by on each of its faces, ``tests`` of them, [rows, 1].

    A unit of jump has in the energy the size that its face has for the thickness of the box there. In a long thin box
    values at the ends count less for that: what they change reaches no farther than the box is thin.
    """
    halves = layout.halves[box]
    each = [(halves.min() / halves[layout.faces[number].axis]).item() for number in layout.around[box]]
    return torch.tensor(each, dtype=torch.float64).repeat_interleave(tests)[:, None]


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


def response(boxes: Tensor, faces: Tensor, inside: Tensor, given: Tensor, fluxes: Tensor) -> Response:
    """With the fluxes of what is inside."""
    passed = inside.mT @ fluxes.mT
    passed.diagonal(dim1=1, dim2=2).add_(STABILISATION)
    return Response(boxes, faces, inside, given, passed, given @ fluxes.mT)


def flux_rows(layout: Layout, degrees: Degrees, box: int, lengths: Sequence[float]) -> Tensor:
    """From a box's polynomials to its fluxes without the traces' own part, [traces, count]."""
    size, found = len(degrees.traces), [torch.zeros(0, len(degrees.basis), dtype=torch.float64)]
    for number in layout.around[box]:
        face = layout.faces[number]
        own, across = degrees.on_face(layout, face, box)[:2]
        ratio = lengths[number] / layout.halves[box, face.axis].item()
        sign = ratio if face.below == box else -ratio
        found.append((sign * across - STABILISATION * own)[:size])
    return torch.cat(found)


def _solved(degrees: Degrees, equation: Interior, pattern: Pattern) -> Iterator[tuple[Tensor, Tensor]]:
    """The polynomials for no traces, [n, count], and from traces to them, [n or 1, count, traces], for some boxes."""
    right, boxes = weighted_right(degrees, equation), len(equation.right)
    if equation.constant:
        yield _by_qr(equation_rows(degrees, equation), right, pattern)
        return
    basis = _Orthonormal(degrees, equation, pattern)
    rows = right.shape[1] + len(pattern.matching)
    step = max(1, _AT_ONCE // (16 * rows * pattern.matching.shape[1]))
    for first in range(0, boxes, step):
        pause()
        some = range(first, min(first + step, boxes))
        own = right[first : first + step]
        found = basis.by_normal_equations(some, own)
        yield found or _by_qr(equation_rows(degrees, equation.of(some)), own, pattern)


def _by_qr(rows: Tensor, right: Tensor, pattern: Pattern) -> tuple[Tensor, Tensor]:
    m = rows.shape[1]
    Q, R = torch.linalg.qr(torch.cat([rows, pattern.matching.expand(len(rows), -1, -1)], dim=1))
    given = torch.linalg.solve_triangular(R, (right[:, None] @ Q[:, :m]).mT, upper=True)[..., 0]
    return given, torch.linalg.solve_triangular(R, -(Q[:, m:].mT @ pattern.traces), upper=True)


class _Orthonormal:
    """Polynomials in which the rows of a box with the mean of all coefficients are orthonormal.

    Args:
        degrees: Of the polynomials.
        equation: In the boxes.
        pattern: Their rows on faces.
    """

    def __init__(self, degrees: Degrees, equation: Interior, pattern: Pattern):
        (operator,) = equation.operators
        self._alphas = tuple(alpha for _, alpha in operator)
        self._coefficients = [torch.as_tensor(c, dtype=torch.float64) for c in operator.values()]
        means = {key: c.mean().item() for key, c in zip(operator, self._coefficients, strict=True)}
        rows = equation_rows(degrees, replace(equation, operators=(means,)))[0]
        self._triangle = torch.linalg.qr(torch.cat([rows, pattern.matching]), mode="r").R
        weights = degrees.inner[1].sqrt()[:, None]
        tables = degrees.inside_table(self._alphas)
        each = [self._orthonormal(weights * tables[alpha]) for alpha in self._alphas]
        self._tables = torch.stack(each, dim=1)  # [points, derivatives, count]
        matching = self._orthonormal(pattern.matching)
        self._gram, self._passed = matching.mT @ matching, -(matching.mT @ pattern.traces)

    def _orthonormal(self, rows: Tensor) -> Tensor:
        return torch.linalg.solve_triangular(self._triangle, rows, upper=True, left=False)

    def by_normal_equations(self, boxes: range, right: Tensor) -> tuple[Tensor, Tensor] | None:
        """As by QR; None where that is needed."""
        m, n = len(self._tables), len(boxes)
        each = [c[boxes.start : boxes.stop].mT if c.ndim else c.expand(m, n) for c in self._coefficients]
        rows = (torch.stack(each, dim=2) @ self._tables).transpose(0, 1).contiguous()
        gram = torch.baddbmm(self._gram.expand(n, -1, -1), rows.mT, rows)
        lower, failed = torch.linalg.cholesky_ex(gram)
        sizes = lower.diagonal(dim1=1, dim2=2)
        if bool(failed.any()) or not bool((sizes.amax(dim=1) <= _LARGEST_RATIO * sizes.amin(dim=1)).all()):
            return None
        passed = torch.cat([rows.mT @ right[:, :, None], self._passed.expand(n, -1, -1)], dim=2)
        found = torch.linalg.solve_triangular(self._triangle, torch.cholesky_solve(passed, lower), upper=True)
        return found[:, :, 0].contiguous(), found[:, :, 1:].contiguous()
