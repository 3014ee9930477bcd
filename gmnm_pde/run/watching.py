"""Who looks at long work while it goes on, and may end it: callbacks, the bar, the log, Ctrl-C."""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmnm_pde._errors import refuse
from gmnm_pde.interruption import CALLBACK, EndRequest
from gmnm_pde.processes import apart, most
from gmnm_pde.results.report import Report
from gmnm_pde.run.bar import Bar, looked_at
from gmnm_pde.run.interrupts import ended_by_interrupt
from gmnm_pde.run.progress import Progress
from gmnm_pde.run.result import Status

LOG = logging.getLogger("gmnm_pde")
LOG.addHandler(logging.NullHandler())

Callback = Callable[[Progress], Any]


class Watch:
    """All that look at one piece of work.

    Args:
        request: The wish that it ends, which a callback that returns True expresses.
        callbacks: Called with each news.
        bar: Drawn now and then, if there is one.
    """

    def __init__(self, request: EndRequest | None = None, callbacks: Sequence[Callback] = (), bar: Bar | None = None):
        self.request, self._callbacks, self._bar = request or EndRequest(), tuple(callbacks), bar

    @property
    def has_listeners(self) -> bool:
        """Whether anybody looks beside the log."""
        return bool(self._callbacks) or self._bar is not None

    @property
    def listens(self) -> bool:
        """Whether news of a single step are worth making."""
        return bool(self._callbacks) or (self._bar is not None and self._bar.due) or LOG.isEnabledFor(logging.DEBUG)

    def tell(self, news: Progress, *, log: bool = True) -> None:
        """Tell everybody; the log too, unless it knows."""
        if log:
            level = logging.INFO if news.figures else logging.DEBUG
            LOG.log(level, "%.1f s: %s", news.seconds, news.what)
        for callback in self._callbacks:
            with apart():
                answer = callback(news)
            if _is_true(answer):
                self.request.ask(CALLBACK)
        if self._bar is not None:
            self._bar.hear(news)

    @property
    def tick(self) -> Callable[[], None] | None:
        """What lets the bar show that work goes on; None without a bar."""
        return None if self._bar is None else self._bar.tick

    def close(self) -> None:
        """Take the bar away, and let callbacks that keep something open close it."""
        if self._bar is not None:
            self._bar.close()
        for callback in self._callbacks:
            getattr(callback, "close", lambda: None)()

    def marked(self, report: Report) -> Report:
        """The report of work that somebody ended before it was done; any other one as it is."""
        by = self.request.by
        if by:
            reason = report.reason if by in report.reason else f"interrupted by {by}; {report.reason}"
            report = dataclasses.replace(report, status=Status.INTERRUPTED.name.lower(), converged=False, reason=reason)
        LOG.info("%s: %s, %s", report.problem, report.status, report.reason)
        return report


_request: ContextVar[EndRequest | None] = ContextVar("request", default=None)


@contextmanager
def watching(
    progress: bool | None = None,
    callback: Callback | Sequence[Callback] | None = None,
    time_limit: float | None = None,
) -> Iterator[Watch]:
    """Work that is looked at, and that Ctrl-C ends with the best answer so far; a second Ctrl-C raises.

    Work within other work, such as the runs of a comparison, ends with that, and shows no bar by itself.

    Args:
        progress: Whether a bar is shown; None where somebody looks, after two seconds.
        callback: One or several.
        time_limit: Of the work, for the bar.
    """
    outer = _request.get()
    request = EndRequest(outer, by_one=bool(most(int(bool(_several(callback))))))
    shown = progress is True or (progress is None and outer is None and looked_at())
    watch = Watch(request, _several(callback), Bar(time_limit, at_once=progress is True) if shown else None)
    token = _request.set(request)
    try:
        with ended_by_interrupt(request) if outer is None else contextlib.nullcontext():
            yield watch
    finally:
        _request.reset(token)
        watch.close()


def check_callbacks(call: str, progress: Any, callback: Any) -> None:
    """Refuse what is no choice of a bar, and what cannot be called.

    Args:
        call: For messages, such as ``solve``.
        progress: As ``watching`` takes it.
        callback: The same.
    """
    if not (progress is None or isinstance(progress, bool)):
        remedy = "What is called as the solve goes is callback=." if callable(progress) else ""
        raise refuse(f"{call}(progress=...)", expected="True, False or None", got=repr(progress), remedy=remedy)
    for own in _several(callback):
        if not callable(own):
            expected = "a function of one argument, or several such"
            raise refuse(f"{call}(callback=...)", expected=expected, got=repr(own))


def _is_true(answer: Any) -> bool:
    """Whether a callback returned True, be it a number of numpy's or torch's."""
    of_torch = isinstance(answer, Tensor) and answer.dtype == torch.bool and answer.numel() == 1
    return answer is True or ((of_torch or isinstance(answer, np.bool_)) and bool(answer))


def _several(callback: Any) -> tuple[Any, ...]:
    if callback is None:
        return ()
    return tuple(callback) if isinstance(callback, Sequence) and not isinstance(callback, str) else (callback,)
