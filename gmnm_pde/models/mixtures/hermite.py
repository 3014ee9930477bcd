"""Hermite polynomials: the derivatives of a Gaussian are these times the Gaussian itself.

In one variable, with He the probabilists' polynomials,  d^k/dy^k exp(-y^2/2) = (-1)^k He_k(y) exp(-y^2/2).
In several, with P positive semidefinite, v = P z and phi = exp(-z.P z / 2), D^alpha phi = (-1)^|alpha| H_alpha phi with

    H_{alpha + e_k} = v_k H_alpha - sum_j alpha_j P_kj H_{alpha - e_j},      H_0 = 1,

which follows from D_k phi = -v_k phi and D_j v_k = P_kj by the product rule.
"""

from collections.abc import Iterable

from torch import Tensor

from gmnm_pde.multiindex import Alpha, raised


def hermite(y: Tensor, order: int) -> Tensor | float:
    """He_order at y; the number 1 for order 0. He_{k+1} = y He_k - k He_{k-1}."""
    if order == 0:
        return 1.0
    before, now = None, y
    for k in range(1, order):
        before, now = now, y * now - (k if before is None else k * before)
    return now


def multivariate_hermite(v: list[Tensor], precision: Tensor, alphas: Iterable[Alpha]) -> dict[Alpha, Tensor | float]:
    """H_alpha for each of ``alphas``.

    Args:
        v: The d components of P z, each [n, components].
        precision: P, [components, d, d] or [n, components, d, d].
        alphas: Which polynomials.
    """
    known: dict[Alpha, Tensor | float] = {(0,) * len(v): 1.0}

    def polynomial(alpha: Alpha) -> Tensor | float:
        if alpha not in known:
            k = next(axis for axis, order in enumerate(alpha) if order)
            lower = raised(alpha, k, -1)
            value = v[k] * polynomial(lower)
            for j, order in enumerate(lower):
                if order:
                    value = value - order * precision[..., k, j] * polynomial(raised(lower, j, -1))
            known[alpha] = value
        return known[alpha]

    return {alpha: polynomial(alpha) for alpha in alphas}
