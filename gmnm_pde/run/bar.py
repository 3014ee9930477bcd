"""A bar of progress, in a terminal and in a notebook."""

import math
import shutil
import sys
import time
from typing import Any

from gmnm_pde.run.progress import Progress

_AFTER = 2.0
"""By itself a bar is shown for work that takes more than so many seconds."""

_EVERY = 0.1
"""Seconds between two drawings."""

_MARGIN, _OF_THE_BAR = 2, 24
"""Columns of a terminal that are kept free, and those of a bar."""


def looked_at() -> bool:
    """Whether somebody is likely to look: standard error is a terminal, or this is a notebook."""
    return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and hasattr(shell.get_ipython(), "kernel")


class Bar:
    """A line that says what is being done, the best error estimate so far, and the time that is left under a limit.

    Args:
        time_limit: Of the work, in seconds.
        at_once: Whether it is shown from the beginning; otherwise once the work has taken two seconds.
    """

    def __init__(self, time_limit: float | None, *, at_once: bool):
        self._began, self._limit = time.monotonic(), time_limit
        self._next = self._began if at_once else self._began + _AFTER
        self._bar: Any = None
        self._last = Progress("the first fit", 0.0)

    @property
    def due(self) -> bool:
        """Whether it is time to draw."""
        return time.monotonic() >= self._next

    def hear(self, news: Progress) -> None:
        """Draw what is new, if it is time to."""
        self._last = news
        self.tick()

    def tick(self) -> None:
        """Draw the time anew, if it is time to."""
        if self.due:
            self.draw(self._last)

    def draw(self, news: Progress) -> None:
        """Draw, whether it is time to or not."""
        passed = time.monotonic() - self._began
        part = news.part if self._limit is None else passed / self._limit
        text = self._text(news, passed)
        if not _in_notebook():
            free = shutil.get_terminal_size().columns - _MARGIN - (0 if math.isnan(part) else _OF_THE_BAR)
            text = text[: max(free, 1)]
        if self._bar is None:
            self._bar = _made()
        self._bar.total = None if math.isnan(part) else 1.0
        self._bar.bar_format = "{desc}" if math.isnan(part) else "{desc} |{bar}|"
        self._bar.n = 0.0 if math.isnan(part) else min(part, 1.0)
        self._bar.set_description_str(text)
        self._next = time.monotonic() + _EVERY

    def _text(self, news: Progress, passed: float) -> str:
        estimate = "" if math.isnan(news.estimate) else f"error estimate {news.estimate:.1e}"
        left = "" if self._limit is None else f"{max(self._limit - passed, 0.0):.0f} s left"
        words = [f"{passed:.0f} s", left, news.what, estimate if estimate not in news.what else ""]
        return ", ".join(filter(None, words))

    def close(self) -> None:
        """Take it away."""
        if self._bar is not None:
            self._bar.close()


def _made() -> Any:
    """Tqdm's bar for this environment, without the thread that watches bars which are not drawn by themselves."""
    from tqdm.auto import tqdm  # here: it is needed only where somebody looks

    class Quiet(tqdm):
        monitor_interval = 0

    return Quiet(total=1.0, leave=False, dynamic_ncols=True, bar_format="{desc}", mininterval=0)
