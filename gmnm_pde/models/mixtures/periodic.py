"""Ridges that are periodic along some coordinates."""

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn

from gmnm_pde.models.mixtures.bumps import Bump
from gmnm_pde.models.mixtures.hermite import hermite
from gmnm_pde.multiindex import Alpha

_REACH = 1.2
"""How far from the middle ridges are placed, relative to the farthest that meets the domain."""


class PeriodicRidge(Bump):
    """phi = exp(-y^2/2) with y = b + sum_k a_k (x_k - mu_k), and a_k sin(pi (x_k - mu_k)) / pi along periodic axes.

    It is an affine ridge of the coordinates with the periodic ones wound around circles: as functions of x the
    components are analytic and have period 2, the length of [-1, 1]. Derivatives follow Faa di Bruno's formula.

    Args:
        d: The number of coordinates.
        components: How many.
        norm: The norm of the slopes a at the start.
        axes: The periodic coordinates.
    """

    def __init__(self, d: int, components: int, norm: float, axes: Sequence[int]):
        super().__init__()
        self.axes = tuple(sorted(axes))
        directions = torch.randn(components, d)
        self.a = nn.Parameter(norm * directions / directions.norm(dim=1, keepdim=True).clamp_min(1e-12))
        self.b = nn.Parameter(torch.zeros(components))

    def derivatives(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """For each alpha the derivative of every component, [n, components]."""
        inner = {axis: self._wave(x, centers, axis, highest) for axis, highest in self._orders(alphas).items()}
        y: Tensor = self.b
        for axis in range(x.shape[1]):
            term = inner[axis][0] if axis in inner else self.a[..., axis] * (x[:, axis, None] - centers[..., axis])
            y = y + term
        gauss = torch.exp(-0.5 * y.square())
        polynomials: dict[int, Tensor | float] = {}
        jets = {}
        for alpha in alphas:
            total: Tensor | float = 0.0
            for outer, factor in self._terms(alpha, inner):
                if outer not in polynomials:
                    polynomials[outer] = (-1) ** outer * hermite(y, outer)
                total = total + factor * polynomials[outer]
            jets[alpha] = total * gauss
        return jets

    def _orders(self, alphas: Sequence[Alpha]) -> dict[int, int]:
        return {axis: max([alpha[axis] for alpha in alphas], default=0) for axis in self.axes}

    def _wave(self, x: Tensor, centers: Tensor, axis: int, highest: int) -> list[Tensor]:
        """The periodic part of y along an axis, and its derivatives up to the highest order."""
        angle, middle = math.pi * x[:, axis, None], math.pi * centers[..., axis]
        a = self.a[..., axis] / math.pi
        sin = a * (angle.sin() * middle.cos() - angle.cos() * middle.sin())
        cos = a * (angle.cos() * middle.cos() + angle.sin() * middle.sin())
        cycle = (sin, cos, -sin, -cos)
        return [math.pi**order * cycle[order % 4] if order else sin for order in range(highest + 1)]

    def _terms(self, alpha: Alpha, inner: dict[int, list[Tensor]]) -> list[tuple[int, Tensor | float]]:
        """Of D^alpha exp(-y^2/2): how often the outer function is differentiated, and the factor that goes with it."""
        terms: list[tuple[int, Tensor | float]] = [(0, 1.0)]
        for axis, order in enumerate(alpha):
            if not order:
                continue
            if axis not in inner:
                terms = [(outer + order, factor * self.a[..., axis] ** order) for outer, factor in terms]
                continue
            bell = [(k, _bell(order, k, inner[axis])) for k in range(1, order + 1)]
            terms = [(outer + k, factor * part) for outer, factor in terms for k, part in bell]
        return terms

    def precisions(self) -> Tensor:
        """Of the ridge at its centre."""
        return self.a[:, :, None] * self.a[:, None, :]

    @torch.no_grad()
    def place(self, scales: Tensor, unit: Tensor) -> Tensor:
        """Put ridges in place whose directions are even on the sphere around the circles and lines; their centres.

        Args:
            scales: The norm of the slopes along each coordinate, [d].
            unit: Points of the unit cube, [components, d + periodic + 1].
        """
        normal = torch.special.ndtri(unit[:, :-1].clamp(1e-9, 1 - 1e-9))
        direction = list((normal / normal.norm(dim=1, keepdim=True)).unbind(1))
        slopes, centers, reach = [], [], torch.zeros_like(direction[0])
        for axis, scale in enumerate(scales):
            along = direction.pop(0)
            if axis in self.axes:
                across = direction.pop(0)
                slopes.append(scale * torch.hypot(along, across))
                centers.append(torch.atan2(across, along) / math.pi)
                reach += slopes[-1] / math.pi
            else:
                slopes.append(scale * along)
                centers.append(torch.zeros_like(along))
                reach += slopes[-1].abs()
        self.a.copy_(torch.stack(slopes, dim=1))
        self.b.copy_(_REACH * reach * (2 * unit[:, -1] - 1))
        return torch.stack(centers, dim=1)

    def set_slopes(self, slopes: Tensor) -> None:
        self.a.copy_(slopes)
        self.b.zero_()


def _bell(order: int, count: int, x: Sequence[Tensor]) -> Tensor:
    """The partial Bell polynomial B_{order, count}(x_1, x_2, ...): products of ``count`` inner derivatives."""
    total: Tensor | None = None
    for coefficient, parts in _bell_terms(order, count):
        product: Tensor | None = None
        for part in parts:
            product = x[part] if product is None else product * x[part]
        assert product is not None
        term = coefficient * product
        total = term if total is None else total + term
    assert total is not None
    return total


@cache
def _bell_terms(order: int, count: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """The partitions of ``order`` into ``count`` parts, with how many set partitions have them."""
    terms = []

    def fill(left: int, parts: tuple[int, ...]) -> None:
        if len(parts) == count:
            if left == 0:
                ways = math.factorial(order)
                for part in set(parts):
                    ways //= math.factorial(parts.count(part)) * math.factorial(part) ** parts.count(part)
                terms.append((ways, parts))
            return
        for part in range(1, min(left, parts[-1] if parts else left) + 1):
            fill(left - part, (*parts, part))

    fill(order, ())
    return tuple(terms)
