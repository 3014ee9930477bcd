"""Nonlinear equations on boxes: their residual in all coefficients and traces, and its linearisation.

The steps, damped as they need be, are those of all nonlinear fits (``methods/least_squares.py``). In each step every
box is linearised and eliminated anew.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import cast

import torch
from torch import Tensor

from gmnm_pde._errors import NotFiniteError
from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Condition, conditions, interior, residuals, scaled_like
from gmnm_pde.boxes.faces import lengths_of
from gmnm_pde.boxes.layout import NOWHERE, Layout
from gmnm_pde.boxes.leaves import Free, Pins, matching_rows, patterns
from gmnm_pde.boxes.pins import pinned
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.boxes.state import State
from gmnm_pde.boxes.system import BoxSystem, condition_rows, condition_scale
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.linalg.qr import linear_fit
from gmnm_pde.methods import LeastSquares
from gmnm_pde.methods.least_squares import Outcome, System
from gmnm_pde.methods.monitor import Monitor
from gmnm_pde.residuals.pointwise import reference_fields

NEWTON = LeastSquares()
"""Newton's method as all nonlinear fits have it."""


def by_newton(
    statements: Statements,
    layout: Layout,
    degrees: Degrees,
    units: Sequence[float],
    guess: InitialGuess | None,
    monitor: Monitor,
    method: LeastSquares = NEWTON,
) -> "tuple[NonlinearSystem, Outcome]":
    """The system of a layout, and how Newton's method ended that began with a guess, or the fields of reference."""
    pins = pinned(statements.problem, statements.data, layout, degrees, units)
    system = NonlinearSystem(statements, layout, degrees, units, pins)
    start = None if guess is None else system.imitating(guess.solved_for)
    return system, method.run(cast(System, system), start=start, monitor=monitor)


class NonlinearSystem:
    """The rows of nonlinear equations on boxes as a function of all unknowns.

    Rows are scaled by the linearisation at the fields of reference, and stay so.

    Args:
        statements: What is solved.
        layout: The boxes.
        degrees: Of their polynomials and traces.
        units: What the fields are measured in.
        pins: Rows at given points, by box.
    """

    linear = False

    def __init__(self, statements: Statements, layout: Layout, degrees: Degrees, units: Sequence[float], pins: Pins):
        self._cut = CutRows(statements, layout, units, degrees.inside) if isinstance(layout, CutLayout) else None
        self._statements, self._layout, self._degrees = statements, layout, degrees
        self._units, self._pins = units, pins
        self._lengths = lengths_of(layout)
        self._patterns = patterns(layout, degrees, self._lengths, pins)
        problem = statements.problem
        self._scale = interior(problem, statements.equations, layout, degrees.inner[0], units).scale
        found = conditions(problem, statements.others, layout, degrees.outer[0], units)
        self._scales = {
            n: [condition_scale(one, layout.faces[n], self._lengths[n]) for one in own] for n, own in found.items()
        }

    @property
    def _own(self) -> int:
        return len(self._layout) * self._degrees.own

    @property
    def columns(self) -> int:
        """Number of unknowns."""
        return self._own + len(self._layout.faces) * self._degrees.face_size

    def start(self) -> Tensor:
        """The fields of reference, which are zero as a rule."""
        problem = self._statements.problem
        if not any((*problem.reference, *problem.tilt)):
            return torch.zeros(self.columns, dtype=torch.float64)
        return self.imitating(partial(reference_fields, problem))

    def imitating(self, fields: Callable[[Tensor], Tensor]) -> Tensor:
        """The unknowns of fields that are given as a function of points, from [n, d] to [n, fields]."""
        degrees, layout = self._degrees, self._layout
        zero = (0,) * degrees.dimension
        table = degrees.inside_table((zero,))[zero] * degrees.inner[1][:, None]
        units, points = torch.tensor(tuple(self._units), dtype=torch.float64), layout.points(degrees.inner[0])
        values = fields(points.flatten(0, 1)).view(*points.shape[:2], -1)
        own = (values / units).mT @ table
        for number, (at, _) in ({} if self._cut is None else self._cut.points).items():
            there = degrees.basis.jet((at - layout.middles[number]) / layout.halves[number], (zero,))[zero]
            own[number] = linear_fit(there, fields(at) / units).mT
        traces = values.new_zeros(len(layout.faces), degrees.face_size)
        size, kinds = len(degrees.traces), degrees.kinds
        for number, face in enumerate(layout.faces):
            beside = [box for box in (face.below, face.above) if box != NOWHERE]
            for box in beside:
                tables = degrees.on_face(layout, face, box)
                ratio = self._lengths[number] / layout.halves[box, face.axis].item()
                for k, (field, order) in enumerate(kinds):
                    part = ratio**order * (tables[order][:size] @ own[box, field])
                    traces[number, k :: len(kinds)] += part / len(beside)
        return torch.cat([own.reshape(-1), traces.reshape(-1)])

    def state(self, unknowns: Tensor) -> State:
        """The fields and traces of some unknowns."""
        own = unknowns[: self._own].view(len(self._layout), len(self._units), -1)
        traces = unknowns[self._own :].view(len(self._layout.faces), -1)
        return State(self._layout, self._degrees, self._units, own, traces)

    def residual(self, unknowns: Tensor) -> Tensor:
        """All residuals, scaled and with the roots of the quadrature's weights, [rows]."""
        state, degrees = self.state(unknowns), self._degrees
        assert state.traces is not None
        problem, weights = self._statements.problem, degrees.inner[1].sqrt()
        inside = residuals(problem, self._statements.equations, state, degrees.inner[0], self._scale)
        inside = inside * weights.repeat(self._scale.shape[1])
        parts = [(self._layout.weights[self._layout.whole, None] * inside).flatten()]
        if self._cut is not None:
            parts += [self._cut.residual(state), self._beside_cut(state)]
        for pattern in self._patterns:
            around = torch.tensor([self._layout.around[box] for box in pattern.boxes])
            own = state.coefficients[torch.tensor(pattern.boxes)].flatten(1) @ pattern.matching.mT
            traces = state.traces[around].flatten(1) @ pattern.traces.mT
            parts.append(pattern.weight * (own + traces - pattern.right).flatten())
        for number, own in self._conditions(state).items():
            for one in own:
                rows = condition_rows(self._layout, degrees, number, self._lengths[number], one)
                parts.append(rows.matrix @ state.traces[number] - rows.right)
        return torch.cat(parts)

    def _beside_cut(self, state: State) -> Tensor:
        """How far boxes that are cut are from their traces, and from data in them."""
        assert self._cut is not None and state.traces is not None
        found = []
        for number, (matching, traces) in self._matching_cut.items():
            own, around = state.coefficients[number].flatten(), torch.tensor(self._layout.around[number])
            found.append(self._layout.weights[number] * (matching @ own + traces @ state.traces[around].flatten()))
            if number in self._pins:
                matrix, right = self._pins[number]
                found.append(self._layout.weights[number] * (matrix @ own - right))
        return torch.cat(found)

    @cached_property
    def _matching_cut(self) -> dict[int, tuple[Tensor, Tensor]]:
        """The rows that match boxes that are cut with their traces."""
        assert self._cut is not None
        layout, degrees = self._layout, self._degrees
        return {number: matching_rows(layout, degrees, number, self._lengths) for number in self._cut.numbers}

    def factored(self, unknowns: Tensor) -> BoxSystem:
        """The linearisation at some unknowns, in the unknowns themselves, factored.

        Raises:
            NotFiniteError: it is not finite, or leaves something free.
        """
        state = self.state(unknowns)
        problem, unit = self._statements.problem, self._degrees.inner[0]
        equation = interior(
            problem, self._statements.equations, self._layout, unit, self._units, state=state, scale=self._scale
        )
        known = self._conditions(state)
        try:
            cut = None if self._cut is None else self._cut.at(state)
            return BoxSystem(self._layout, self._degrees, equation, known, self._pins, self._patterns, cut)
        except Free as why:
            raise NotFiniteError(f"linearised, {why}") from None

    def _conditions(self, state: State) -> dict[int, list[Condition]]:
        problem, unit = self._statements.problem, self._degrees.outer[0]
        found = conditions(problem, self._statements.others, self._layout, unit, self._units, state=state, finite=False)
        return scaled_like(found, self._scales)
