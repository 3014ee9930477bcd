"""Collocation points that change while a model trains: drawn anew, or drawn where the residual is large."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from gmnm_pde.collocation.whole import Counts, place
from gmnm_pde.methods.loop import check_counts, check_positive
from gmnm_pde.residuals import Placed, TrainingSystem
from gmnm_pde.residuals.block import Block
from gmnm_pde.sampling import Cloud, sample, stream


@dataclass(frozen=True)
class Resampling:
    """Points drawn anew after every ``every`` steps, in the interior and on the conditions; given data stay.

    Args:
        interior: How many in the interior.
        boundary: How many on all conditions together; by default as the interior's density suggests.
        every: Steps between draws.
    """

    interior: int = 2500
    boundary: int | None = None
    every: int = 100

    def __post_init__(self) -> None:
        _check(self)

    def moved(self, system: TrainingSystem, seed: int) -> list[Placed]:
        """The terms at new points."""
        counts = Counts(self.interior, self.boundary)
        return place(system.problem, counts, seed=seed, rule="sobol")


@dataclass(frozen=True)
class ResidualAdaptive:
    """Interior points drawn with a density that grows with the residual (RAD; C. Wu et al., arXiv 2207.10289).

    From a pool of points, each is drawn with a probability in proportion to |r|^power / mean |r|^power + floor.

    Args:
        interior: How many in the interior.
        boundary: How many on all conditions together; these stay.
        every: Steps between draws.
        power: The larger, the denser are points where the residual is largest.
        floor: The larger, the more even are the points.
        pool: How many times ``interior`` the pool holds.
    """

    interior: int = 2500
    boundary: int | None = None
    every: int = 1000
    power: float = 1.0
    floor: float = 1.0
    pool: int = 10

    def __post_init__(self) -> None:
        _check(self)
        check_counts("ResidualAdaptive", pool=self.pool)
        check_positive("ResidualAdaptive", power=self.power, floor=self.floor)

    @torch.no_grad()
    def moved(self, system: TrainingSystem, seed: int) -> list[Placed]:
        """The terms with the interior's points drawn by the residual there."""
        return [
            self._drawn(system, placed, stream(seed, "term", k)) if placed.term.group == "interior" else placed
            for k, placed in enumerate(system.placed)
        ]

    def _drawn(self, system: TrainingSystem, placed: Placed, seed: int) -> Placed:
        pool = sample(placed.term.region, self.pool * len(placed.cloud), "sobol", seed=seed)
        like = next(system.model.parameters())
        block = Block.of(system.problem, Placed(placed.term, pool), like, system.scalars, system.engine)
        residuals = torch.stack(list(block.residuals(system.model, system.scalars).values()))
        size = residuals.square().sum(dim=0).sqrt().pow(self.power).double().cpu()
        density = size / size.mean() + self.floor
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.multinomial(density, len(placed.cloud), generator=generator)
        return Placed(placed.term, Cloud(pool.points[chosen], None if pool.normals is None else pool.normals[chosen]))


Moving = Resampling | ResidualAdaptive
MOVINGS = (Resampling, ResidualAdaptive)


class Mover:
    """Moves the points of a system as a training goes on."""

    def __init__(self, moving: Moving, system: TrainingSystem, seed: int):
        self._moving, self._system, self._seed = moving, system, seed

    def before(self, step: int) -> None:
        """Move the points before every ``every``-th step."""
        if step and step % self._moving.every == 0:
            seed = stream(self._seed, "move", step // self._moving.every)
            self._system.move_to(self._moving.moved(self._system, seed))

    def state(self) -> dict[str, Any]:
        """The points, for a checkpoint."""
        return {"clouds": [[placed.cloud.points, placed.cloud.normals] for placed in self._system.placed]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the points of a checkpoint."""
        clouds = (Cloud(points, normals) for points, normals in state["clouds"])
        placed = zip(self._system.placed, clouds, strict=True)
        self._system.move_to([Placed(before.term, cloud) for before, cloud in placed])


def _check(moving: Moving) -> None:
    name = type(moving).__name__
    check_counts(name, interior=moving.interior, every=moving.every)
    if moving.boundary is not None:
        check_counts(name, boundary=moving.boundary)


class Aid(Protocol):
    """What acts between the steps of a training: a mover of points, or a weighting."""

    def before(self, step: int) -> None: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: Mapping[str, Any]) -> None: ...
