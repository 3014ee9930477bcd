"""Radial basis function networks: components that see the distance from their centre alone.

A component is f(q) with q = |s (x - mu)|^2, one number s for each component. In every coordinate q is a quadratic, so
that Faa di Bruno's formula has two kinds of terms only, and with z = x - mu

    D^alpha f(q) = sum over m <= alpha / 2 of  prod_k alpha_k! / (m_k! (alpha_k - 2 m_k)!) (2 s^2 z_k)^(alpha_k - 2 m_k)
                   s^(2 |m|)  f^(|alpha| - |m|)(q).
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.models.mixtures.bumps import Bump
from gmnm_pde.models.mixtures.gmnm import GMNM
from gmnm_pde.multiindex import Alpha


def _gaussian(q: Tensor, order: int) -> Tensor:
    return (-0.5) ** order * torch.exp(-0.5 * q)


def _power(exponent: float) -> Callable[[Tensor, int], Tensor]:
    def derivative(q: Tensor, order: int) -> Tensor:
        factor = 1.0
        for k in range(order):
            factor *= exponent - k
        return factor * (1 + q) ** (exponent - order)

    return derivative


SHAPES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "gaussian": _gaussian,
    "multiquadric": _power(0.5),
    "inverse_multiquadric": _power(-0.5),
}
"""Functions of the squared distance q, each with its derivatives by q of every order."""


class Radial(Bump):
    """f(|s (x - mu)|^2), with one width 1/s for all coordinates."""

    def __init__(self, d: int, components: int, norm: float, shape: str):
        super().__init__()
        self.d, self.shape = d, shape
        self.s = nn.Parameter(torch.full((components,), norm / math.sqrt(d)))

    def derivatives(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        square = self.s.square()
        z = [x[:, k, None] - centers[..., k] for k in range(x.shape[1])]
        q = square * torch.stack(z).square().sum(dim=0)
        highest = max([sum(alpha) for alpha in alphas], default=0)
        profiles = [SHAPES[self.shape](q, k) for k in range(highest + 1)]
        jets = {}
        for alpha in alphas:
            value = torch.zeros_like(q)
            for pairs in itertools.product(*[range(order // 2 + 1) for order in alpha]):
                term = square ** sum(pairs) * profiles[sum(alpha) - sum(pairs)]
                for k, (order, m) in enumerate(zip(alpha, pairs, strict=True)):
                    single = order - 2 * m
                    if order:
                        count = math.factorial(order) // (math.factorial(m) * math.factorial(single))
                        term = count * term * (2 * square * z[k]) ** single
                value = value + term
            jets[alpha] = value
        return jets

    def set_slopes(self, slopes: Tensor) -> None:
        self.s.copy_(slopes.square().mean(dim=1).sqrt())

    def precisions(self) -> Tensor:
        return self.s.square()[:, None, None] * torch.eye(self.d, dtype=self.s.dtype, device=self.s.device)


class RBF(GMNM):
    """A radial basis function network (Broomhead and Lowe, Complex Systems 2, 1988): sum_j pi_oj f(|s_j (x - mu_j)|^2).

    The Gaussian shape is a GMNM of the form ``diagonal`` with one width for all coordinates. A component has
    in_features + 1 + out_features parameters.

    Args:
        in_features: d, the number of coordinates.
        out_features: The number of outputs; they share the components.
        components: How many.
        shape: ``gaussian`` exp(-q / 2), ``multiquadric`` sqrt(1 + q) or ``inverse_multiquadric`` 1 / sqrt(1 + q), of
            q = |s (x - mu)|^2.
        trainable_centers: Whether the centres mu are parameters, or fixed after initialisation.
        scale: s sqrt(d) at the start: large means narrow. Inputs are expected near [-1, 1].

    Raises:
        GmnmError: an unknown shape, or a count that is not positive.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        components: int,
        *,
        shape: str = "gaussian",
        trainable_centers: bool = True,
        scale: float = 2.0,
    ):
        if shape not in SHAPES:
            call = f"RBF({in_features}, {out_features}, {components}, shape={shape!r})"
            raise refuse(call, expected="a shape", got=repr(shape), remedy=nearest(shape, SHAPES))
        super().__init__(
            in_features, out_features, components, form="diagonal", trainable_centers=trainable_centers, scale=scale
        )
        self.form = shape
        self.kernel = Radial(in_features, components, scale, shape)

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        names = ("in_features", "out_features", "components", "trainable_centers")
        return {**{name: getattr(self, name) for name in names}, "shape": self.form}
