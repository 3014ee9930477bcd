"""Callbacks that write the course of a solve to files: ``solve(problem, callback=CSVLogger("course.csv"))``.

A callback is any function of a ``Progress``. One that keeps something open has ``close()``, which is called at the end
of the solve; after that it may be used for another one, which is written after the first.
"""

import csv
import math
import time
from pathlib import Path
from typing import Any, TextIO

from gmnm_pde._errors import GmnmError, refuse
from gmnm_pde.io.places import called, writable
from gmnm_pde.run.progress import Progress

_COLUMNS = ("seconds", "what", "step", "t", "estimate", "loss")
"""What is written of each news."""

_NUMBERS = ("t", "estimate", "loss", "seconds")
"""The curves."""

_EVERY = 1.0
"""Seconds after which what was told is in the file."""


class CSVLogger:
    """Writes a row of comma-separated values for each news; what is not known is left empty.

    Args:
        path: The file; one that is there is replaced.

    Raises:
        GmnmError: there can be no such file.
    """

    def __init__(self, path: str | Path):
        self.path = writable(path, called("CSVLogger(...)", path))
        with self.path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(_COLUMNS)
        self._file: TextIO | None = None
        self._flushed = 0.0

    def __call__(self, news: Progress) -> None:
        if self._file is None:
            self._file = self.path.open("a", newline="", encoding="utf-8")
        values = [getattr(news, name) for name in _COLUMNS]
        csv.writer(self._file).writerow(["" if _unknown(value) else value for value in values])
        if time.monotonic() > self._flushed + _EVERY:
            self._file.flush()
            self._flushed = time.monotonic()

    def close(self) -> None:
        """Write what is left."""
        if self._file is not None:
            self._file.close()
            self._file = None


class TensorBoardLogger:
    """Writes curves for TensorBoard: the error estimate, the loss, the time reached and the seconds, over all news.

    Args:
        folder: Where; ``tensorboard --logdir FOLDER`` shows it.

    Raises:
        GmnmError: tensorboard is not installed.
    """

    def __init__(self, folder: str | Path):
        try:
            from torch.utils.tensorboard import SummaryWriter  # here: it is no part of what this library needs
        except ImportError:
            remedy = "Run pip install tensorboard, or take CSVLogger."
            call = called("TensorBoardLogger(...)", folder)
            raise refuse(call, expected="tensorboard", got="none installed", remedy=remedy) from None
        try:
            self._writer: Any = SummaryWriter(str(folder))
        except OSError as error:
            raise GmnmError(f"{called('TensorBoardLogger(...)', folder)}: {error.strerror or error}.") from None
        self._count = 0

    def __call__(self, news: Progress) -> None:
        self._count += 1
        for name in _NUMBERS:
            value = getattr(news, name)
            if not _unknown(value):
                self._writer.add_scalar(name, value, self._count)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


def _unknown(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
