"""Layers spelled out in plain functions, where torch's own derivatives of them are wrong or missing.

Of torch 2.13, forward over forward mode and the third derivative in reverse mode of layer and batch normalisation drop
terms; SiLU has no nested forward mode, and fused attention no second derivative.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode


@contextmanager
def spelled_out() -> Iterator[None]:
    """Within a ``with`` block these layers are computed by plain functions."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), _Primitives():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


class _Primitives(TorchFunctionMode):
    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        plain = _PLAIN.get(getattr(func, "__name__", ""))
        return (plain or func)(*args, **(kwargs or {}))


def _standardised(x: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    centred = x - x.mean(dims, keepdim=True)
    return centred * (centred.square().mean(dims, keepdim=True) + eps).rsqrt()


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _layer_norm(
    x: Tensor, shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5, *_: Any
) -> Tensor:
    return _affine(_standardised(x, tuple(range(-len(shape), 0)), eps), weight, bias)


def _batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *_: Any,
) -> Tensor:
    if training or x.ndim != 2:
        return torch.nn.functional.batch_norm(x, mean, variance, weight, bias, training, momentum, eps)
    return _affine((x - mean) * (variance + eps).rsqrt(), weight, bias)


def _silu(x: Tensor, inplace: bool = False) -> Tensor:
    return x * torch.sigmoid(x)


_PLAIN: dict[str, Callable] = {
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "silu": _silu,
}
