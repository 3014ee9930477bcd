"""Boxes coupled by the traces of values alone, and a balance of fluxes: what three dimensions can afford.

Given the values on its faces, a box is solved by least squares. On each face the two derivatives across are to balance,

    sum over both sides of  l d_n u_K - tau (u_K - lambda) = 0,

tested with the polynomials of the trace: a square system, as in the hybridised discontinuous Galerkin method (B.
Cockburn, J. Gopalakrishnan, R. Lazarov, SIAM J. Numer. Anal. 47, 2009). It is solved by GMRES with the inverses of the
faces' own blocks. Boxes at the boundary look like all others: conditions are equations of their outer faces.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Condition, Interior
from gmnm_pde.boxes.faces import along, in_units, lengths_of
from gmnm_pde.boxes.layout import Face, Layout
from gmnm_pde.boxes.reading import Unsuited
from gmnm_pde.boxes.space.cut_responses import cut_responses
from gmnm_pde.boxes.space.responses import Response, of_all, responses
from gmnm_pde.boxes.system import condition_scale
from gmnm_pde.linalg.gmres import gmres
from gmnm_pde.processes import count, gathered, portion, rank

_LEFT, _MOST = 1e-13, 400
"""GMRES ends when this part of the right-hand side is left, and after so many products."""

_LEFT_OF_CHANGE = 1e-4
"""The same of how worse solutions differ from the best."""

_ENOUGH = 1e-7
"""With more than this left it has failed."""


@dataclass(frozen=True)
class _Outer:
    """An outer face: weights of the trace [size, size] and of the flux, and the right-hand side, [size]."""

    face: int
    trace: Tensor
    flux: Tensor
    right: Tensor


class Balance:
    """The square system of a layout.

    Args:
        layout: The boxes.
        degrees: Of their polynomials and traces.
        equation: At the points of the boxes.
        conditions: By the number of their outer face.
        cut: The rows of boxes that the boundary cuts.

    Raises:
        Unsuited: an outer face has no condition, or GMRES fails.
    """

    def __init__(
        self,
        layout: Layout,
        degrees: Degrees,
        equation: Interior,
        conditions: Mapping[int, Sequence[Condition]],
        cut: CutRows | None = None,
    ):
        self.layout, self.degrees, self.equation = layout, degrees, equation
        self._lengths, self._process, self._processes = lengths_of(layout), rank(), count()
        self._responses = responses(layout, degrees, equation, self._lengths, divided=True)
        if cut is not None:
            self._responses += cut_responses(degrees, cut, self._lengths, divided=True)
        self._outer = [self._condition(n, f, conditions.get(n, ())) for n, f in enumerate(layout.faces) if f.outer]
        self._at = torch.tensor([outer.face for outer in self._outer], dtype=torch.long)
        nothing = torch.zeros(0, self.size, self.size, dtype=torch.float64)
        self._trace = torch.stack([o.trace for o in self._outer]) if self._outer else nothing
        self._flux = torch.stack([o.flux for o in self._outer]) if self._outer else nothing

    @property
    def size(self) -> int:
        """Unknowns of a face."""
        return len(self.degrees.traces)

    @property
    def columns(self) -> int:
        """All unknowns."""
        return len(self.layout) * len(self.degrees.basis) + self.size * len(self.layout.faces)

    def _condition(self, number: int, face: Face, conditions: Sequence[Condition]) -> _Outer:
        """The equations of an outer face, tested with the polynomials of its trace."""
        unit, weights = self.degrees.outer
        if len({row for one in conditions for row in one.rows.tolist()}) < len(unit):
            raise Unsuited("a part of a side has no condition")
        zero = (0,) * (self.degrees.dimension - 1)
        tested = self.degrees.traces.jet(unit, (zero,))[zero]
        length, sign = self._lengths[number], 1.0 if face.above < 0 else -1.0
        trace, flux = torch.zeros(self.size, self.size).double(), torch.zeros(self.size, self.size).double()
        right = torch.zeros(self.size, dtype=torch.float64)
        for one in conditions:
            scale = condition_scale(one, face, length) * weights[one.rows, None] * tested[one.rows]
            right += scale.mT @ one.right
            for (_, alpha), slope in one.slopes.items():
                beside = along(face, alpha)
                table = self.degrees.traces.jet(unit[one.rows], (beside,))[beside]
                own = scale.mT @ (slope[:, None] * in_units(face, length, alpha) * table)
                if alpha[face.axis]:
                    flux += sign * own
                else:
                    trace += own
        return _Outer(number, trace, flux, right)

    def _balanced(self, fluxes: Callable[[Response], Tensor], traces: Tensor | None) -> Tensor:
        """What the fluxes of all boxes and traces [faces, size] come to in the equations, [faces, size]."""
        total = self._trace.new_zeros(len(self.layout.faces), self.size)
        for faces, (part,) in zip(self._beside, gathered(lambda: [self._added(fluxes)]), strict=True):
            total.index_add_(0, faces, part)  # of one process or of two
        outer = (self._flux @ total[self._at][..., None])[..., 0]
        if traces is not None:
            outer = outer + (self._trace @ traces[self._at][..., None])[..., 0]
        total[self._at] = outer
        return total

    @cached_property
    def _own(self) -> list[Response]:
        """The responses that belong to this process."""
        return [own for own in self._responses if max(own.owner, 0) == self._process]

    @cached_property
    def _beside(self) -> list[Tensor]:
        """The faces of the boxes of each process."""
        every = [[torch.zeros(0, dtype=torch.long)] for _ in range(self._processes)]
        for own in self._responses:
            every[max(own.owner, 0)].append(own.faces.flatten())
        return [torch.cat(faces).unique() for faces in every]

    def _added(self, fluxes: Callable[[Response], Tensor]) -> Tensor:
        """The sums of the fluxes of this process's boxes on their faces, [their faces, size]."""
        total = self._trace.new_zeros(len(self.layout.faces), self.size)
        for own in self._own:
            total.index_add_(0, own.faces.flatten(), fluxes(own).reshape(-1, self.size))
        return total[self._beside[self._process]]

    def _times(self, traces: Tensor) -> Tensor:
        """The system's matrix times traces [faces, size]."""
        return self._balanced(lambda own: own.fluxes(traces[own.faces].flatten(1)), traces)

    @cached_property
    def _blocks(self) -> Tensor:
        """The faces' own blocks, [faces, size, size]."""
        parts = [part for (part,) in gathered(lambda: [self._own_blocks()])]  # one box's at a face, or two boxes'
        blocks = sum(parts[1:], start=parts[0])
        blocks[self._at] = self._flux @ blocks[self._at] + self._trace
        return blocks

    def _own_blocks(self) -> Tensor:
        """What the boxes of this process add to the faces' own blocks."""
        size = self.size
        blocks = self._trace.new_zeros(len(self.layout.faces), size, size)
        for own in self._own:
            n, sides = own.faces.shape
            for k in range(sides):
                part = own.passed[:, k * size : (k + 1) * size, k * size : (k + 1) * size].mT
                blocks.index_add_(0, own.faces[:, k], part.expand(n, -1, -1).contiguous())
        return blocks

    def coefficients(self) -> Tensor:
        """The coefficients of the boxes, [boxes, 1, count]."""
        return self._inside(self._solution)

    def with_fewer(self, degree: int) -> Tensor:
        """The same with traces of a lower degree: a worse solution, known by how it differs from the best."""
        leading = self._solution.clone()
        leading[:, int((self.degrees.traces.degrees.sum(dim=1) <= degree).sum()) :] = 0.0
        return self._inside(self._corrected(leading, degree, _LEFT_OF_CHANGE))

    @cached_property
    def _right(self) -> Tensor:
        """The right-hand side, [faces, size]."""
        right = -self._balanced(lambda own: own.sources, None)
        if self._outer:
            right[self._at] += torch.stack([outer.right for outer in self._outer])
        return right

    @cached_property
    def _solution(self) -> Tensor:
        """The traces, [faces, size]."""
        return self._corrected(torch.zeros_like(self._right), self.degrees.on_faces, _LEFT)

    def _corrected(self, traces: Tensor, degree: int, tolerance: float) -> Tensor:
        """Traces [faces, size] so changed that those up to a degree meet the system."""
        kept, faces = int((self.degrees.traces.degrees.sum(dim=1) <= degree).sum()), len(traces)
        mine, missing = portion(faces), self._right
        inverses = torch.linalg.inv(self._blocks[mine, :kept, :kept])
        if bool(traces.any()):
            missing = missing - self._times(traces)

        def whole(leading: Tensor) -> Tensor:
            found = leading.new_zeros(faces, self.size)
            each = gathered(lambda: [(inverses @ leading.view(faces, kept, 1)[mine])[..., 0]])
            found[:, :kept] = torch.cat([part for (part,) in each])
            return found

        found = gmres(
            lambda vector: self._times(whole(vector))[:, :kept].flatten(),
            missing[:, :kept].flatten(),
            tolerance=tolerance,
            most=_MOST,
        )
        if not found.left < max(_ENOUGH, tolerance):
            raise Unsuited("the balance of fluxes is not met")
        return traces + whole(found.solution)

    def _inside(self, traces: Tensor) -> Tensor:
        """The coefficients of the boxes, [boxes, 1, count], for given traces."""
        inside = traces.new_empty(len(self.layout), len(self.degrees.basis))
        found = of_all(self._responses, lambda own: own.polynomials(traces[own.faces].flatten(1)))
        for own, polynomials in zip(self._responses, found, strict=True):
            inside[own.boxes] = polynomials
        return inside[:, None]
