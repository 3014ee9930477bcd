"""One fit: draw components, place points, solve for the readout, judge it on points held out."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from gmnm_pde.collocation.patchwise import Spread
from gmnm_pde.collocation.whole import (
    Counts,
    counts_for,
    held_out_seed,
    hold_out,
    place,
    rule_for,
    without_data,
)
from gmnm_pde.linalg.qr import linear_fit
from gmnm_pde.methods import LeastSquares, Step
from gmnm_pde.methods.least_squares import Outcome
from gmnm_pde.models import GMNM, Mixture, Normalized, Partition, Patchwork
from gmnm_pde.residuals import PatchworkSystem, Placed, ReadoutSystem, patch_scales, row_scales
from gmnm_pde.statement.problem import Problem

CONDITION_FACTOR = 10.0
"""How much more a condition's rows count than an equation's. On the Poisson problem 1 to 100 give the same digits."""

_REFERENCE = Mixture(components=64)
_PATCH_REFERENCE = Mixture(components=16)
_HELD_OUT = 0.5
"""Points to judge a patch on, for each point to fit on."""


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
    partition: Partition | None = None
    """The patches, in the domain's bounding box scaled to [-1, 1]^d; None for one mixture on all of it."""

    @property
    def patches(self) -> int:
        return 1 if self.partition is None else len(self.partition)

    @property
    def dimension(self) -> int:
        return self.problem.domain.dimension

    def model(self, components: int, widths: Sequence[float]) -> Normalized:
        """A drawn mixture, or one in each patch, on the problem's own coordinates."""
        inner: nn.Module = self.draw(self.mixture, components, widths)
        if self.partition is not None:
            inner = Patchwork(self.partition, [copy.deepcopy(inner) for _ in self.partition.boxes])  # type: ignore[misc]
        return Normalized(inner, self.problem.domain.bounds).to(dtype=self.dtype, device=self.device)

    def draw(self, mixture: Mixture, components: int, widths: Sequence[float]) -> GMNM:
        fields = len(self.problem.fields)
        kind = {"seed": self.seed, "dtype": self.dtype, "device": self.device, "periodic": self.problem.periodic}
        return mixture.draw(self.dimension, fields, components, widths, **kind)

    def counts(self, components: int) -> Counts:
        unknowns = components * len(self.problem.fields) * self.patches
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
        values, lift = self.solved_for(points, theta), self.system.problem.lift
        return values if lift is None else lift(points, values)

    @torch.no_grad()
    def solved_for(self, points: Tensor, theta: Tensor | None = None) -> Tensor:
        """What the model gives there, which is not the fields where some conditions are met by construction."""
        theta = self.theta if theta is None else theta
        if len(theta) > self.system.extra:
            self.model.set_readout(self.system.readout(theta))
        return self.model(points)

    @property
    def arrived(self) -> bool:
        """Whether the method converged."""
        return self.outcome.converged

    def named_residuals(self) -> dict[str, Tensor]:
        """The unscaled residuals on held-out points, by name."""
        return self.held_out.named_residuals(self.theta)

    @property
    def found(self) -> dict[str, float]:
        """The values of the unknown parameters."""
        values = self.theta[: self.system.extra].tolist()
        return dict(zip(self.system.problem.parameters, values, strict=True))

    @property
    def loss(self) -> float:
        """The mean squared residual that was fitted, rows scaled."""
        return self.outcome.norm**2 / self.system.rows

    @property
    def unknowns(self) -> int:
        """How many numbers were solved for, or trained."""
        return self.trained or self.system.columns

    @property
    def points(self) -> int:
        """How many points were fitted, over all terms."""
        return sum(len(placed.cloud) for placed in self.system.placed)

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


def smoothness_for(problem: Problem) -> int:
    """Continuous derivatives of the windows of patches: as many as the equations need, and two more."""
    return problem.order + 2


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


def zero_solves(setup: Setup) -> bool:
    """Whether zero fields satisfy a problem for any values of its parameters."""
    problem = setup.problem
    model = Normalized(setup.draw(_PATCH_REFERENCE, 16, (2.0,) * setup.dimension), problem.domain.bounds)
    system = ReadoutSystem(problem, model, place(problem, Counts(64), seed=setup.seed))
    theta = torch.cat([2 * system.guesses() + 1, system.start()[system.extra :]])
    return not system.residual(None).any() and not system.residual(theta).any()


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
    return Fit(components * setup.patches, widths, model, system, held_out, outcome)


def restore(setup: Setup, components: int, widths: Sequence[float], outcome: Outcome) -> Fit:
    """A fit whose outcome is known from an earlier run."""
    model = setup.model(components, widths)
    return Fit(components * setup.patches, tuple(widths), model, *systems(setup, model, components), outcome)


def systems(setup: Setup, model: Normalized, components: int) -> tuple[ReadoutSystem, ReadoutSystem]:
    """The residuals at the points to fit, and at those held out."""
    problem, counts = setup.problem, setup.counts(components)
    if setup.partition is not None:
        return _patch_systems(setup, model, counts, setup.partition)
    clouds = (place(problem, counts, seed=setup.seed), hold_out(problem, counts, seed=setup.seed))
    fitted, held_out = (ReadoutSystem(problem, model, placed, setup.scales, setup.engine) for placed in clouds)
    return fitted, held_out


def _patch_systems(
    setup: Setup, model: Normalized, counts: Counts, partition: Partition
) -> tuple[ReadoutSystem, ReadoutSystem]:
    problem, bounds = setup.problem, setup.problem.domain.bounds
    boxes = partition.mapped([(-1.0, 1.0)] * setup.dimension, bounds)
    fewer = Counts(math.ceil(_HELD_OUT * counts.interior), counts.boundary)
    rule = rule_for(problem)
    clouds = (
        Spread.of(problem, boxes, counts, rule=rule, seed=setup.seed).place(),
        without_data(Spread.of(problem, boxes, fewer, rule="sobol", seed=held_out_seed(setup.seed)).place()),
    )
    small = setup.draw(_PATCH_REFERENCE, 16, (2.0,) * setup.dimension)
    reference = Normalized(Patchwork(partition, [small] * len(partition)), bounds)
    reference = reference.to(dtype=setup.dtype, device=setup.device)

    def system(placed: list[Placed]) -> ReadoutSystem:
        plain = PatchworkSystem(problem, reference, placed, engine=setup.engine)
        scaled = patch_scales(plain, condition_factor=CONDITION_FACTOR, weights=setup.weights)
        return PatchworkSystem(problem, model, scaled, engine=setup.engine)

    return system(clouds[0]), system(clouds[1])


@torch.no_grad()
def _imitate(near: Fit, system: ReadoutSystem) -> Tensor:
    """The unknowns of ``system`` that reproduce another fit at the points of the terms, in each patch by itself."""
    points = torch.cat([placed.cloud.points for placed in system.placed]).to(system.like)
    targets = near.solved_for(points)
    if not isinstance(system, PatchworkSystem):
        readout = linear_fit(system.model.features(points), targets)
    else:
        reached = system.model.partition.reached(system.model.unit(points))
        parts = enumerate(system.model.inner.parts)
        inner = system.model.unit(points)
        fits = [linear_fit(part.features(inner[reached[:, k]]), targets[reached[:, k]]) for k, part in parts]
        readout = torch.cat(fits)
    return torch.cat([near.theta[: system.extra], readout.reshape(-1)])


def _rms(values: Tensor) -> float:
    return values.square().mean().sqrt().item() if len(values) else 0.0
