"""Simplified Newton steps by the matrices of the slopes, factorised."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gmnm_pde.evolution.solvers.protocol import Stages

_SAME = 1e-10
"""Lengths of steps that differ by no more than this part are one."""


class Slopes:
    """The matrices J_j at one state, with their factorisations for the last length of step."""

    exact = True

    def __init__(self, matrices: Sequence[Tensor]):
        self.matrices = matrices
        self._factors: dict[int, tuple[float, list[tuple[Tensor, Tensor]]]] = {}

    def factors(self, stages: Stages) -> list[tuple[Tensor, Tensor]]:
        """The factorised matrices of the stages, the real one first."""
        known = self._factors.get(stages.method.stages)
        if known is None or abs(stages.length / known[0] - 1) > _SAME:
            factors = []
            for k in range(len(stages.method.shifts)):
                rate = stages.rate(k)
                matrix = sum(rate**j * own for j, own in enumerate(self.matrices))
                factors.append(torch.linalg.lu_factor_ex(matrix)[:2])
            known = self._factors[stages.method.stages] = (stages.length, factors)
        return known[1]

    def residual(self, stages: Stages, increments: Tensor) -> Tensor:
        return stages.system.residual(stages.times, stages.system.shaped(stages.jets(increments)))

    def change(self, stages: Stages, residual: Tensor) -> Tensor | None:
        factors = self.factors(stages)
        return stages.turned(residual, lambda k, right: torch.linalg.lu_solve(*factors[k], right[:, None])[:, 0])

    def multiplied(self, order: int, vector: Tensor) -> Tensor:
        return self.matrices[order] @ vector

    def filtered(self, stages: Stages, right: Tensor) -> Tensor:
        return torch.linalg.lu_solve(*self.factors(stages)[0], right[:, None])[:, 0]
