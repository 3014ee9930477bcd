"""Weighted sums of the derivatives of exp(-y^2/2), y = a . x + b, with their backward pass by hand.

With E_k the derivative of order k of e(y) = exp(-y^2/2), M_k weights [columns, components] and G_k the gradient by S_k:

    E_{k+1} = -y E_k - k E_{k-1},         S_k = E_k M_k^T,
    M_k  <-  G_k^T E_k,                   y  <-  sum_k (G_k M_k) E_{k+1}.

By hand, since a training step is bound by memory: autograd would write and read some ten matrices [n, components].
Here the points are worked through in pieces whose matrices stay in the cache, and the backward pass makes them again.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from gmnm_pde.models.blocking import points_at_once
from gmnm_pde.models.mixtures.hermite import hermite


def ridge_sums(x: Tensor, a: Tensor, b: Tensor, mixing: Mapping[int, Tensor]) -> dict[int, Tensor]:
    """sum_j M_cj E_k(a_j . x + b_j) for each order k of ``mixing``.

    Args:
        x: Where, [n, d].
        a: Slopes, [components, d].
        b: Offsets, [components].
        mixing: By order, weights M [columns, components].

    Returns:
        By order, [n, columns].
    """
    orders = tuple(sorted(mixing))
    weights = [mixing[k] for k in orders]
    if orders and len(x) and has_own_backward(x):
        sums = _RidgeSums.apply(x, a, b, orders, *weights)
    else:
        sums = _plain(x, a, b, orders, weights)
    return dict(zip(orders, sums, strict=True))  # type: ignore[arg-type]


def has_own_backward(x: Tensor) -> bool:
    """Whether a backward pass by hand serves: not for compilers, forward mode and torch.func, nor gradients by x."""
    if torch.compiler.is_compiling() or x.requires_grad:
        return False
    return forward_ad._current_level < 0 and not torch._C._are_functorch_transforms_active()


def _plain(x: Tensor, a: Tensor, b: Tensor, orders: tuple[int, ...], weights: list[Tensor]) -> tuple[Tensor, ...]:
    """The same for autograd and compilers."""
    y = torch.addmm(b, x, a.mT)
    gauss = torch.exp(-0.5 * y.square())
    return tuple((-1) ** k * (hermite(y, k) * gauss) @ m.mT for k, m in zip(orders, weights, strict=True))


class _RidgeSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, a: Tensor, b: Tensor, orders: tuple[int, ...], *weights: Tensor):
        ctx.save_for_backward(x, a, b, *weights)
        ctx.orders = orders
        sums = tuple(x.new_empty(len(x), len(m)) for m in weights)
        scales = _scales(orders[-1])
        scaled = [scales[k] * m.mT for k, m in zip(orders, weights, strict=True)]
        for rows, derivatives in _pieces(x, a, b, orders[-1]):
            for k, m, out in zip(orders, scaled, sums, strict=True):
                torch.mm(derivatives[k], m, out=out[rows])
        return sums

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor):
        x, a, b, *weights = ctx.saved_tensors
        orders = ctx.orders
        if torch.is_grad_enabled():  # asked for derivatives of the gradient: autograd makes them
            again = [given.view_as(given) for given in (a, b, *weights)]  # views, since weights may be made of slopes
            inputs = [tensor for tensor in again if tensor.requires_grad]
            sums = _plain(x, again[0], again[1], orders, again[2:])
            slopes = iter(torch.autograd.grad(sums, inputs, gradients, create_graph=True, allow_unused=True))
            by_input = [next(slopes) if tensor.requires_grad else None for tensor in again]
            return None, *by_input[:2], None, *by_input[2:]
        moves = ctx.needs_input_grad[1] or ctx.needs_input_grad[2]
        affine = torch.cat([x, x.new_ones(len(x), 1)], dim=1).mT.contiguous()
        highest = orders[-1] + moves
        scales = _scales(highest)
        scaled = [scales[k + 1] * m if moves else m for k, m in zip(orders, weights, strict=True)]
        # sum_i x_i (G M)_i E is also M sum_i x_i G_i E, which needs no matrix G M: cheaper while the columns are few
        few = [moves and len(m) * len(affine) <= _FEW for m in weights]
        many = [moves and not are_few for are_few in few]
        left: list[list[Tensor]] = [[] for _ in range(highest + 1)]
        for k, bar in zip(orders, gradients, strict=True):
            left[k].append(bar.mT)
        for k, bar in itertools.compress(zip(orders, gradients, strict=True), few):
            left[k + 1].append((bar.mT[:, None] * affine).flatten(0, 1))
        factors = [torch.cat(parts) if parts else x.new_empty(0, len(x)) for parts in left]
        totals = [a.new_zeros(len(factor), len(a)) for factor in factors]
        slopes = a.new_zeros(len(affine), len(a))
        for rows, derivatives in _pieces(x, a, b, highest):
            for total, factor, derivative in zip(totals, factors, derivatives, strict=True):
                if len(factor):
                    total.addmm_(factor[:, rows], derivative)
            for k, m, bar in itertools.compress(zip(orders, scaled, gradients, strict=True), many):
                slopes.addmm_(affine[:, rows], (bar[rows] @ m).mul_(derivatives[k + 1]))
        for k, m in itertools.compress(zip(orders, scaled, strict=True), few):
            each = totals[k + 1][-len(m) * len(affine) :].view(len(m), *slopes.shape)
            slopes += (m[:, None] * each).sum(dim=0)
        by_weights = [scales[k] * totals[k][: len(m)] for k, m in zip(orders, weights, strict=True)]
        return None, slopes[:-1].mT, slopes[-1], None, *by_weights


_FEW = 12
"""Rows of the left factor up to which points are summed over before components' weights are multiplied."""


def _scales(highest: int) -> list[float]:
    """s_k with E_k = s_k g_k for the g_k of ``_pieces``."""
    scales = [1.0, -1.0]
    for k in range(1, highest):
        scales.append(-k * scales[k - 1])
    return scales[: highest + 1]


_CACHED_BYTES = 2**20
"""On a CPU the points are worked through in pieces whose matrices have this size together."""

_LEAST_POINTS = 16
"""Pieces have at least this many points."""


def _pieces(x: Tensor, a: Tensor, b: Tensor, highest: int) -> Iterator[tuple[slice, list[Tensor]]]:
    """Rows, and g_0 ... g_highest there, [rows, components]; the memory is used again for the next piece.

    E_k = s_k g_k with g_0 = e, g_1 = y g_0 and s_{k+1} = -k s_{k-1}, so that each order is a single operation,
    g_{k+1} = g_{k-1} - s_k / s_{k+1} y g_k.
    """
    n, width = len(x), len(a)
    size = (highest + 2) * width * x.element_size()
    count = points_at_once(n, x.device, bytes_per_point=size, cache=_CACHED_BYTES, least=_LEAST_POINTS)
    memory = x.new_empty(highest + 2, count, width)
    zero, scales, across = x.new_zeros(()), _scales(highest), a.mT
    for first in range(0, n, count):
        rows = slice(first, min(first + count, n))
        y, *g = memory[:, : rows.stop - first].unbind(0)
        torch.addmm(b, x[rows], across, out=y)
        torch.exp(torch.addcmul(zero, y, y, value=-0.5, out=g[0]), out=g[0])
        if highest:
            torch.mul(y, g[0], out=g[1])
        for k in range(1, highest):
            torch.addcmul(g[k - 1], y, g[k], value=-scales[k] / scales[k + 1], out=g[k + 1])
        yield rows, g


def ridge_rows(
    x: Tensor, a: Tensor, b: Tensor, terms: Mapping[int, tuple[Tensor, Tensor]]
) -> Iterator[tuple[slice, Tensor, list[Tensor], Tensor]]:
    """t_ij = sum_k (C_k P_k)_ij E_k(a_j . x_i + b_j), and its derivatives by a_j and b_j, at each point.

    Args:
        x: Where, [n, d].
        a: Slopes, [components, d].
        b: Offsets, [components].
        terms: By order k, the coefficients C_k [n, columns], or [1, columns] if they are the same at all points, and
            [1 + d, columns, components]: P_k, powers of a, and their derivatives by each coordinate of a.

    Yields:
        Rows, and there t, its derivatives by each coordinate of a, and by b, all [rows, components].
    """
    highest = max(terms) + 1
    scales = _scales(highest)
    for rows, derivatives in _pieces(x, a, b, highest):
        value, by_b = torch.zeros_like(derivatives[0]), torch.zeros_like(derivatives[0])
        turned: list[Tensor] = []
        for k, (c, powers) in terms.items():
            factor, *turns = (c if len(c) == 1 else c[rows]) @ powers
            value.addcmul_(factor, derivatives[k], value=scales[k])
            by_b.addcmul_(factor, derivatives[k + 1], value=scales[k + 1])
            if k:
                parts = [(scales[k] * turn).mul(derivatives[k]) for turn in turns]
                turned = [total.add_(part) for total, part in zip(turned, parts, strict=True)] if turned else parts
        moved = [by_b * at[:, None] for at in x[rows].mT]
        by_a = [total.add_(turn) for total, turn in zip(moved, turned, strict=True)] if turned else moved
        yield rows, value, by_a, by_b
