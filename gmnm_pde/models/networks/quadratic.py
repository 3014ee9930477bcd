"""Second-order operators on streams: their quadratic forms in the first derivatives, and work in cached pieces."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.models.blocking import points_at_once

QuadraticForm = tuple[tuple[int, int, Tensor | float], ...]
"""A quadratic form of first derivatives: terms (i, j, c_ij)."""


def form_of_stream(squares: tuple[QuadraticForm, ...], number: int, slopes: int) -> QuadraticForm:
    """The second-order part of stream ``number`` after the value; empty for first derivatives."""
    operator = number - (slopes - len(squares))
    return squares[operator] if operator >= 0 else ()


def value_of_form(d: Sequence[Tensor], form: QuadraticForm, rows: slice) -> Tensor:
    """sum_ij c_ij d_i d_j at the given rows."""
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


def add_gradient(out: Sequence[Tensor], d: Sequence[Tensor], form: QuadraticForm, rows: slice, factor: Tensor) -> None:
    """Add to out_i the derivative of sum_ij c_ij d_i d_j by d_i, times ``factor``."""
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

_LEAST_POINTS = 32
"""Pieces have at least this many points."""


def pieces(*tensors: Tensor) -> Iterator[tuple[Any, ...]]:
    """The same rows of each tensor [streams, n, width], a piece at a time: the rows, then the streams of each."""
    streams, n, width = tensors[0].shape
    size = streams * width * tensors[0].element_size()
    count = points_at_once(n, tensors[0].device, bytes_per_point=size, cache=_CACHED_BYTES, least=_LEAST_POINTS)
    for first in range(0, n, count):
        rows = slice(first, min(first + count, n))
        yield rows, *(tensor[:, rows].unbind(0) for tensor in tensors)
