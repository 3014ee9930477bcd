"""A function of each entry, carried to first derivatives and second-order operators, with its backward pass by hand.

Forward, with v, a, b the function and its first two derivatives at the value z, first derivatives Z_i, operators S_k:

    v,    a Z_i,    b Q_k + a S_k,      Q_k = sum_ij c_ij Z_i Z_j.

Backward, from the gradients g, G_i, T_k of these, with c the third derivative:

    z    <-  a g + b sum_i G_i Z_i + sum_k T_k (c Q_k + b S_k)
    Z_i  <-  a G_i + b sum_k T_k dQ_k/dZ_i
    S_k  <-  a T_k

By hand, since autograd would keep and read each intermediate product: these few lines are half of a training step.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Derivatives = Callable[[Tensor, int], tuple[Tensor, ...]]
"""``derivatives(z, k)``: a function of each entry with its first k derivatives, for k up to three."""

Squares = tuple[tuple[int, int, Tensor | float], ...]
"""A quadratic form of first derivatives: terms (i, j, c_ij)."""


def entrywise(
    data: Tensor,
    constant: Tensor | None,
    bias: Tensor | None,
    derivatives: Derivatives,
    squares: tuple[Squares, ...],
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
    return _Entrywise.apply(data, constant, bias, derivatives, squares, kept)  # type: ignore[return-value]


def _plain(
    data: Tensor, constant: Tensor | None, bias: Tensor | None, derivatives: Derivatives, squares: tuple[Squares, ...]
) -> Tensor:
    """The same for a compiler, which fuses the products and writes the backward pass itself."""
    z = data[0] if bias is None else data[0] + bias
    slopes = (data[1:] if constant is None else constant).unbind(0)
    value, first, *second = derivatives(z, 2 if any(squares) else 1)
    carried = [first * slope for slope in slopes]
    for form, k in zip(squares, range(len(slopes) - len(squares), len(slopes)), strict=True):
        if form:
            carried[k] = carried[k] + second[0] * _quadratic(slopes, form, slice(None))
    return torch.stack([value, *carried])


class _Entrywise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        data: Tensor,
        constant: Tensor | None,
        bias: Tensor | None,
        derivatives: Derivatives,
        squares: tuple[Squares, ...],
        kept: tuple[int, ...],
    ):
        ctx.save_for_backward(data, constant, bias)
        ctx.derivatives, ctx.squares, ctx.kept = derivatives, squares, kept
        out = data.new_empty(len(kept), *data.shape[1:])
        order = 2 if any(squares) else 1
        for rows, o, (z, *d) in _pieces(out, data):
            d = d if constant is None else constant.unbind(0)
            known = derivatives(z if bias is None else z + bias, order)
            for k, after in zip(kept, o, strict=True):
                if k == 0:
                    after.copy_(known[0])
                    continue
                torch.mul(known[1], d[k - 1], out=after)
                form = _form(squares, k - 1, len(d))
                if form:
                    after.addcmul_(known[2], _quadratic(d, form, rows))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor):
        data, constant, bias = ctx.saved_tensors
        result = torch.empty_like(data)
        slopes = None if constant is None else torch.zeros_like(constant)
        order = 3 if any(ctx.squares) else 2
        for rows, bars, (z, *d), (bar_z, *out) in _pieces(gradients[0], data, result):
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
                bent = b * bar
                bar_z.addcmul_(bent, d[k - 1])
                form = _form(ctx.squares, k - 1, len(d))
                if form:
                    bar_z.addcmul_(_quadratic(d, form, rows), c[0] * bar)
                    _add_slopes(out, d, form, rows, bent)
            if slopes is not None:
                for total, part in zip(slopes, out, strict=True):
                    total += part.sum(dim=0)
        return result, slopes, None if bias is None else result[0].sum(dim=0), None, None, None


def _form(squares: tuple[Squares, ...], number: int, slopes: int) -> Squares:
    """The second-order part of a stream: of an operator its own, of a first derivative none."""
    operator = number - (slopes - len(squares))
    return squares[operator] if operator >= 0 else ()


def _quadratic(d: Sequence[Tensor], form: Squares, rows: slice) -> Tensor:
    """sum_ij c_ij d_i d_j."""
    total: Tensor | None = None
    for i, j, coefficient in form:
        c = _on(coefficient, rows)
        number = 1.0 if isinstance(c, Tensor) else c
        left = d[i] * c if isinstance(c, Tensor) else d[i]
        if total is None:
            total = torch.mul(left, d[j])
            total = total if number == 1 else total.mul_(number)
        elif left.shape == total.shape:
            total.addcmul_(left, d[j], value=number)
        else:
            total = torch.addcmul(total, left, d[j], value=number)
    assert total is not None
    return total


def _add_slopes(out: Sequence[Tensor], d: Sequence[Tensor], form: Squares, rows: slice, factor: Tensor) -> None:
    """Add to out_i the slope of sum_ij c_ij d_i d_j by d_i, times ``factor``."""
    for i, j, coefficient in form:
        c = _on(coefficient, rows)
        number = 1.0 if isinstance(c, Tensor) else c
        weighted = factor * c if isinstance(c, Tensor) else factor
        out[i].addcmul_(weighted, d[j], value=2 * number if i == j else number)
        if i != j:
            out[j].addcmul_(weighted, d[i], value=number)


def _on(coefficient: Tensor | float, rows: slice) -> Tensor | float:
    return coefficient[rows] if isinstance(coefficient, Tensor) and coefficient.ndim else coefficient


_CACHED_BYTES = 2**21
"""On a CPU the streams are worked through in pieces of this size, so that what lies between stays in the cache."""


def _pieces(*tensors: Tensor) -> Iterator[tuple[Any, ...]]:
    """The same rows of each tensor [streams, n, width], a piece at a time: the rows, then the streams of each."""
    streams, n, width = tensors[0].shape
    size = streams * width * tensors[0].element_size()
    count = n if tensors[0].is_cuda else max(32, _CACHED_BYTES // max(1, size))
    for first in range(0, n, max(1, count)):
        rows = slice(first, min(first + count, n))
        yield rows, *(tensor[:, rows].unbind(0) for tensor in tensors)
