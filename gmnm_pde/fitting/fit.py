"""One fit: draw components, place points, solve for the readout, judge it on points held out."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from gmnm_pde.fitting.collocation import Counts, counts_for, hold_out, place
from gmnm_pde.methods import LeastSquares, Step
from gmnm_pde.methods.least_squares import Outcome
from gmnm_pde.methods.triangular import linear_fit
from gmnm_pde.models import Mixture, Normalized
from gmnm_pde.residuals import ReadoutSystem, row_scales
from gmnm_pde.statement.problem import Problem

CONDITION_FACTOR = 10.0
"""How much more a condition's rows count than an equation's. On the Poisson problem 1 to 100 give the same digits."""

_REFERENCE = Mixture(components=64)


@dataclass(frozen=True)
class Setup:
    """All that stays the same from fit to fit of one ``solve``."""

    problem: Problem
    mixture: Mixture
    method: LeastSquares
    points: Counts | None
    scales: Mapping[str, float]
    weights: Mapping[str, float]
    seed: int
    dtype: torch.dtype
    device: torch.device
    engine: str

    @property
    def dimension(self) -> int:
        return self.problem.domain.dimension

    def model(self, components: int, widths: Sequence[float]) -> Normalized:
        """A drawn mixture on the problem's own coordinates."""
        inner = self.mixture.draw(
            self.dimension,
            len(self.problem.fields),
            components,
            widths,
            seed=self.seed,
            dtype=self.dtype,
            device=self.device,
        )
        return Normalized(inner, self.problem.domain.bounds).to(dtype=self.dtype, device=self.device)

    def counts(self, components: int) -> Counts:
        unknowns = components * len(self.problem.fields)
        return self.points or counts_for(self.problem, unknowns, self.method.oversampling)


@dataclass
class Fit:
    """A fitted model.

    ``components`` is None for a model that has none; ``trained`` counts the parameters that were trained, if more than
    the readout was.
    """

    components: int | None
    widths: tuple[float, ...]
    model: Normalized
    system: ReadoutSystem
    held_out: ReadoutSystem
    outcome: Outcome
    trained: int = 0

    @property
    def theta(self) -> Tensor:
        return self.outcome.theta

    @torch.no_grad()
    def outputs(self, points: Tensor, theta: Tensor | None = None) -> Tensor:
        """The fields at points [n, d] with this fit's unknowns, or others, put in place: [n, fields]."""
        theta = self.theta if theta is None else theta
        if len(theta) > self.system.extra:
            self.model.set_readout(self.system.readout(theta))
        return self.model(points)

    @cached_property
    def reference(self) -> float:
        """The held-out residual of the zero solution: what the others are measured against."""
        return _rms(self.held_out.residual(None)) or 1.0

    def score_of(self, theta: Tensor) -> float:
        """The held-out residual of any readout, relative to that of the zero solution."""
        value = _rms(self.held_out.residual(theta)) / self.reference
        return value if math.isfinite(value) else math.inf

    @cached_property
    def score(self) -> float:
        """The held-out residual of the fit, relative to that of the zero solution."""
        return self.score_of(self.theta)


def reference_scales(problem: Problem, weights: Mapping[str, float], seed: int) -> dict[str, float]:
    """Row scales from a small mixture, so that residuals of fits with different widths are in the same unit."""
    inner = _REFERENCE.draw(
        problem.domain.dimension, len(problem.fields), 64, (2.0,) * problem.domain.dimension, seed=seed
    )
    model = Normalized(inner, problem.domain.bounds)
    system = ReadoutSystem(problem, model, hold_out(problem, Counts(64), seed=seed))
    every = [*system.placed, *(p for p in place(problem, Counts(64), seed=seed) if p.term.group == "data")]
    system = ReadoutSystem(problem, model, every)
    return row_scales(system, condition_factor=CONDITION_FACTOR, weights=weights)


def fit(
    setup: Setup,
    components: int,
    widths: Sequence[float],
    *,
    near: Fit | None = None,
    deadline: float = math.inf,
    watch: Callable[[Step], None] | None = None,
) -> Fit:
    """Draw, place, solve; a nonlinear problem starts ``near`` another fit of it, where one is given."""
    model = setup.model(components, widths)
    return _fit(setup, model, components, tuple(widths), near, deadline, watch)


def fit_model(
    setup: Setup, model: nn.Module, *, deadline: float = math.inf, watch: Callable[[Step], None] | None = None
) -> Fit:
    """Solve for the readout of a copy of a given model, whose inputs are the domain scaled to [-1, 1]^d."""
    normalized = Normalized(copy.deepcopy(model), setup.problem.domain.bounds)
    normalized = normalized.to(dtype=setup.dtype, device=setup.device)
    return _fit(setup, normalized, normalized.readout.shape[1], (), None, deadline, watch)


def _fit(
    setup: Setup,
    model: Normalized,
    components: int,
    widths: tuple[float, ...],
    near: Fit | None,
    deadline: float,
    watch: Callable[[Step], None] | None,
) -> Fit:
    system, held_out = systems(setup, model, components)
    start = None if system.linear or near is None else _imitate(near, system)
    outcome = setup.method.run(system, start=start, deadline=deadline, watch=watch)
    return Fit(components, widths, model, system, held_out, outcome)


def restore(setup: Setup, components: int, widths: Sequence[float], outcome: Outcome) -> Fit:
    """A fit whose outcome is known from an earlier run."""
    model = setup.model(components, widths)
    return Fit(components, tuple(widths), model, *systems(setup, model, components), outcome)


def systems(setup: Setup, model: Normalized, components: int) -> tuple[ReadoutSystem, ReadoutSystem]:
    """The residuals at the points to fit, and at those held out."""
    problem, counts = setup.problem, setup.counts(components)
    clouds = (place(problem, counts, seed=setup.seed), hold_out(problem, counts, seed=setup.seed))
    fitted, held_out = (ReadoutSystem(problem, model, placed, setup.scales, setup.engine) for placed in clouds)
    return fitted, held_out


@torch.no_grad()
def _imitate(near: Fit, system: ReadoutSystem) -> Tensor:
    """The unknowns of ``system`` that reproduce another fit at the points of the terms."""
    points = torch.cat([placed.cloud.points for placed in system.placed]).to(system.like)
    readout = linear_fit(system.model.features(points), near.outputs(points))
    return torch.cat([near.theta[: system.extra], readout.reshape(-1)])


def _rms(values: Tensor) -> float:
    return values.square().mean().sqrt().item() if len(values) else 0.0
