"""Ctrl-C: the first one asks for the end of a solve, the second one raises KeyboardInterrupt."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gmnm_pde.interruption import CTRL_C, EndRequest, NoAnswer


@contextmanager
def ended_by_interrupt(request: EndRequest) -> Iterator[None]:
    """Let the first Ctrl-C ask for the end, in the main thread, and where Ctrl-C would raise KeyboardInterrupt."""
    plain = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not plain:
        yield
        return

    def handle(number: int, frame: Any) -> None:
        if request.by == CTRL_C:
            plain(number, frame)
        request.ask(CTRL_C)

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, plain)


def require_time(request: EndRequest) -> None:
    """Go on to the least answer, where a limit or a callback came before there was any.

    Raises:
        NoAnswer: it was Ctrl-C.
    """
    if request.by == CTRL_C:
        raise NoAnswer("interrupted before there was any answer")
