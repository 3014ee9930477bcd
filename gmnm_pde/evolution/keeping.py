"""The memory that a march takes, for the steps that it keeps and for solving one, and the work of a factorisation."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gmnm_pde.evolution.solvers.choice import is_torus
from gmnm_pde.evolution.solvers.schur import block_sizes
from gmnm_pde.evolution.space.galerkin import Galerkin
from gmnm_pde.evolution.space.sides import SeparableGalerkin
from gmnm_pde.memory import available_bytes, written
from gmnm_pde.models.modes import Piecewise

_COPIES = 2.5
"""Steps are held so many times when the answer is made of them, beside those of the march before."""

_MOST_WORK = 5e11
"""Slopes that take more operations to be made and factorised are not begun."""

_DIRECTIONS = 45
"""Of all stages, in single precision, while GMRES is at work."""


@dataclass
class Kept:
    """What there was before the march, and what its steps take."""

    available: float = field(default_factory=lambda: available_bytes(torch.device("cpu")))
    taken: float = 0.0

    def add(self, states: Tensor) -> str | None:
        """Keep the states of a step; in words why that is too much, if it is."""
        self.taken += states.numel() * states.element_size()
        if _COPIES * self.taken <= self.available:
            return None
        return f"its steps take {written(_COPIES * self.taken)} of memory, of {written(self.available)} that there were"

    def refused(self, system: Galerkin, stages: int, orders: int) -> str | None:
        """In words why a step does not fit, if it does not."""
        if work_of(system) > _MOST_WORK:
            return f"{system.count:,} unknowns that are all coupled would take too long for every step"
        needed = _needed(system, stages, orders)
        if needed <= self.available:
            return None
        return (
            f"{system.count:,} unknowns take {written(needed)} of memory, of {written(self.available)} that there were"
        )


def work_of(system: Galerkin) -> float:
    """Operations that it takes to make dense matrices and to factorise them for all stages, roughly; else 0.

    Between walls these are the blocks of a pressure.
    """
    if isinstance(system, SeparableGalerkin) and system.ties is not None:
        blocks, each = block_sizes(system, system.ties)
        columns = 12.0 * sum(system.basis.shape) * system.count * each
        return 12 * blocks * each**3 + columns
    if not _is_dense(system):
        return 0.0
    points, modes = float(len(system.basis.points)), float(system.basis.count)
    return 2 * points * modes**2 * system.fields**2 + 6 * (system.fields * modes) ** 3


def _is_dense(system: Galerkin) -> bool:
    """Whether the slopes are dense matrices."""
    return (
        not isinstance(system.basis, Piecewise) and not isinstance(system, SeparableGalerkin) and not is_torus(system)
    )


def _needed(system: Galerkin, stages: int, orders: int) -> float:
    """Bytes for solving a step."""
    if isinstance(system.basis, Piecewise):
        return 0.0
    if not _is_dense(system):
        return float(_DIRECTIONS) * stages * system.count * 4 + _of_blocks(system, stages)
    return float(system.count) ** 2 * 8 * (orders + 1 + stages)  # the slopes, and their factors, most of them complex


def _of_blocks(system: Galerkin, stages: int) -> float:
    """Bytes for the blocks of a pressure in factors, of both precisions, and for what makes their columns."""
    if not isinstance(system, SeparableGalerkin) or system.ties is None:
        return 0.0
    blocks, each = block_sizes(system, system.ties)
    return 12.0 * (stages + 1) * blocks * each**2 + 8.0 * each * system.count
