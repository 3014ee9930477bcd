"""A solution on boxes as an approximate solution, and how it is made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import cast

import torch
from torch import Tensor

from gmnm_pde.boxes.bent import Bent
from gmnm_pde.boxes.cut_layout import CutLayout
from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Interior, conditions, interior, sampled
from gmnm_pde.boxes.estimate import Judged, judged
from gmnm_pde.boxes.foresight import ROUGH, decay_of, high_parts
from gmnm_pde.boxes.guesses import OfModel, at_size_of, first_guess, model_of
from gmnm_pde.boxes.held_out import HeldOut
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.materials.layout import Joined
from gmnm_pde.boxes.materials.reading import SeveralParts
from gmnm_pde.boxes.materials.system import JoinedHeldOut, joined_system, joined_units
from gmnm_pde.boxes.newton import NEWTON, NonlinearSystem, by_newton
from gmnm_pde.boxes.pins import pinned, pinned_fields
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.boxes.space.balance import Balance
from gmnm_pde.boxes.space.coupled import Coupled
from gmnm_pde.boxes.space.elliptic import require_elliptic
from gmnm_pde.boxes.space.traced import Traced
from gmnm_pde.boxes.system import BoxSystem
from gmnm_pde.boxes.units import units_of
from gmnm_pde.collocation.whole import Counts, hold_out
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.fitting.faint import measured_by
from gmnm_pde.fitting.fit import fields_from
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.methods import LeastSquares
from gmnm_pde.methods.least_squares import Outcome
from gmnm_pde.methods.monitor import UNWATCHED, Monitor
from gmnm_pde.models import Normalized
from gmnm_pde.residuals import ReadoutSystem
from gmnm_pde.statement.problem import Problem

_BALANCED = 3
"""From so many coordinates on boxes are coupled by traces of values and a balance of fluxes: to eliminate traces of
derivatives, too, would be too dear."""

_PROBED = 8
"""Of this degree are the points at which an equation is looked at before it is solved."""

_HELD_OUT, _HELD_OUT_GRADED = 1500, 24_000
"""Points at which residuals are reported; where boxes are thin a few in these tell most."""

_THIN = 0.05
"""Boxes in space are thin that have a side of no more than this part of the longest of all."""


@dataclass
class BoxFit:
    """A fitted model on boxes (``fitting/approximation.py``).

    Attributes:
        statements: What was solved.
        model: The polynomials in the boxes.
        layout: The boxes.
        degrees: Of the polynomials.
        judged: What is known of its error.
        unknowns: How many numbers were solved for, traces included.
        shared: Whether all boxes share one factorisation.
        seed: Of the points at which residuals are reported.
        residuals: At points where nothing was fitted.
        coefficients: Of the polynomials, fields in their units, [boxes, fields, count].
        steps: How many linear systems were solved.
        converged: Whether Newton's method did.
        reason: In words, how that ended.
        late: Whether a limit or a request ended it.
    """

    statements: Statements
    model: Normalized
    layout: Layout
    degrees: Degrees
    judged: Judged
    unknowns: int
    shared: bool
    seed: int
    residuals: HeldOut | JoinedHeldOut
    coefficients: Tensor
    components: None = None
    widths: tuple[float, ...] = ()
    trained: int = 0
    steps: int = 1
    converged: bool = True
    reason: str = ""
    late: bool = False

    def __post_init__(self) -> None:
        problem = self.statements.problem
        thin = self.layout.dimension > 2 and bool(self.layout.halves.min() <= _THIN * self.layout.halves.max())
        count = _HELD_OUT_GRADED if thin else _HELD_OUT
        placed = hold_out(problem, Counts(count, _HELD_OUT if thin else None), seed=self.seed, most=count)
        self.held_out = ReadoutSystem(problem, self.model, placed, engine="closed")

    @property
    def fits(self) -> "tuple[BoxFit, ...]":
        """Itself: the fits that an approximation is made of."""
        return (self,)

    @property
    def system(self) -> ReadoutSystem:
        """Residuals of the model as it is; the rows that were fitted are gone."""
        return self.held_out

    @property
    def theta(self) -> Tensor:
        """No unknowns beside those in the model."""
        return torch.zeros(0, dtype=torch.float64)

    def install(self) -> "BoxFit":
        """Itself: the model holds its solution."""
        return self

    def outputs(self, points: Tensor) -> Tensor:
        """The fields at points [n, d]: [n, fields]."""
        return fields_from(self.statements.problem, points, self.solved_for(points))

    @torch.no_grad()
    def solved_for(self, points: Tensor) -> Tensor:
        """The fields in all parts, where there are several."""
        return self.model(points)

    def named_residuals(self) -> dict[str, Tensor]:
        """The unscaled residuals on held-out points, by name."""
        return self.held_out.named_residuals(self.theta)

    @property
    def parameters(self) -> dict[str, float]:
        """No unknown parameters."""
        return {}

    @property
    def loss(self) -> float:
        """The mean squared residual, rows scaled, a box."""
        return self.judged.residual**2

    @property
    def validation_residual(self) -> float:
        """The held-out residual of the fit, relative to that of the zero solution."""
        return self.judged.relative

    @property
    def points(self) -> int:
        """How many points were fitted."""
        return len(self.layout) * len(self.degrees.inner[1])

    def decay(self) -> float:
        """By what factor the solution's parts fall from one degree to the next."""
        return decay_of(self._parts, self.degrees.basis)

    @cached_property
    def squares(self) -> Tensor:
        """The sum of the squares of the held-out residuals of each box, [boxes]."""
        known = self.judged.squares
        return self.residuals.by_box(self.coefficients, self.degrees.inside) if known is None else known

    @cached_property
    def falls(self) -> list[float]:
        """By what factor the solution's parts fall from one degree to the next in each box."""
        return [decay_of(own, self.degrees.basis) for own in self.judged.parts]

    def rough_in(self, box: int) -> list[int]:
        """The axes along which the solution varies in a box about as much as along any."""
        parts = high_parts(self.judged.parts[box], self.degrees.basis)
        return (parts >= ROUGH * parts.max()).nonzero()[:, 0].tolist()

    def rough(self) -> list[bool]:
        """Along which axes the solution varies about as much as along any."""
        parts = high_parts(self._parts, self.degrees.basis)
        return (parts >= ROUGH**2 * parts.max()).tolist()

    @property
    def relative(self) -> Tensor:
        """The coefficients, [boxes, fields, count]; several fields relative to the size of each."""
        weights = self.model.inner.weights.detach()
        if weights.shape[1] > 1:
            sizes = weights.square().sum(dim=(0, 2), keepdim=True).sqrt()
            weights = weights / torch.where(sizes > 0, sizes, 1.0)
        return weights

    @property
    def _parts(self) -> Tensor:
        return self.relative.flatten(0, 1)


@dataclass(frozen=True)
class _Solved:
    """A system and its solution.

    Attributes:
        system: Factored.
        coefficients: Of the boxes, [boxes, fields, count].
        held_out: The residuals at other points.
        left: How far the coefficients are from the least squares solution, [boxes, fields, count].
        outcome: Of Newton's method, if it was used.
        bent: The residuals of nonlinear equations.
    """

    system: BoxSystem | Balance | Coupled
    coefficients: Tensor
    held_out: HeldOut | JoinedHeldOut
    left: Tensor | None = None
    outcome: Outcome | None = None
    bent: Bent | None = None


def fit_boxes(
    statements: Statements,
    layout: Layout,
    degree: int,
    seed: int,
    *,
    guess: InitialGuess | None = None,
    monitor: Monitor = UNWATCHED,
    newton: LeastSquares = NEWTON,
) -> BoxFit:
    """Solve on boxes, and estimate the error; Newton's method begins with ``guess``, where that is given.

    Rows of nonlinear equations are scaled by what is about the fields' size: where fluids flow fast, what moves with
    them counts, not viscosity alone. Without a guess it is known after a first solution.
    """
    stated, how = statements, {"monitor": monitor, "method": newton}
    if not statements.problem.linear and guess is None:
        guess = first_guess(statements, layout, degree, **how)
    if not statements.problem.linear and guess is not None:
        statements = at_size_of(guess, statements)
    problem, degrees = statements.problem, Degrees.of(layout.dimension, degree, statements.across)
    held_out: HeldOut | JoinedHeldOut
    if isinstance(statements, SeveralParts):
        assert isinstance(layout, Joined)
        units = joined_units(statements, layout, degrees)
        held_out = JoinedHeldOut(statements, layout, units, seed)
    else:
        units = units_of(problem, statements.equations, layout, degrees.inner[0])
        held_out = HeldOut(statements, layout, units, seed)

    def solved(lower: Degrees, begin: InitialGuess | None = guess) -> _Solved:
        if isinstance(held_out, JoinedHeldOut):
            system = joined_system(held_out.statements, held_out.layout, lower, units)
            return _Solved(system, system.coefficients(), held_out)
        if problem.linear:
            return _linear(statements, layout, lower, units, held_out)
        return _nonlinear(statements, layout, lower, units, held_out, partial(by_newton, guess=begin, **how))

    found = solved(degrees)
    system, coefficients = found.system, found.coefficients
    model = model_of(problem, layout, coefficients, degree, units)
    near = guess if newton is NEWTON else OfModel(model)  # on the way of a continuation estimates may be rough
    lower, measured = (lambda n: solved(n, near).coefficients), partial(_measured_by, stated.problem, units)
    known = judged(system, held_out, found.held_out, coefficients, found.left, lower, measured, found.bent)
    fit = BoxFit(
        stated,
        model,
        layout,
        degrees,
        known,
        system.columns,
        system.equation.constant,
        seed,
        found.held_out,
        coefficients,
    )
    if found.outcome is None:
        return fit
    ended = found.outcome
    return replace(fit, steps=ended.steps, converged=ended.converged, reason=ended.reason, late=ended.late)


def _measured_by(
    problem: Problem, units: Sequence[float], sizes: Tensor, changes: Tensor, errors: Tensor
) -> Tensor | None:
    """What errors of fields in their units are relative to, where some are next to nothing."""
    own = torch.tensor(tuple(units), dtype=torch.float64)
    larger = measured_by(problem, own * sizes, own * changes, own * errors)
    return None if larger is None else larger / own


def _linear(
    statements: Statements, layout: Layout, degrees: Degrees, units: Sequence[float], held_out: HeldOut
) -> _Solved:
    problem = statements.problem
    equation = interior(problem, statements.equations, layout, degrees.inner[0], units)
    known = conditions(problem, statements.others, layout, degrees.outer[0], units)
    cut = CutRows(statements, layout, units, degrees.inside) if isinstance(layout, CutLayout) else None
    system: BoxSystem | Balance | Coupled
    if layout.dimension >= _BALANCED and len(units) == 1:
        system = Balance(layout, degrees, equation, known, cut)
    else:
        pins = pinned(problem, statements.data, layout, degrees, units)
        if layout.dimension < _BALANCED:
            system = BoxSystem(layout, degrees, equation, known, pins, cut=cut)
        else:
            traced = Traced.of(sampled(problem, statements.equations))
            couplings = traced.couplings(problem, statements.equations, layout.faces, units)
            system = Coupled(layout, degrees, equation, known, pins, traced, couplings, cut)
    return _Solved(system, system.coefficients(), held_out)


def _nonlinear(
    statements: Statements,
    layout: Layout,
    degrees: Degrees,
    units: Sequence[float],
    held_out: HeldOut,
    newton: Callable[..., tuple[NonlinearSystem, Outcome]],
) -> _Solved:
    system, outcome = newton(statements, layout, degrees, units)
    last = cast(BoxSystem, outcome.solver)
    state = system.state(outcome.theta)
    left = last.coefficients() - state.coefficients
    at = held_out.at(replace(state, traces=None))
    return _Solved(last, state.coefficients, at, left, outcome, Bent(system.residual, outcome.theta))


def probed(statements: Statements) -> Interior:
    """The equation at points of one box that is all of the domain.

    Raises:
        Unsuited: in three coordinates it is not elliptic, or of the solution derivatives alone are given.
    """
    problem = statements.problem
    if isinstance(statements, SeveralParts):
        return probed(statements.parts[0])
    if is_box(problem.domain):
        layout = Layout.even((1,) * problem.domain.dimension, problem.domain.bounds)
        degrees = Degrees.of(problem.domain.dimension, _PROBED)
        units = units_of(problem, statements.equations, layout, degrees.inner[0])
        equation = interior(problem, statements.equations, layout, degrees.inner[0], units)
    else:
        equation = sampled(problem, statements.equations)
    if problem.domain.dimension >= _BALANCED:
        valued = {field for term in statements.others for field, alpha in term.trace.asked if not any(alpha)}
        require_elliptic(equation, valued=valued, pinned=pinned_fields(statements.data))
    return equation
