"""Which solver: matrices are factorised where they are small."""

from collections.abc import Sequence

from torch import Tensor

from gmnm_pde.evolution.solvers.direct import Direct
from gmnm_pde.evolution.solvers.krylov import Krylov
from gmnm_pde.evolution.solvers.protocol import StageSolver
from gmnm_pde.evolution.space.galerkin import Galerkin
from gmnm_pde.evolution.space.sides import SeparableGalerkin
from gmnm_pde.models.modes import Waves

_DENSE = 400
"""Matrices of no more unknowns are factorised."""


def solver_of(system: Galerkin, time: Tensor, jets: Sequence[Tensor], before: StageSolver | None) -> StageSolver:
    """What solves the equations of the stages of steps from a state.

    Args:
        system: The equations.
        time: Of the state.
        jets: The state and its derivatives by time, [M] each.
        before: What solved them for another state, with the same modes or others.
    """
    if (is_torus(system) and system.count > _DENSE) or isinstance(system, SeparableGalerkin):
        return before if isinstance(before, Krylov) and before.system is system else Krylov(system)
    return Direct(system.slopes(time, system.shaped([jet[None] for jet in jets])))


def is_torus(system: Galerkin) -> bool:
    """Whether all of several coordinates are periodic."""
    lines = system.basis.lines
    return len(lines) > 1 and all(isinstance(line, Waves) for line in lines)
