"""Integrals over space along a step, from a few places and from the quadrature at the stages."""

from collections.abc import Callable, Sequence

from torch import Tensor

from gmnm_pde.evolution.space.integrals import integrals
from gmnm_pde.models.modes import Product


class NotedIntegrals:
    """Integrals on the quadrature of some modes, which are kept one after the other as they are asked for.

    Args:
        basis: The modes.

    Attributes:
        found: Each of them at the times that it was asked for at, [times].
    """

    def __init__(self, basis: Product):
        self._integrate, self._each = integrals(basis), len(basis.points)
        self.found: list[Tensor] = []

    def __call__(self, values: Tensor) -> Tensor:
        total = self._integrate(values)
        self.found.append(total.detach().unflatten(0, (-1, self._each))[:, 0])
        return total


def from_places(known: Sequence[Tensor], places: int, volume: float, between: Tensor) -> Callable[[Tensor], Tensor]:
    """Integrals of values at a few places at many times, then at the stages, each as many times as there are places.

    What the places do not see of an integral is taken from what they do not see at the stages: it is as smooth in time
    as fields are, whereas what is narrow is seen at the places.

    Args:
        known: The integrals at the stages, in the order in which they are asked for, [stages + 1] each.
        places: How many there are.
        volume: Of the space.
        between: From the stages to all of the times, [times + stages + 1, stages + 1].
    """
    ahead = iter(known)

    def integrate(values: Tensor) -> Tensor:
        seen = volume * values.detach().unflatten(0, (-1, places)).mean(dim=1)
        whole = next(ahead)
        total = seen + between @ (whole - seen[-len(whole) :])
        return total[:, None].expand(-1, places).flatten().clone().requires_grad_()

    return integrate
