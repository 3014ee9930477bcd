"""Sequences in the order that ``nn.MultiheadAttention`` turns them to within itself."""

from collections.abc import Callable
from typing import Any

import torch

from gmnm_pde.models.modules.carried import NotCarried, act

_ATTENTION = "multi_head_attention_forward"


class SequenceFirst:
    """Carried entries of a sequence with the sequence before the points, as ``nn.MultiheadAttention`` turns them.

    Nothing but attention is known of it, and turning it back.
    """

    is_nested = False

    def __init__(self, inner: Any):
        self.inner, self.dtype, self.device, self.ndim = inner, inner.dtype, inner.device, 3
        self.shape = torch.Size((inner.shape[1], inner.shape[0], inner.shape[2]))

    @classmethod
    def __torch_function__(cls, func: Callable, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        return act(_ATTENTION if func.__name__ == _ATTENTION else "", func, args, kwargs or {})

    def transpose(self, first: int, second: int) -> Any:
        if {first, second} != {0, 1}:
            raise NotCarried("a function that goes over points")
        return self.inner
