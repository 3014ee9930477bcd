"""Integrals over space inside of equations, by the quadrature of the modes."""

from collections.abc import Callable

from torch import Tensor

from gmnm_pde.models.modes import Product


def integrals(basis: Product) -> Callable[[Tensor], Tensor]:
    """Takes values at the quadrature's points at some times, [times * n], to their integrals, each n times.

    Slopes do not see them: they couple all modes, and change little within a step, so that Newton's method converges
    without.
    """

    def integrate(values: Tensor) -> Tensor:
        by_time = values.detach().unflatten(0, (-1, len(basis.points)))
        total = (by_time * basis.weights.to(by_time)).sum(dim=1, keepdim=True)
        return total.expand_as(by_time).flatten().clone().requires_grad_()

    return integrate
