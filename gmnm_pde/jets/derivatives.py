"""Derivatives whatever the caller has switched off: ``no_grad`` and ``inference_mode`` are left for a while."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def with_derivatives(function: Callable[P, R]) -> Callable[P, R]:
    """A function within which autograd records, and tensors are ordinary ones."""

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with torch.inference_mode(mode=False), torch.enable_grad():
            return function(*args, **kwargs)

    return inner
