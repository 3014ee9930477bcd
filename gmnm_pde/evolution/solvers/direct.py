"""Simplified Newton steps by the matrices of the slopes at one state, factorised."""

from torch import Tensor

from gmnm_pde.evolution.solvers.protocol import Stages
from gmnm_pde.evolution.space.slopes import Factor, Factorised, Slopes


class Direct:
    """Newton steps with slopes that are kept."""

    exact = True

    def __init__(self, slopes: Slopes):
        self.factorised = Factorised(slopes)

    def residual(self, stages: Stages, increments: Tensor) -> Tensor:
        return stages.system.residual(stages.times, stages.system.shaped(stages.jets(increments)))

    def change(self, stages: Stages, residual: Tensor) -> Tensor | None:
        factors = self._factors(stages)
        return stages.turned(residual, lambda k, right: factors[k].solve(right))

    def multiplied(self, order: int, vector: Tensor) -> Tensor:
        return self.factorised.slopes.apply(order, vector)

    def filtered(self, stages: Stages, right: Tensor) -> Tensor:
        return self._factors(stages)[0].solve(right)

    def _factors(self, stages: Stages) -> list[Factor]:
        return self.factorised.stages(stages.method.shifts.tolist(), stages.length)
