"""Boxes coupled by the traces of values alone, and a balance of fluxes: what three dimensions can afford.

Given the values on its faces, a box is solved by least squares. On each face the two derivatives across are to balance,

    sum over both sides of  l d_n u_K - tau (u_K - lambda) = 0,

tested with the polynomials of the trace: a square system, as in the hybridised discontinuous Galerkin method (B.
Cockburn, J. Gopalakrishnan, R. Lazarov, SIAM J. Numer. Anal. 47, 2009). It is solved by GMRES with the inverses of the
faces' own blocks. Boxes at the boundary look like all others: conditions are equations of their outer faces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Condition, Interior
from gmnm_pde.boxes.faces import along, in_units, lengths_of
from gmnm_pde.boxes.layout import Face, Layout
from gmnm_pde.boxes.leaves import equation_rows
from gmnm_pde.boxes.reading import Unsuited
from gmnm_pde.boxes.system import condition_scale
from gmnm_pde.interruption import pause
from gmnm_pde.linalg.gmres import gmres

_STABILISATION = 1.0
"""tau: how much a difference of a box's values from the trace counts beside its derivative across."""

_LEFT, _MOST = 1e-13, 400
"""GMRES ends when this part of the right-hand side is left, and after so many products."""

_ENOUGH = 1e-9
"""With more than this left it has failed."""

_AT_ONCE = 2**27
"""Bytes of boxes that are factored at a time."""


@dataclass(frozen=True)
class _Outer:
    """An outer face: weights of the trace [size, size] and of the flux, and the right-hand side, [size]."""

    face: int
    trace: Tensor
    flux: Tensor
    right: Tensor


class Balance:
    """The square system of an even layout.

    Args:
        layout: The boxes.
        degrees: Of their polynomials and traces.
        equation: At the points of the boxes.
        conditions: By the number of their outer face.

    Raises:
        Unsuited: an outer face has no condition, or GMRES fails.
    """

    def __init__(
        self,
        layout: Layout,
        degrees: Degrees,
        equation: Interior,
        conditions: Mapping[int, Sequence[Condition]],
    ):
        self.layout, self.degrees, self.equation = layout, degrees, equation
        self.faces = torch.tensor(layout.around)
        self._lengths = lengths_of(layout)
        self._factor()
        self._outer = [self._condition(n, f, conditions.get(n, ())) for n, f in enumerate(layout.faces) if f.outer]
        self._at = torch.tensor([outer.face for outer in self._outer])
        self._trace, self._flux = (torch.stack([getattr(o, name) for o in self._outer]) for name in ("trace", "flux"))

    @property
    def size(self) -> int:
        """Unknowns of a face."""
        return len(self.degrees.traces)

    @property
    def columns(self) -> int:
        """All unknowns."""
        return len(self.layout) * len(self.degrees.basis) + self.size * len(self.layout.faces)

    def _factor(self) -> None:
        """By box, its polynomials for given traces and for none, and the fluxes of these."""
        layout, degrees, size = self.layout, self.degrees, self.size
        tests, sides = len(degrees.tests), self.faces.shape[1]
        tables = [degrees.on_face(layout, layout.faces[number], 0) for number in layout.around[0]]
        values = torch.cat([table[0] for table in tables])
        traces = torch.zeros(sides * tests, sides * size, dtype=torch.float64)
        for k in range(sides):
            traces[k * tests : k * tests + size, k * size : (k + 1) * size].fill_diagonal_(1.0)
        signs = [1.0 if layout.faces[number].below == 0 else -1.0 for number in layout.around[0]]
        ahead = [sign * across - _STABILISATION * own for sign, (own, across) in zip(signs, tables, strict=True)]
        fluxes = torch.cat([own[:size] for own in ahead])
        weights, rows = degrees.inner[1].sqrt(), (len(degrees.inner[1]) + len(values))
        step = len(layout) if self.equation.constant else max(1, _AT_ONCE // (16 * rows * values.shape[1]))
        inside, given = [], []
        for first in range(0, len(layout), step):
            pause()
            part = self.equation.of(range(first, min(first + step, len(layout))))
            own = equation_rows(degrees, part)
            matrix = torch.cat([own, values.expand(len(own), -1, -1)], dim=1)
            Q, R = torch.linalg.qr(matrix)
            m = own.shape[1]
            right = (part.right * weights)[:, None] @ Q[:, :m]
            given.append(torch.linalg.solve_triangular(R, right.mT, upper=True)[..., 0])
            inside.append(torch.linalg.solve_triangular(R, Q[:, m:].mT @ traces, upper=True))
        self._inside, self._given = torch.cat(inside), torch.cat(given)
        self._passed = fluxes @ self._inside + _STABILISATION * torch.eye(sides * size, dtype=torch.float64)
        self._sources = (self._given @ fluxes.mT).unflatten(1, (sides, size))

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

    def _balanced(self, fluxes: Tensor, traces: Tensor | None) -> Tensor:
        """What fluxes [boxes, sides, size] and traces [faces, size] come to in the equations, [faces, size]."""
        total = fluxes.new_zeros(len(self.layout.faces), self.size)
        total.index_add_(0, self.faces.flatten(), fluxes.flatten(0, 1))
        own = (self._flux @ total[self._at][..., None])[..., 0]
        if traces is not None:
            own = own + (self._trace @ traces[self._at][..., None])[..., 0]
        total[self._at] = own
        return total

    def _times(self, traces: Tensor) -> Tensor:
        """The system's matrix times traces [faces, size]."""
        gathered = traces[self.faces].flatten(1)
        shared = len(self._passed) == 1
        passed = gathered @ self._passed[0].mT if shared else (self._passed @ gathered[..., None])[..., 0]
        return self._balanced(passed.unflatten(1, (-1, self.size)), traces)

    def _inverses(self, kept: int) -> Tensor:
        """The inverses of the faces' own blocks, [faces, kept, kept]."""
        sides, size = self.faces.shape[1], self.size
        blocks = self._passed.new_zeros(len(self.layout.faces), size, size)
        for k in range(sides):
            own = self._passed[:, k * size : (k + 1) * size, k * size : (k + 1) * size]
            blocks.index_add_(0, self.faces[:, k], own.expand(len(self.faces), -1, -1).contiguous())
        blocks[self._at] = self._flux @ blocks[self._at] + self._trace
        return torch.linalg.inv(blocks[:, :kept, :kept])

    def coefficients(self) -> Tensor:
        """The coefficients of the boxes, [boxes, 1, count]."""
        return self._solved(self.size)

    def with_fewer(self, degree: int) -> Tensor:
        """The same with traces of a lower degree: a worse solution."""
        return self._solved(int((self.degrees.traces.degrees.sum(dim=1) <= degree).sum()))

    def _solved(self, kept: int) -> Tensor:
        """With the leading traces of each face alone."""
        right = -self._balanced(self._sources, None)
        right[self._at] += torch.stack([outer.right for outer in self._outer])
        inverses, faces = self._inverses(kept), len(self.layout.faces)

        def whole(leading: Tensor) -> Tensor:
            traces = leading.new_zeros(faces, self.size)
            traces[:, :kept] = (inverses @ leading.view(faces, kept, 1))[..., 0]
            return traces

        found = gmres(
            lambda vector: self._times(whole(vector))[:, :kept].flatten(),
            right[:, :kept].flatten(),
            tolerance=_LEFT,
            most=_MOST,
        )
        if not found.left < _ENOUGH:
            raise Unsuited("the balance of fluxes is not met")
        traces = whole(found.solution)[self.faces].flatten(1)
        shared = len(self._inside) == 1
        inside = traces @ self._inside[0].mT if shared else (self._inside @ traces[..., None])[..., 0]
        return (self._given + inside)[:, None]


def require_elliptic(equation: Interior, conditions: Mapping[int, Sequence[Condition]]) -> None:
    """Refuse what a balance of fluxes is not for.

    Raises:
        Unsuited: the equation has waves or a direction of time, or nothing but derivatives is given.
    """
    d, operator = len(equation.alphas[0]), equation.within(0, 0)
    seconds = [tuple(2 * int(k == axis) for k in range(d)) for axis in range(d)]
    known = {alpha: torch.as_tensor(c, dtype=torch.float64) for alpha, c in operator.items()}
    if not all(alpha in known for alpha in seconds):
        raise Unsuited("the equation is not elliptic")
    sign = torch.sign(known[seconds[0]].flatten()[0])
    least = torch.stack([(sign * known[alpha]).min() for alpha in seconds]).min().item()
    mixed = [c.abs().max().item() for alpha, c in known.items() if sum(alpha) == 2 and alpha not in seconds]
    if not least > sum(mixed):
        raise Unsuited("the equation is not elliptic")
    zero = (0,) * d
    if zero in known and (sign * known[zero]).max().item() > 0:
        raise Unsuited("the equation has waves in three coordinates")
    none = torch.zeros(1, dtype=torch.float64)
    valued = any(bool(one.slopes.get((0, zero), none).any()) for own in conditions.values() for one in own)
    if not valued and not (zero in known and bool(known[zero].any())):
        raise Unsuited("only derivatives of the solution are given")
