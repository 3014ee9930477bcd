"""Components that fall off in every direction, and sums of them in pieces that stay in the cache."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gmnm_pde.models.blocking import points_at_once
from gmnm_pde.models.mixtures.hermite import hermite, multivariate_hermite
from gmnm_pde.models.mixtures.kernels import Kernel, column
from gmnm_pde.models.mixtures.ridges import has_own_backward
from gmnm_pde.multiindex import Alpha, Operator


class Bump(Kernel):
    """Components that fall off in every direction; a form gives its derivatives one by one."""

    @abstractmethod
    def derivatives(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """For each alpha the derivative of every component, [n, components]."""

    def forward(self, x: Tensor, centers: Tensor) -> Tensor:
        zero = (0,) * x.shape[1]
        return self.derivatives(x, centers, (zero,))[zero]

    def combine(self, x: Tensor, centers: Tensor, coefficients: Mapping[Alpha, Tensor]) -> Tensor:
        parts = self.derivatives(x, centers, tuple(coefficients))
        total = x.new_zeros(len(x), centers.shape[-2])
        for alpha, c in coefficients.items():
            total = total + c[..., None] * parts[alpha]
        return total

    def contract(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha], weights: Tensor) -> dict[Alpha, Tensor]:
        if not alphas:
            return {}
        sums = _sums(self, x, centers, weights, dict.fromkeys(alphas), apart=True)
        return dict(zip(dict.fromkeys(alphas), sums.split(len(weights), dim=1), strict=True))

    def mix(self, x: Tensor, centers: Tensor, coefficients: Operator, weights: Tensor) -> Tensor:
        return _sums(self, x, centers, weights, {alpha: column(c, x) for alpha, c in coefficients.items()})


class Diagonal(Bump):
    """exp(-|s * (x - mu)|^2 / 2): a product over coordinates, and so are its derivatives."""

    def __init__(self, d: int, components: int, norm: float):
        super().__init__()
        self.s = nn.Parameter(torch.full((components, d), norm / math.sqrt(d)))

    def derivatives(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        y = [(x[:, k, None] - centers[..., k]) * self.s[..., k] for k in range(x.shape[1])]
        gauss = torch.exp(-0.5 * torch.stack(y).square().sum(dim=0))
        jets = {}
        for alpha in alphas:
            value = gauss
            for k, order in enumerate(alpha):
                if order:
                    value = value * hermite(y[k], order) * (-self.s[..., k]) ** order
            jets[alpha] = value
        return jets

    def set_slopes(self, slopes: Tensor) -> None:
        self.s.copy_(slopes)

    def precisions(self) -> Tensor:
        return torch.diag_embed(self.s.square())


class Full(Bump):
    """exp(-|A (x - mu)|^2 / 2): the Mahalanobis distance of the precision matrix A^T A, any A."""

    def __init__(self, d: int, components: int, norm: float):
        super().__init__()
        self.A = nn.Parameter(norm / math.sqrt(d) * torch.linalg.qr(torch.randn(components, d, d)).Q)

    def derivatives(self, x: Tensor, centers: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        z = (x[:, None, :] - centers).movedim(-1, 0)
        precision = self.precisions()
        v = torch.einsum("jkl,lnj->knj" if precision.ndim == 3 else "njkl,lnj->knj", precision, z)
        gauss = torch.exp(-0.5 * (z * v).sum(dim=0))
        polynomials = multivariate_hermite(list(v), precision, alphas)
        return {alpha: (-1) ** sum(alpha) * polynomials[alpha] * gauss for alpha in alphas}

    def set_slopes(self, slopes: Tensor) -> None:
        self.A.copy_(torch.diag_embed(slopes))

    def precisions(self) -> Tensor:
        return self.A.mT @ self.A


def _sums(
    kernel: Bump,
    x: Tensor,
    centers: Tensor,
    weights: Tensor,
    coefficients: Mapping[Alpha, Tensor | None],
    *,
    apart: bool = False,
) -> Tensor:
    """sum_j w_oj sum_alpha c_alpha D^alpha phi_j, [n, outputs]; ``apart`` the derivatives, [n, alphas * outputs]."""
    call = _Sums(kernel, tuple(coefficients), apart=apart)
    values = tuple(c for c in coefficients.values() if c is not None)
    size = len(centers) * x.element_size()
    count = points_at_once(len(x), x.device, bytes_per_point=size, cache=_CACHED_BYTES, least=_LEAST_POINTS)
    if len(x) <= count or any(c.requires_grad for c in values) or not has_own_backward(x):
        return call(x, centers, weights, values)
    names, parameters = zip(*call.named_parameters(), strict=True)
    return _InPieces.apply(call, count, names, values, x, centers, weights, *parameters)  # type: ignore[return-value]


class _Sums(nn.Module):
    """A kernel whose call makes weighted sums, which is what functional_call can reach."""

    def __init__(self, kernel: Bump, alphas: tuple[Alpha, ...], *, apart: bool):
        super().__init__()
        self.kernel, self.alphas, self.apart = kernel, alphas, apart

    def forward(self, x: Tensor, centers: Tensor, weights: Tensor, values: Sequence[Tensor]) -> Tensor:
        if self.apart:
            parts = self.kernel.derivatives(x, centers, self.alphas)
            return torch.cat([parts[alpha] @ weights.mT for alpha in self.alphas], dim=1)
        return self.kernel.combine(x, centers, dict(zip(self.alphas, values, strict=True))) @ weights.mT


_CACHED_BYTES = 2**19
"""On a CPU the points are worked through in pieces whose matrices [points, components] have this size each."""

_LEAST_POINTS = 16
"""Pieces have at least this many points."""


class _InPieces(torch.autograd.Function):
    """Autograd for some points at a time: the backward pass evaluates them again, nothing is kept in between."""

    @staticmethod
    def forward(
        ctx: Any,
        call: _Sums,
        count: int,
        names: tuple[str, ...],
        values: tuple[Tensor, ...],
        x: Tensor,
        *given: Tensor,
    ):
        ctx.call, ctx.count, ctx.names, ctx.values = call, count, names, values
        ctx.save_for_backward(x, *given)
        return torch.cat([_InPieces.piece(ctx, rows, x, given) for rows in _InPieces.rows(ctx, x)])

    @staticmethod
    def rows(ctx: Any, x: Tensor) -> list[slice]:
        return [slice(first, first + ctx.count) for first in range(0, len(x), ctx.count)]

    @staticmethod
    def piece(ctx: Any, rows: slice, x: Tensor, given: Sequence[Tensor]) -> Tensor:
        centers, weights, *parameters = given
        values = [c[rows] if c.ndim else c for c in ctx.values]
        own = dict(zip(ctx.names, parameters, strict=True))
        return functional_call(ctx.call, own, (x[rows], centers, weights, values))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor):
        x, *given = ctx.saved_tensors
        again = torch.is_grad_enabled()
        needed = ctx.needs_input_grad[5:]
        if again:  # views, since one may be made of another
            given = [tensor.view_as(tensor) for tensor in given]
        else:
            given = [tensor.detach().requires_grad_(need) for tensor, need in zip(given, needed, strict=True)]
        leaves = [tensor for tensor in given if tensor.requires_grad]
        totals: list[Tensor] = []
        for rows in _InPieces.rows(ctx, x):
            with torch.enable_grad():
                sums = _InPieces.piece(ctx, rows, x, given)
            parts = torch.autograd.grad(
                sums, leaves, gradients[0][rows], create_graph=again, allow_unused=True, materialize_grads=True
            )
            totals = [total + part for total, part in zip(totals, parts, strict=True)] if totals else list(parts)
        by_leaf = iter(totals)
        return None, None, None, None, None, *(next(by_leaf) if tensor.requires_grad else None for tensor in given)
