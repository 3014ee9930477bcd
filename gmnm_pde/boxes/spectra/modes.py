"""Modes of eigenvalue problems on boxes, and their errors by the distance from those of a coarser discretisation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.estimate import Judged
from gmnm_pde.boxes.fit import BoxFit
from gmnm_pde.boxes.guesses import model_of
from gmnm_pde.boxes.held_out import HeldOut
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.reading import Unsuited, read
from gmnm_pde.boxes.sizes import Sizes
from gmnm_pde.boxes.spectra.spectral import Search, Shifted, ShiftInverted, known
from gmnm_pde.fitting.candidate import Candidate
from gmnm_pde.fitting.estimate import ErrorEstimate
from gmnm_pde.fitting.inspection import NOTHING_LEFT, Left
from gmnm_pde.fitting.modes import sizes_of, turned
from gmnm_pde.fitting.shifted_pencil import real_modes
from gmnm_pde.interruption import pause
from gmnm_pde.linalg.arnoldi import Ritz
from gmnm_pde.models import Normalized
from gmnm_pde.statement.problem import Problem

_GUARDS = 3
"""So many modes more than are wanted are found, so that those of one value are found together."""

_TOO_NEAR = 10.0
"""At a shift so many times nearer to one value than to the last one that is found least squares do worse."""

_ASIDE, _PLACES = 0.2, 41
"""It is then moved to where it is farthest from all values, by no more than this part of the distance to the last one:
so many places are looked at."""

_MOST_MOVES = 2
"""How often it is moved at the most: next to a value the others are known too badly."""

_MOST_TRIES = 5
"""How often modes are sought at the most, for them or for more of them."""

_MOST_LEFT = 0.9
"""From one discretisation to the next at the most this part of an error is taken to be left."""

_ROUNDING = 2e-14
"""No estimate is below this part of the values."""


@dataclass
class ModeFit(BoxFit):
    """A mode as a fit of the problem with its value as a constant.

    Attributes:
        value: The eigenvalue, by the name of the parameter.
    """

    value: Mapping[str, float] | None = None

    @property
    def parameters(self) -> dict[str, float]:
        """The eigenvalue."""
        return dict(self.value or {})


@dataclass(frozen=True)
class BoxModes:
    """Modes on boxes; the counterpart of ``fitting/modes.py``.

    Attributes:
        fits: The modes, one for each value.
        values: The eigenvalues, ascending, [count].
        imaginary: The largest imaginary part of a value, which is 0 but for rounding where values are real.
        unsettled: How far they may be from those of the discretisation, where iterations ended, [count].
        shift: Near which they were found.
        points: At which modes are compared, [n, d].
        beyond: Further values, and the modes at the points, [n * fields, k].
        model: All of these modes at once, with the fields of each in turn.
        drifts: The estimated errors of the values, absolute, [count].
        errors: Those of the modes, relative L2, [count].
    """

    fits: tuple[ModeFit, ...]
    values: Tensor
    imaginary: float
    unsettled: Tensor
    shift: float
    points: Tensor
    beyond: tuple[Tensor, Tensor]
    model: Normalized
    drifts: Tensor
    errors: Tensor
    tried: int = 1

    drift: ClassVar[None] = None
    left: ClassVar[Left] = NOTHING_LEFT

    @property
    def worst(self) -> float:
        """The largest relative error of a value, by the estimate."""
        return self.relative.max().item()

    @property
    def error(self) -> float:
        """What adaptive methods compare."""
        return self.worst

    @property
    def relative(self) -> Tensor:
        """The relative errors of the values, by the estimates, [count]."""
        return self.drifts / self._sizes

    @property
    def _sizes(self) -> Tensor:
        """What errors of values are relative to, [count]."""
        return sizes_of(self.values, self.beyond[0][len(self.values) :][:1])

    @property
    def worst_fit(self) -> ModeFit:
        """The mode whose value has the largest error."""
        return self.fits[int(self.relative.argmax())]

    @property
    def residuals(self) -> Tensor:
        """The held-out residuals of the modes, relative to their size, [count]."""
        return torch.tensor([fit.judged.relative for fit in self.fits], dtype=torch.float64)

    @property
    def validation_residual(self) -> float:
        """The largest of them."""
        return self.residuals.max().item()

    def compared(self, before: "BoxModes") -> "BoxModes":
        """With errors by how far the modes are from those of a coarser discretisation.

        Where residuals fall by a factor rho, a series of such steps leaves rho / (1 - rho) times the last one.
        """
        rho = (self.residuals / before.residuals.clamp_min(torch.finfo(torch.float64).tiny)).clamp(max=_MOST_LEFT)
        factor = (rho / (1 - rho)).clamp_min(1.0)
        values, modes = before.beyond
        steps = turned(modes, values, self.beyond[1][:, : len(self.values)], self.values)
        drifts = factor * (self.values - before.values).abs() + self.imaginary + before.imaginary
        drifts = drifts + self.unsettled + before.unsettled
        drifts = drifts + _ROUNDING * torch.maximum(self.values.abs(), self._sizes)
        errors = factor * steps + _ROUNDING
        return replace(self, drifts=drifts, errors=errors)

    def model_at(self, points: Tensor) -> Tensor:
        """All modes at the points of other boxes, [boxes, points, d]: [boxes, points, fields, modes]."""
        fields = self.model(points.flatten(0, 1)).unflatten(1, (self.beyond[1].shape[1], -1))
        return fields.unflatten(0, points.shape[:2]).transpose(2, 3)

    def candidates(self) -> list[Candidate]:
        """Each mode as a fit of the problem, with the errors of its fields and of its value."""
        found = []
        for fit, error, drift in zip(self.fits, self.errors.tolist(), self.drifts.tolist(), strict=True):
            by_field = {name: error for name in fit.statements.problem.fields}
            found.append(Candidate(fit, ErrorEstimate(by_field, {name: drift for name in fit.parameters})))
        return found

    def figures(self, evaluator: Any) -> dict[str, float]:
        """A row of the history."""
        values = {f"{name}_{k}": v for k, fit in enumerate(self.fits, start=1) for name, v in fit.parameters.items()}
        residual = self.validation_residual
        return {"unknowns": self.fits[0].unknowns, "error_estimate": self.worst, "residual": residual, **values}

    def message(self, row: Mapping[str, float]) -> str:
        """The progress message."""
        return f"{self.fits[0].model.inner.form}: relative error of the values {self.worst:.1e}"


@dataclass(frozen=True)
class Wanted:
    """What modes are sought on every discretisation.

    Attributes:
        problem: With the eigenvalue as its unknown parameter.
        count: How many modes.
        points: At which modes are compared and scaled, [n, d].
        seed: Of the solve.
        settled: The residual at which iterations end, relative.
    """

    problem: Problem
    count: int
    points: Tensor
    seed: int
    settled: float

    @property
    def guess(self) -> float:
        """Near which values are sought."""
        (guess,) = self.problem.parameters.values()
        return guess


@torch.no_grad()
def modes_on_boxes(wanted: Wanted, layout: Layout, degree: int, before: BoxModes | None = None) -> BoxModes:
    """The modes whose values are nearest to the guess, with errors that are not known yet.

    Args:
        wanted: Which modes.
        layout: The boxes.
        degree: Of the polynomials.
        before: The modes on coarser boxes, which the iteration begins with.

    Raises:
        Unsuited: it cannot be solved on boxes, or is no eigenvalue problem of the kind that is.
    """
    problem, count, guess = wanted.problem, wanted.count, wanted.guess
    inverted, found = _nearest(wanted, layout, degree, before)
    values = inverted.shift + found.values.reciprocal()
    nearest = (values.real - guess).abs().argsort()
    chosen, others = nearest[:count], nearest[count:]
    order = torch.cat([chosen[values.real[chosen].argsort()], others])
    coefficients = inverted.coefficients(real_modes(values[order], found.vectors[:, order])).movedim(3, 1)
    model = model_of(problem, layout, coefficients.flatten(1, 2), degree, list(inverted.units) * len(order))
    shown = model(wanted.points).unflatten(1, (len(order), -1)).movedim(1, 2).flatten(0, 1)
    largest = shown.gather(0, shown.abs().argmax(dim=0)[None])[0]
    real, name = values.real[order], next(iter(problem.parameters))
    fits = []
    for k in range(count):
        pause()
        fits.append(_fit(problem, inverted, coefficients[:, k] / largest[k], {name: real[k].item()}, wanted.seed))
    unknown, off = torch.full_like(real[:count], torch.inf), found.residuals / found.values.abs()
    return BoxModes(
        fits=tuple(fits),
        values=real[:count],
        imaginary=values.imag[chosen].abs().max().item(),
        unsettled=(off * (values - inverted.shift).abs())[order][:count],
        shift=inverted.shift,
        points=wanted.points,
        beyond=(real, shown / largest),
        model=model,
        drifts=unknown,
        errors=unknown,
    )


def _nearest(wanted: Wanted, layout: Layout, degree: int, before: BoxModes | None) -> tuple[ShiftInverted, Ritz]:
    """All modes that may be among those nearest to the guess, found from a shift beside it."""
    guess = wanted.guess
    at, beside, moves = guess if before is None else before.shift, _GUARDS, 0
    inverted = _inverted(wanted.problem, layout, degree, at)
    start = None if before is None else before.model_at(layout.points(inverted.degrees.inner[0]))
    for _ in range(_MOST_TRIES):
        if inverted.shift != at:
            inverted = _inverted(wanted.problem, layout, degree, at)
        found = inverted.nearest(Search(wanted.count, beside, wanted.seed, wanted.settled), start)
        sizes, values = found.values.abs(), at + found.values.reciprocal()
        reach = (values - guess).abs().sort().values[wanted.count - 1].item()
        if before is None and moves < _MOST_MOVES and sizes[0] > _TOO_NEAR * sizes[-1]:
            at, moves = _aside(values.real, guess), moves + 1
        elif reach + abs(at - guess) > sizes[-1].reciprocal():
            beside += _GUARDS
        else:
            break
    else:
        raise Unsuited("the values nearest to the guess are not told from others")
    return inverted, found


def _inverted(problem: Problem, layout: Layout, degree: int, shift: float) -> ShiftInverted:
    problems = Shifted.of(problem, shift)
    return ShiftInverted(problems, layout, Degrees.of(layout.dimension, degree, problems.at.across))


def _aside(values: Tensor, guess: float) -> float:
    """A place near the guess that is far from all values."""
    reach = (values - guess).abs().max()
    places = guess + _ASIDE * reach * torch.linspace(-1, 1, _PLACES, dtype=torch.float64)
    return places[(places[:, None] - values).abs().amin(dim=1).argmax()].item()


def _fit(
    problem: Problem, inverted: ShiftInverted, coefficients: Tensor, value: Mapping[str, float], seed: int
) -> ModeFit:
    """A mode [boxes, fields, count] as a fit, its residual that of the problem at its value."""
    layout, degrees = inverted.layout, inverted.degrees
    statements = read(known(problem, *value.values()))
    held_out, sizes = HeldOut(statements, layout, inverted.units, seed), Sizes(layout, degrees)
    size = sizes.of(coefficients)
    residual = held_out.residuals(coefficients[None], degrees.inside).norm().item() / len(layout) ** 0.5
    judged = Judged(
        errors=(torch.inf,) * len(size),
        residual=residual,
        relative=residual / size.norm().item(),
        stability=torch.nan,
        parts=sizes.times(coefficients) / (size[:, None] if len(size) > 1 else 1.0),
    )
    return ModeFit(
        statements,
        model_of(statements.problem, layout, coefficients, degrees.inside, inverted.units),
        layout,
        degrees,
        judged,
        inverted.system.columns,
        inverted.system.equation.constant,
        seed,
        held_out,
        coefficients,
        value=value,
    )
