"""What is computed again and again from the same tensors, recorded once on a GPU and replayed after that.

A step of a small network is some thousand kernels of a few microseconds, each of which the CPU takes longer to start
than the GPU to run. A CUDA graph starts all of them at once.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

_UNCHANGED = 10
"""Calls before a function is recorded: it is not worth it where points or weights change all the time."""


@dataclass(frozen=True)
class _Recorded(Generic[T]):
    """A graph, and the tensors that it writes anew whenever it is replayed."""

    graph: Any
    written: T


class Replay(Generic[T]):
    """A function of tensors that change in place: left to the caller at first, replayed where nothing else changes.

    Args:
        function: It returns tensors.
    """

    def __init__(self, function: Callable[[], T]):
        self._function = function
        self._recorded: _Recorded[T] | None = None
        self._key: Hashable = None
        self._seen, self._fails = 0, False

    def __call__(self, version: int, tensors: Sequence[Tensor]) -> T | None:
        """The function's tensors, which the next replay writes over; None where the caller is to call it.

        Args:
            version: A number that changes with all else that the function depends on.
            tensors: What changes in place.
        """
        key = version, tuple(tensor.data_ptr() for tensor in tensors)
        if key != self._key:
            self._key, self._seen, self._recorded = key, 0, None
        self._seen += 1
        if self._recorded is None and self._seen > _UNCHANGED and not self._fails:
            self._recorded = self._record()
            self._fails = self._recorded is None
        if self._recorded is None:
            return None
        self._recorded.graph.replay()
        return self._recorded.written

    def _record(self) -> _Recorded[T] | None:
        """The function recorded; None where something in it waits for the GPU, such as a number from the CPU."""
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
                written = self._function()
        except RuntimeError:
            return None
        return _Recorded(graph, written)


@contextmanager
def aside(device: torch.device) -> Iterator[None]:
    """A ``with`` block on a stream of its own of a GPU: what runs on the default one cannot be recorded."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)
