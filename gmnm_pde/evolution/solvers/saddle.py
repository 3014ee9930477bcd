"""Stokes' equations between walls, solved at once: velocities line by line, pressures by a matrix of their own.

With A for the velocities' equations, G for the gradient of the pressure in them and D for the constraint,

    A u + G p = f,   D u = g    become    D A^-1 G p = D A^-1 f - g,   u = A^-1 (f - G p).
"""

from collections.abc import Mapping

from torch import Tensor

from gmnm_pde.evolution.solvers.schur import Schur
from gmnm_pde.evolution.solvers.separable import Separable
from gmnm_pde.evolution.space.sides import SeparableGalerkin
from gmnm_pde.evolution.space.splitting import Entry
from gmnm_pde.evolution.space.ties import Ties


class Saddle(Separable):
    """The slopes' constant parts of a system in a box in which a constraint ties fields to a free one.

    Args:
        system: The equations.
        numbers: The slopes.
    """

    def __init__(self, system: SeparableGalerkin, numbers: Mapping[Entry, float]):
        super().__init__(system, numbers)
        self._ties = Ties.of(system.statements, numbers)
        self.numbers |= {**self._ties.gradients, **self._ties.constraint}
        self._schur = Schur(system, self.diagonals, self._ties)

    def forget(self) -> None:
        super().forget()
        self._schur.forget()

    def _solved(self, rate: complex, right: Tensor) -> list[Tensor]:
        free = self._ties.free
        parts: list[Tensor] = [own for own in right]
        for field, own in self.diagonals.items():
            parts[field] = own.solved(rate, right[field])
        left = -right[free]
        for (_, field, alpha), factor in self._ties.constraint.items():
            left = left + factor * self._differentiated(parts[field], alpha)
        parts[free] = self._schur.solved(rate, self.system.pressures.part(left.flatten()).view_as(left))
        pushed: dict[int, Tensor] = {}
        for (name, _, alpha), factor in self._ties.gradients.items():
            own, field = factor * self._differentiated(parts[free], alpha), self.system.statements.tested[name]
            pushed[field] = pushed[field] + own if field in pushed else own
        for field, own in pushed.items():
            parts[field] = parts[field] - self.diagonals[field].solved(rate, own)
        return parts

    def _differentiated(self, values: Tensor, alpha: tuple[int, ...]) -> Tensor:
        """A derivative by space of an expansion [*modes]."""
        orders, _ = self.system.statements.split(alpha)
        return self.basis.differentiated(values.flatten(), orders).view_as(values)
