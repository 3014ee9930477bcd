"""Ctrl-C: the first one asks for the end of a solve, the second one raises KeyboardInterrupt."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gmnm_pde.interruption import CTRL_C, EndRequest, NoAnswer
from gmnm_pde.processes import count

_TOLD = b"\nended at the next step, with the best answer so far; Ctrl-C again gives it up\n"
"""What a terminal shows after the first."""


@contextmanager
def ended_by_interrupt(request: EndRequest) -> Iterator[None]:
    """Let the first Ctrl-C ask for the end, in the main thread, and where Ctrl-C would raise KeyboardInterrupt.

    Processes that solve together are ended by whoever started them.
    """
    plain = signal.default_int_handler
    alone = count() == 1 and threading.current_thread() is threading.main_thread()
    if not alone or signal.getsignal(signal.SIGINT) is not plain:
        yield
        return

    def handle(number: int, frame: Any) -> None:
        if request.heard == CTRL_C:
            plain(number, frame)
        request.ask(CTRL_C)
        if sys.stderr is not None and sys.stderr.isatty():  # by os, as printing may be what was interrupted
            os.write(sys.stderr.fileno(), _TOLD)

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
