"""What Newton's method begins with on boxes, and what nonlinear rows are scaled at: fields of about the right size."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gmnm_pde.boxes.discretization import Degrees
from gmnm_pde.boxes.layout import Layout
from gmnm_pde.boxes.materials.layout import Joined
from gmnm_pde.boxes.newton import by_newton
from gmnm_pde.boxes.reading import Statements
from gmnm_pde.boxes.units import units_of
from gmnm_pde.fitting.approximation import InitialGuess
from gmnm_pde.methods import LeastSquares
from gmnm_pde.methods.monitor import Monitor
from gmnm_pde.models import Boxwise, Normalized
from gmnm_pde.statement.problem import Problem

_SAMPLED = 500
"""Points at which the size of fields is taken."""


def model_of(problem: Problem, layout: Layout, coefficients: Tensor, degree: int, units: Sequence[float]) -> Normalized:
    """The polynomials of a solution as a model."""
    unit = [(-1.0, 1.0)] * layout.dimension
    parts = [len(part) for part in layout.parts] if isinstance(layout, Joined) else ()
    inner = Boxwise(layout.mapped(problem.domain.bounds, unit).boxes, degree, len(units), parts)
    with torch.no_grad():
        inner.weights.copy_(coefficients * torch.tensor(units, dtype=torch.float64)[:, None])
    return Normalized(inner, problem.domain.bounds)


@dataclass(frozen=True)
class OfModel:
    """A model that Newton's method begins with (``fitting/approximation.py``)."""

    model: Normalized
    theta: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))

    @torch.no_grad()
    def solved_for(self, points: Tensor) -> Tensor:
        """The fields at points [n, d]: [n, fields]."""
        return self.model(points)


def first_guess(
    statements: Statements, layout: Layout, degree: int, monitor: Monitor, method: LeastSquares
) -> InitialGuess | None:
    """A solution whose rows are scaled at the fields of reference; None if Newton's method does not find it."""
    problem, degrees = statements.problem, Degrees.of(layout.dimension, degree, statements.across)
    units = units_of(problem, statements.equations, layout, degrees.inner[0])
    system, outcome = by_newton(statements, layout, degrees, units, None, monitor, method)
    if not outcome.converged:
        return None
    found = system.state(outcome.theta).coefficients
    return OfModel(model_of(problem, layout, found, degree, units))


def at_size_of(guess: InitialGuess, statements: Statements) -> Statements:
    """The statements with fields of reference as large as those of a guess."""
    problem = statements.problem
    values = guess.solved_for(problem.domain.sample(_SAMPLED).points)
    values = values[values.isfinite().all(dim=1)]
    sizes = values.square().mean(dim=0).sqrt()
    if not bool(sizes.isfinite().all()):
        return statements
    problem = problem.restated(problem.terms, reference=sizes.tolist())
    return replace(statements, problem=problem.tilted(values.std(dim=0).tolist()) if problem.tilt else problem)
