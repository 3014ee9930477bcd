"""The discretization that all fits of one solve share, and the systems of residuals that follow from it."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import nn

from gmnm_pde.collocation.around import with_features
from gmnm_pde.collocation.members import members_of
from gmnm_pde.collocation.patchwise import Spread
from gmnm_pde.collocation.whole import (
    Counts,
    counts_for,
    hold_out,
    place,
    rule_for,
    without_data,
)
from gmnm_pde.fitting.widths import Widths
from gmnm_pde.geometry import Parted
from gmnm_pde.methods import LeastSquares
from gmnm_pde.models import GMNM, Member, Mixture, Normalized, Partition, Patchwork, along_each
from gmnm_pde.residuals import PatchworkSystem, Placed, ReadoutSystem, patch_scales, row_scales
from gmnm_pde.sampling import stream
from gmnm_pde.scrutiny import Feature, Posedness
from gmnm_pde.statement.problem import Problem

Bounds = Sequence[Sequence[float]]

_WELL_POSED = Posedness()

CONDITION_FACTOR = 10.0
"""How much more a condition's rows count than an equation's. On the Poisson problem 1 to 100 give the same digits."""

_REFERENCE = Mixture(components=64)
_PATCH_REFERENCE = Mixture(components=16)
_HELD_OUT = 0.5
"""Held-out points of a patch for each point that it is fitted at."""

_SECONDS_A_PATCH = 0.06
"""Of one core for each patch of a linear solve in two dimensions, however few unknowns it has."""

_SECONDS = 7e-9
"""Further ones for the cube of a patch's unknowns. With these two, the nonlinear and singular problems of
docs/accuracy.md take between half of what is predicted and three times as much."""

_DEARER = 5.0
"""How many times as long a solve takes for each further dimension, in which a patch has more neighbours."""


@dataclass(frozen=True)
class Setup:
    """The problem and its discretization, as far as all fits of one ``solve`` share them."""

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
    features: tuple[Feature, ...] = ()
    """What a close look at the problem's data found, around which there are more points and smaller boxes."""
    posed: Posedness = _WELL_POSED
    """Whether the problem is well-posed."""
    by_flux: float = 1.0
    """The power of the size of a part's coefficients by which its rows count, where the domain has parts."""

    @cached_property
    def boxes(self) -> Partition | None:
        """The patches; one that is all of the domain where that has parts, each of which has a mixture there."""
        if self.partition is None and self.problem.domain.parts:
            return Partition.even([1] * self.dimension, smoothness=smoothness_for(self.problem))
        return self.partition

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The mixtures of the patches, where the domain has parts."""
        domain, boxes = self.problem.domain, self.boxes
        return members_of(domain, boxes) if isinstance(domain, Parted) and boxes is not None else ()

    @property
    def patches(self) -> int:
        """Number of mixtures."""
        if self.problem.domain.parts:
            return len(self.members)
        return 1 if self.partition is None else len(self.partition)

    @property
    def dimension(self) -> int:
        return self.problem.domain.dimension

    @property
    def given_widths(self) -> Widths | None:
        """The widths that were chosen by hand, one for each coordinate."""
        widths = self.mixture.widths
        return None if widths is None else along_each(widths, self.dimension)

    def widths_or(self, width: float) -> Widths:
        """The widths that were chosen by hand, or else ``width`` along each coordinate."""
        return self.given_widths or (float(width),) * self.dimension

    def model(self, components: int, widths: Sequence[float]) -> Normalized:
        """A drawn mixture, or one in each patch, on the problem's own coordinates."""
        inner: nn.Module = self.draw(self.mixture, components, widths)
        if self.boxes is not None:
            inner = Patchwork(self.boxes, [copy.deepcopy(inner) for _ in range(self.patches)], self.members or None)  # type: ignore[misc]
        return Normalized(inner, self.problem.domain.bounds).to(dtype=self.dtype, device=self.device)

    def draw(self, mixture: Mixture, components: int, widths: Sequence[float]) -> GMNM:
        fields = len(self.problem.fields)
        kind = {"seed": self.seed, "dtype": self.dtype, "device": self.device, "periodic": self.problem.periodic}
        return mixture.draw(self.dimension, fields, components, widths, **kind)

    def counts(self, components: int) -> Counts:
        unknowns = components * len(self.problem.fields) * self.patches
        return self.points or counts_for(self.problem, unknowns, self.method.oversampling)

    def seconds_of_solve(self, components: int) -> float:
        """Seconds that one linear solve takes on one core, roughly; ``components`` are those of each patch."""
        unknowns = components * len(self.problem.fields)
        patches = self.patches if self.partition is None else len(self.partition)
        return patches * _DEARER ** (self.dimension - 2) * (_SECONDS_A_PATCH + _SECONDS * unknowns**3)


def smoothness_for(problem: Problem) -> int:
    """Continuous derivatives of the partition of unity's windows: as many as the equations need, and two more."""
    return problem.order + 2


def reference_scales(problem: Problem, weights: Mapping[str, float], seed: int) -> dict[str, float]:
    """Row scales from a small mixture, the same for all fits, so that residuals are comparable whatever the widths.

    Patches, and domains with parts, have a scale for every point instead.
    """
    if problem.domain.parts:
        return {}
    return row_scales(small_system(problem, seed), condition_factor=CONDITION_FACTOR, weights=weights)


def small_system(problem: Problem, seed: int) -> ReadoutSystem:
    """The residuals of a small mixture on a few points, data included."""
    inner = _REFERENCE.draw(
        problem.domain.dimension, len(problem.fields), 64, (2.0,) * problem.domain.dimension, seed=seed
    )
    model = Normalized(inner, problem.domain.bounds)
    system = ReadoutSystem(problem, model, hold_out(problem, Counts(64), seed=seed))
    every = [*system.placed, *(p for p in place(problem, Counts(64), seed=seed) if p.term.group == "data")]
    return ReadoutSystem(problem, model, every)


def zero_solves(setup: Setup) -> bool:
    """Whether zero fields satisfy a problem for any values of its parameters."""
    problem = setup.problem
    if problem.domain.parts:
        return False
    model = Normalized(setup.draw(_PATCH_REFERENCE, 16, (2.0,) * setup.dimension), problem.domain.bounds)
    system = ReadoutSystem(problem, model, place(problem, Counts(64), seed=setup.seed))
    theta = torch.cat([2 * system.guesses() + 1, system.start()[system.extra :]])
    return not system.residual(None).any() and not system.residual(theta).any()


def systems(setup: Setup, model: Normalized, components: int) -> tuple[ReadoutSystem, ReadoutSystem]:
    """The residuals at the points to fit, and at those held out."""
    problem, counts = setup.problem, setup.counts(components)
    if setup.boxes is not None:
        return _patch_systems(setup, model, counts, setup.boxes)
    fitted, held_out = place(problem, counts, seed=setup.seed), hold_out(problem, counts, seed=setup.seed)
    clouds = _with_features(setup, fitted, held_out, setup.features)
    first, second = (ReadoutSystem(problem, model, placed, setup.scales, setup.engine) for placed in clouds)
    return first, second


def _with_features(
    setup: Setup, fitted: list[Placed], held_out: list[Placed], features: Sequence[Feature]
) -> tuple[list[Placed], list[Placed]]:
    """Points to fit and held-out ones, with more of both around features."""
    return (
        with_features(fitted, setup.problem, features, seed=setup.seed),
        with_features(held_out, setup.problem, features, seed=stream(setup.seed, "held out")),
    )


def _patch_systems(
    setup: Setup, model: Normalized, counts: Counts, partition: Partition
) -> tuple[ReadoutSystem, ReadoutSystem]:
    problem, bounds, members = setup.problem, setup.problem.domain.bounds, setup.members
    boxes = partition.mapped([(-1.0, 1.0)] * setup.dimension, bounds)
    placed_at = tuple(replace(member, bounds=_mapped(member.bounds, bounds)) for member in members)
    fewer = Counts(math.ceil(_HELD_OUT * counts.interior), counts.boundary)
    rule = rule_for(problem)
    narrow = [feature for feature in setup.features if feature.kind == "narrow"]
    held = stream(setup.seed, "held out")
    fitted = Spread.of(problem, boxes, counts, rule=rule, seed=setup.seed, members=placed_at).place()
    held_out = Spread.of(problem, boxes, fewer, rule="sobol", seed=held, members=placed_at).place()
    clouds = _with_features(setup, fitted, without_data(held_out), narrow)
    small = setup.draw(_PATCH_REFERENCE, 16, (2.0,) * setup.dimension)
    reference = Normalized(Patchwork(partition, [small] * setup.patches, members or None), bounds)
    reference = reference.to(dtype=setup.dtype, device=setup.device)

    def system(placed: list[Placed]) -> ReadoutSystem:
        plain = PatchworkSystem(problem, reference, placed, engine=setup.engine)
        weighting = {"weights": setup.weights, "by_flux": setup.by_flux}
        scaled = patch_scales(plain, condition_factor=CONDITION_FACTOR, **weighting)
        return PatchworkSystem(problem, model, scaled, engine=setup.engine)

    return system(clouds[0]), system(clouds[1])


def _mapped(box: Bounds, bounds: Bounds) -> tuple[tuple[float, float], ...]:
    """A box of [-1, 1]^d in the coordinates of the domain."""
    return tuple(
        (low + (a + 1) / 2 * (high - low), low + (b + 1) / 2 * (high - low))
        for (a, b), (low, high) in zip(box, bounds, strict=True)
    )
