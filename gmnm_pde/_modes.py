"""What of torch's global modes the library sets aside while it works.

Inside ``torch.inference_mode()`` and ``torch.no_grad()`` no derivatives are recorded, and a default device other than
the CPU, such as "meta", moves numbers away from where they are needed.
"""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def in_ordinary_mode(function: Callable[P, R]) -> Callable[P, R]:
    """A function within which autograd records, tensors are ordinary ones, and new ones are on the CPU."""

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with ExitStack() as stack:
            if torch.is_inference_mode_enabled():
                stack.enter_context(torch.inference_mode(mode=False))
            if not torch.is_grad_enabled():
                stack.enter_context(torch.enable_grad())
            if torch.get_default_device().type != "cpu":
                stack.enter_context(torch.device("cpu"))
            return function(*args, **kwargs)

    return inner
