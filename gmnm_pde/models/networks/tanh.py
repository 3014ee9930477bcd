"""tanh carried to first derivatives and second-order operators: the formulas of ``entrywise`` with fewer products.

With v = tanh(z) and a = 1 - v^2, the second and third derivatives are -2 v a and (6 v^2 - 2) a: everything has the
factor a, and PyTorch multiplies by a without making it (tanh_backward). With tau_k = a T_k and gamma_i = a G_i, the
backward pass is

    z    <-  a g - 2 v (sum_i gamma_i Z_i + sum_k tau_k S_k - 3 v sum_k tau_k Q_k) - 2 sum_k tau_k Q_k
    Z_i  <-  gamma_i - 2 v sum_k tau_k dQ_k/dZ_i
    S_k  <-  tau_k.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gmnm_pde.models.networks.quadratic import QuadraticForm, add_gradient, form_of_stream, pieces, value_of_form

_times_slope = torch.ops.aten.tanh_backward.grad_input
"""_times_slope(x, v, grad_input=out): x (1 - v^2) into out."""


class Tanh(torch.autograd.Function):
    """See ``entrywise``, of which this is the same for tanh."""

    @staticmethod
    def forward(
        ctx: Any,
        data: Tensor,
        constant: Tensor | None,
        bias: Tensor | None,
        squares: tuple[QuadraticForm, ...],
        kept: tuple[int, ...],
    ):
        value = torch.tanh(data[0] if bias is None else data[0] + bias)
        ctx.save_for_backward(data, constant, value)
        ctx.squares, ctx.kept, ctx.has_bias = squares, kept, bias is not None
        out = data.new_empty(len(kept), *data.shape[1:])
        for rows, o, (_, *d), (v,) in pieces(out, data, value[None]):
            d = d if constant is None else constant.unbind(0)
            for k, after in zip(kept, o, strict=True):
                if k == 0:
                    after.copy_(v)
                    continue
                form, before = form_of_stream(squares, k - 1, len(d)), d[k - 1]
                if form:
                    before = torch.addcmul(before, v, value_of_form(d, form, rows), value=-2)
                _times_slope(before.expand_as(v), v, grad_input=after)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor):
        data, constant, value = ctx.saved_tensors
        result = torch.empty_like(data)
        slopes = None if constant is None else torch.zeros_like(constant)
        for rows, bars, (_, *d), (bar_z, *out), (v,) in pieces(gradients[0], data, result, value[None]):
            if constant is not None:
                d, out = constant.unbind(0), [torch.empty_like(bar_z) for _ in constant]
            given = dict(zip(ctx.kept, bars, strict=True))
            for k, after in enumerate((bar_z, *out)):
                if k in given:
                    _times_slope(given[k], v, grad_input=after)
                else:
                    after.zero_()
            inner, curved = torch.zeros_like(v), None
            scaled = {
                k: out[k - 1] if form_of_stream(ctx.squares, k - 1, len(d)) else out[k - 1].clone() for k in given if k
            }
            for k, times in scaled.items():
                inner.addcmul_(times, d[k - 1])
            for k, times in scaled.items():
                form = form_of_stream(ctx.squares, k - 1, len(d))
                if form:
                    product = times * value_of_form(d, form, rows)
                    curved = product if curved is None else curved.add_(product)
                    add_gradient(out, d, form, rows, (v * times).mul_(-2))
            if curved is None:
                bar_z.addcmul_(v, inner, value=-2)
            else:
                inner.addcmul_(v, curved, value=-3)
                bar_z.sub_(curved.addcmul_(v, inner), alpha=2)
            if slopes is not None:
                for total, part in zip(slopes, out, strict=True):
                    total += part.sum(dim=0)
        return result, slopes, result[0].sum(dim=0) if ctx.has_bias else None, None, None
