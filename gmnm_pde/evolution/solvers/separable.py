"""Operators with constant coefficients in a box, and their inverses: line by line.

Of each equation only the part on its own field is taken, and of that the derivatives along one coordinate at a time:
such an operator is a sum of operators on lines.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from gmnm_pde.evolution.solvers.diagonal import Diagonal
from gmnm_pde.evolution.space.sides import SeparableGalerkin
from gmnm_pde.evolution.space.splitting import Entry


class Separable:
    """The slopes' constant parts of a system in a box, as far as they are sums of operators on lines.

    Args:
        system: The equations.
        numbers: The slopes.

    Attributes:
        numbers: Those that are taken.
        diagonals: Of the fields, by their numbers; free ones have none.
    """

    def __init__(self, system: SeparableGalerkin, numbers: Mapping[Entry, float]):
        self.system, self.basis = system, system.basis
        fields = [field for field in range(system.fields) if field not in system.statements.free]
        self.diagonals = {field: Diagonal(system, field, numbers) for field in fields}
        self.numbers = {entry: own for part in self.diagonals.values() for entry, own in part.numbers.items()}

    def forget(self) -> None:
        """The inverses of other rates than those to come."""
        for own in self.diagonals.values():
            own.forget()

    def solved(self, rate: complex, right: Tensor) -> Tensor:
        """The inverse, applied to one right-hand side [M], conditions on sides included."""
        held = right - self.system.unheld(right)
        inside = right - self._applied(rate, held) if bool(held.any()) else right
        shaped = inside.unflatten(-1, (self.system.fields, *self.basis.shape))
        return torch.stack(self._solved(rate, shaped)).flatten() + held

    def _solved(self, rate: complex, right: Tensor) -> list[Tensor]:
        """By field, of right-hand sides [fields, *modes], with nothing of what is held."""
        return [own.solved(rate, right[field]) for field, own in self.diagonals.items()]

    def _applied(self, rate: complex, vector: Tensor) -> Tensor:
        """The operator, applied to a vector [M]."""
        return self._sum(vector, {in_time: rate**in_time for in_time in range(self.system.statements.order + 1)})

    def _sum(self, vector: Tensor, factors: Mapping[int, complex]) -> Tensor:
        """The slopes by some derivatives in time, each times a factor, applied to a vector [M]."""
        statements = self.system.statements
        shaped = vector.unflatten(-1, (self.system.fields, self.basis.count))
        total = torch.zeros_like(shaped)
        for (name, field, alpha), number in self.numbers.items():
            orders, in_time = statements.split(alpha)
            if in_time in factors:
                own = number * factors[in_time] * self.basis.differentiated(shaped[field], orders)
                total[statements.tested[name]] += own
        return total.flatten()

    def multiplied(self, order: int, vector: Tensor) -> Tensor:
        """The product of the slope by a derivative in time and a vector [M]."""
        inside = self.system.unheld(self._sum(vector, {order: 1.0}))
        return inside if order else inside + vector - self.system.unheld(vector)
