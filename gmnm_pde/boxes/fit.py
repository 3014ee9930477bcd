"""A solution on boxes as an approximate solution, and how it is made."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.boxes.balance import Balance, require_elliptic
from gmnm_pde.boxes.cut_rows import CutRows
from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.equation import Interior, conditions, interior, linearized
from gmnm_pde.boxes.estimate import Judged, judged
from gmnm_pde.boxes.foresight import ROUGH, decay_of, high_parts
from gmnm_pde.boxes.held_out import HeldOut
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.boxes.system import BoxSystem
from gmnm_pde.boxes.trimmed import Trimmed
from gmnm_pde.collocation.whole import Counts, hold_out
from gmnm_pde.geometry.composed import is_box
from gmnm_pde.models import Boxwise, Normalized
from gmnm_pde.residuals import ReadoutSystem

_BALANCED = 3
"""From so many coordinates on boxes are coupled by traces of values and a balance of fluxes: to eliminate traces of
derivatives, too, would be too dear."""

_PROBED = 8
"""Of this degree are the points at which an equation is looked at before it is solved."""

_SAMPLED = 128
"""The same in a shape that is no box."""

_HELD_OUT = 1500
"""Points at which residuals are reported."""


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
    """

    statements: Statements
    model: Normalized
    layout: Layout
    degrees: Degrees
    judged: Judged
    unknowns: int
    shared: bool
    seed: int
    residuals: HeldOut
    components: None = None
    widths: tuple[float, ...] = ()
    trained: int = 0
    converged: bool = True

    def __post_init__(self) -> None:
        problem = self.statements.problem
        count = Counts(_HELD_OUT)
        self.held_out = ReadoutSystem(problem, self.model, hold_out(problem, count, seed=self.seed), engine="closed")

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
        with torch.no_grad():
            return self.model(points)

    solved_for = outputs

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
        return decay_of(self.model.inner.weights.detach()[:, 0], self.degrees.basis)

    @cached_property
    def squares(self) -> Tensor:
        """The sum of the squares of the held-out residuals of each box, [boxes]."""
        return self.residuals.by_box(self._coefficients, self.degrees.inside)

    @cached_property
    def falls(self) -> list[float]:
        """By what factor the solution's parts fall from one degree to the next in each box."""
        return [decay_of(own[None], self.degrees.basis) for own in self.judged.parts]

    def rough_in(self, box: int) -> list[int]:
        """The axes along which the solution varies in a box about as much as along any."""
        parts = high_parts(self.judged.parts[box : box + 1], self.degrees.basis)
        return (parts >= ROUGH * parts.max()).nonzero()[:, 0].tolist()

    @property
    def _coefficients(self) -> Tensor:
        return self.model.inner.weights.detach()[:, 0]

    def rough(self) -> list[bool]:
        """Along which axes the solution varies about as much as along any."""
        parts = high_parts(self.model.inner.weights.detach()[:, 0], self.degrees.basis)
        return (parts >= ROUGH**2 * parts.max()).tolist()


def fit_boxes(statements: Statements, layout: Layout, degree: int, seed: int) -> BoxFit:
    """Solve on boxes, and estimate the error."""
    problem, degrees = statements.problem, Degrees.of(layout.dimension, degree)

    def system_of(lower: Degrees) -> BoxSystem | Balance:
        equation = interior(problem, statements.equation, layout, lower.inner[0])
        kind = BoxSystem if layout.dimension < _BALANCED else Balance
        outer = conditions(problem, statements.others, layout, lower.outer[0])
        if isinstance(layout, Trimmed):
            cut = CutRows(problem, statements.equation, statements.others, layout, lower.inside)
            return BoxSystem(layout, lower, equation, outer, cut)
        return kind(layout, lower, equation, outer)

    system = system_of(degrees)
    coefficients = system.solution()
    held_out = HeldOut(problem, statements.equation, statements.others, layout, seed)
    known = judged(system, held_out, coefficients, lambda lower: system_of(lower).solution())
    unit = [(-1.0, 1.0)] * layout.dimension
    inner = Boxwise(layout.mapped(problem.domain.bounds, unit).boxes, degree)
    with torch.no_grad():
        inner.weights.copy_(coefficients[:, None])
    model = Normalized(inner, problem.domain.bounds)
    return BoxFit(statements, model, layout, degrees, known, system.columns, system.equation.constant, seed, held_out)


def probed(statements: Statements) -> Interior:
    """The equation at points of one box that is all of the domain.

    Raises:
        Unsuited: in three coordinates it is not elliptic, or of the solution derivatives alone are given.
    """
    problem = statements.problem
    if not is_box(problem.domain):
        return _sampled(statements)
    layout = Layout.even((1,) * problem.domain.dimension, problem.domain.bounds)
    degrees = Degrees.of(problem.domain.dimension, _PROBED)
    equation = interior(problem, statements.equation, layout, degrees.inner[0])
    if problem.domain.dimension >= _BALANCED:
        require_elliptic(equation, conditions(problem, statements.others, layout, degrees.outer[0]))
    return equation


def _sampled(statements: Statements) -> Interior:
    """The equation at points inside of a shape, as if this were one box."""
    points = statements.problem.domain.sample(_SAMPLED).points
    found = linearized(statements.problem, statements.equation, points)
    slopes = {alpha: slope for (_, alpha), slope in found.slopes.items()}
    operator = {a: c[0].item() if bool((c == c[0]).all()) else c[None] for a, c in slopes.items()}
    return Interior(operator, -found.residual[None], torch.ones(1, dtype=torch.float64))
