"""A function of each entry, carried to first derivatives and second-order operators, with its backward pass by hand.

Forward, with v, a, b the function and its first two derivatives at the value z, first derivatives Z_i, operators S_k:

    v,    a Z_i,    b Q_k + a S_k,      Q_k = sum_ij c_ij Z_i Z_j.

Backward, from the gradients g, G_i, T_k of these, with c the third derivative:

    z    <-  a g + b sum_i G_i Z_i + sum_k T_k (c Q_k + b S_k)
    Z_i  <-  a G_i + b sum_k T_k dQ_k/dZ_i
    S_k  <-  a T_k

By hand, since autograd would keep and read each intermediate product: these few lines are half of a training step.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gmnm_pde.models.networks.quadratic import QuadraticForm, add_gradient, form_of_stream, pieces, value_of_form
from gmnm_pde.models.networks.tanh import Tanh

Derivatives = Callable[[Tensor, int], tuple[Tensor, ...]]
"""``derivatives(z, k)``: a function of each entry with its first k derivatives, for k up to three."""


def entrywise(
    data: Tensor,
    constant: Tensor | None,
    bias: Tensor | None,
    derivatives: Derivatives,
    squares: tuple[QuadraticForm, ...],
    kept: tuple[int, ...] | None = None,
) -> Tensor:
    """The streams of a function of each entry plus ``bias``.

    Args:
        data: The streams [1 + firsts + operators, n, width]; only the value, [1, n, width], if ``constant`` is given.
        constant: Derivatives and operators that are the same at all points, [firsts + operators, 1, width].
        bias: [width].
        derivatives: The function with its derivatives.
        squares: The second-order part of each operator.
        kept: Which streams are wanted, in rising order; by default all.

    Returns:
        [1 + firsts + operators, n, width], or [kept, n, width].
    """
    if len(data) == 1 and constant is None:
        return derivatives(data if bias is None else data + bias, 0)[0]
    if torch.compiler.is_compiling():
        every = _plain(data, constant, bias, derivatives, squares)
        return every if kept is None else every[list(kept)]
    if kept is None:
        kept = tuple(range(len(data) if constant is None else 1 + len(constant)))
    if derivatives is tanh:
        return Tanh.apply(data, constant, bias, squares, kept)  # type: ignore[return-value]
    return _Entrywise.apply(data, constant, bias, derivatives, squares, kept)  # type: ignore[return-value]


def tanh(z: Tensor, order: int) -> tuple[Tensor, ...]:
    """Tanh with its derivatives."""
    value = torch.tanh(z)
    derivatives = [value]
    if order > 0:
        derivatives.append(value.square().neg_().add_(1))
    if order > 1:
        derivatives.append((value * derivatives[1]).mul_(-2))
    if order > 2:
        derivatives.append(derivatives[1].square().mul_(-6).add_(derivatives[1], alpha=4))
    return tuple(derivatives)


def _plain(
    data: Tensor,
    constant: Tensor | None,
    bias: Tensor | None,
    derivatives: Derivatives,
    squares: tuple[QuadraticForm, ...],
) -> Tensor:
    """The same for a compiler, which fuses the products and writes the backward pass itself."""
    z = data[0] if bias is None else data[0] + bias
    slopes = (data[1:] if constant is None else constant).unbind(0)
    value, first, *second = derivatives(z, 2 if any(squares) else 1)
    carried = [first * slope for slope in slopes]
    for form, k in zip(squares, range(len(slopes) - len(squares), len(slopes)), strict=True):
        if form:
            carried[k] = carried[k] + second[0] * value_of_form(slopes, form, slice(None))
    return torch.stack([value, *carried])


class _Entrywise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        data: Tensor,
        constant: Tensor | None,
        bias: Tensor | None,
        derivatives: Derivatives,
        squares: tuple[QuadraticForm, ...],
        kept: tuple[int, ...],
    ):
        ctx.save_for_backward(data, constant, bias)
        ctx.derivatives, ctx.squares, ctx.kept = derivatives, squares, kept
        out = data.new_empty(len(kept), *data.shape[1:])
        order = 2 if any(squares) else 1
        for rows, o, (z, *d) in pieces(out, data):
            d = d if constant is None else constant.unbind(0)
            known = derivatives(z if bias is None else z + bias, order)
            for k, after in zip(kept, o, strict=True):
                if k == 0:
                    after.copy_(known[0])
                    continue
                torch.mul(known[1], d[k - 1], out=after)
                form = form_of_stream(squares, k - 1, len(d))
                if form:
                    after.addcmul_(known[2], value_of_form(d, form, rows))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor):
        data, constant, bias = ctx.saved_tensors
        result = torch.empty_like(data)
        slopes = None if constant is None else torch.zeros_like(constant)
        order = 3 if any(ctx.squares) else 2
        for rows, bars, (z, *d), (bar_z, *out) in pieces(gradients[0], data, result):
            if constant is not None:
                d, out = constant.unbind(0), [torch.empty_like(bar_z) for _ in constant]
            _, a, b, *c = ctx.derivatives(z if bias is None else z + bias, order)
            by_stream = dict(zip(ctx.kept, bars, strict=True))
            if 0 in by_stream:
                torch.mul(a, by_stream[0], out=bar_z)
            else:
                bar_z.zero_()
            for k, after in enumerate(out):
                if k + 1 in by_stream:
                    torch.mul(a, by_stream[k + 1], out=after)
                else:
                    after.zero_()
            for k, bar in by_stream.items():
                if k == 0:
                    continue
                curved = b * bar
                bar_z.addcmul_(curved, d[k - 1])
                form = form_of_stream(ctx.squares, k - 1, len(d))
                if form:
                    bar_z.addcmul_(value_of_form(d, form, rows), c[0] * bar)
                    add_gradient(out, d, form, rows, curved)
            if slopes is not None:
                for total, part in zip(slopes, out, strict=True):
                    total += part.sum(dim=0)
        return result, slopes, None if bias is None else result[0].sum(dim=0), None, None, None
