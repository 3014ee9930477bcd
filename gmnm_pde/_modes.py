"""What of torch's global modes the library sets aside while it works.

Inside ``torch.inference_mode()`` and ``torch.no_grad()`` no derivatives are recorded, and a default device other than
the CPU, such as "meta", moves numbers away from where they are needed.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import ParamSpec, TypeVar

import torch

_DRAWING = threading.RLock()

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


@contextmanager
def drawing(seed: int | None = None) -> Iterator[None]:
    """Draw from torch's own generator, which many modules do, and leave it as it was.

    The generator and the default precision belong to the whole process, so that one thread at a time draws; numbers are
    drawn in single precision, whatever the default.
    """
    with _DRAWING, torch.random.fork_rng(devices=[]):
        default = torch.get_default_dtype()
        try:
            if default != torch.float32:
                torch.set_default_dtype(torch.float32)
            if seed is not None:
                torch.manual_seed(seed)
            yield
        finally:
            if default != torch.float32:
                torch.set_default_dtype(default)
