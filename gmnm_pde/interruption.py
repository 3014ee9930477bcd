"""Long work that is given up when its time is over, or when somebody asks for its end.

Work asks now and then whether it may go on. A piece that cannot be left half done, such as a factorisation, says
beforehand how much it is, and is not begun where it would not fit. Without a limit no clock decides: only a request by
Ctrl-C or by a callback ends work before it is done. Of processes that solve together all end at the same place.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

from gmnm_pde.processes import agreed, most

_RATE = 1e10
"""Operations a second of one core, before a factorisation was measured."""

_LARGE = 1e10
"""Before a piece of this many operations the rate is measured, if no piece of a thousandth of it was."""

_TRIAL = 800, 400
"""The matrix whose factorisation measures the rate."""

_GRACE = 0.5
"""Seconds in which what was done may be brought to an end after somebody asked for the end."""

CTRL_C = "Ctrl-C"
CALLBACK = "the callback"
LIMIT = "the time limit"
"""Who ends work before it is done, in the words of reports."""

_ASKED = ("", CALLBACK, CTRL_C)
"""Who may ask for it; where processes solve together and several ask, the last of these counts."""


class OutOfTime(Exception):
    """The work under way is given up: its time is over, or its next piece would not fit."""


class NoAnswer(KeyboardInterrupt):
    """Ctrl-C came before there was any answer."""


class EndRequest:
    """Whether somebody asked for the end of the work, and who.

    Args:
        outer: That of the work that this one is a part of, which ends this one too.
        by_one: Whether somebody may ask one alone of several processes that solve together, which then have to tell.
    """

    def __init__(self, outer: "EndRequest | None" = None, *, by_one: bool = False):
        self._outer, self._by, self._at = outer, "", math.inf
        self._by_one: bool = by_one or (outer is not None and outer._by_one)

    def ask(self, by: str) -> None:
        """Ask for the end; the first who asks counts."""
        if not self._by:
            self._by, self._at = by, time.monotonic()

    @property
    def by(self) -> str:
        """Who asked; empty while nobody did. Who asks one process that solves with others asks all."""
        if not self._by_one:
            return self.heard
        by = _ASKED[most(_ASKED.index(self.heard))]
        if by and not self.heard:
            self.ask(by)
        return by

    @property
    def heard(self) -> str:
        """Who asked this process."""
        return self._by or ("" if self._outer is None else self._outer.heard)

    @property
    def at(self) -> float:
        """When, by time.monotonic()."""
        return self._at if self._outer is None else min(self._at, self._outer.at)


class Allowance:
    """The time that work may take.

    Args:
        end: When work is given up.
        last: When work is given up that only brings to an end what was done.
        now: The clock.
        request: Somebody's wish that it ends.
        tick: Called at every look, for whoever wants to see that work goes on.
    """

    def __init__(
        self,
        end: float = math.inf,
        last: float = math.inf,
        now: Callable[[], float] = time.monotonic,
        request: EndRequest | None = None,
        tick: Callable[[], None] | None = None,
    ):
        self.end, self.last, self.now, self.request, self._tick = end, last, now, request or EndRequest(), tick
        self._rate, self._largest = _RATE, 0.0

    @property
    def ends(self) -> bool:
        """Whether a limit or a request ends the work."""
        return math.isfinite(self.end) or bool(self.request.by)

    def part(self, fraction: float) -> "Allowance":
        """That of work that may take a part of the time that is left."""
        now = self.now()
        end = min(self.end, now + fraction * (self.end - now))
        return Allowance(end, self.last, self.now, self.request, self._tick)

    def check(self, operations: float = 0.0, *, finishing: bool = False, anyhow: bool = False) -> None:
        """Go on, if there is time for so many more operations.

        Args:
            operations: Floating-point operations of the next piece.
            finishing: Whether it only brings to an end what was done.
            anyhow: Whether that is done however long it takes after a request.

        Raises:
            OutOfTime: there is none.
        """
        if self._tick is not None:
            self._tick()
        end = self.last if finishing else self.end
        if self.request.by and not anyhow:
            end = min(end, self.request.at + _GRACE) if finishing else -math.inf
        if end == math.inf:
            return
        if operations > _LARGE and self._largest < 1e-3 * operations and end > -math.inf:
            self._measure()
        if agreed(self.now() + operations / self._rate > end):
            raise OutOfTime

    def learn(self, operations: float, seconds: float) -> None:
        """Hear how long a piece took; larger pieces, which are quicker for their size, tell more."""
        if operations > 0 and operations >= self._largest / 2 and seconds > 0:
            self._rate, self._largest = operations / seconds, max(operations, self._largest)

    def _measure(self) -> None:
        rows, columns = _TRIAL
        matrix = torch.ones(rows, columns, dtype=torch.float64, device="cpu")
        matrix.diagonal().fill_(3.0)
        started = self.now()
        torch.linalg.qr(matrix, mode="r")
        self.learn(2.0 * rows * columns**2, self.now() - started)


_allowed: ContextVar[tuple[Allowance, bool, bool] | None] = ContextVar("allowed", default=None)


@contextmanager
def _within(allowance: Allowance | None, *, finishing: bool, anyhow: bool = False) -> Iterator[None]:
    token = _allowed.set(None if allowance is None else (allowance, finishing, anyhow))
    try:
        yield
    finally:
        _allowed.reset(token)


@contextmanager
def limited(allowance: Allowance | None) -> Iterator[None]:
    """Work under an allowance; with None, as long as it takes, whoever asks for its end."""
    with _within(allowance, finishing=False):
        yield


@contextmanager
def finishing(*, anyhow: bool = False) -> Iterator[None]:
    """Work that brings to an end what was done, such as an error estimate: it may take a little longer.

    Args:
        anyhow: Whether a request does not end it: for what would be the first answer.
    """
    known = _allowed.get()
    with _within(known and known[0], finishing=True, anyhow=anyhow):
        yield


def pause() -> None:
    """Between two pieces of long work.

    Raises:
        OutOfTime: the time of the work is over.
    """
    known = _allowed.get()
    if known is not None:
        allowance, ending, anyhow = known
        allowance.check(finishing=ending, anyhow=anyhow)


@contextmanager
def unbroken(operations: float) -> Iterator[None]:
    """A piece of work that cannot be left half done, with its floating-point operations.

    Raises:
        OutOfTime: it would not fit; it is not begun.
    """
    known = _allowed.get()
    if known is None:
        yield
        return
    allowance, ending, anyhow = known
    allowance.check(operations, finishing=ending, anyhow=anyhow)
    started = allowance.now()
    yield
    allowance.learn(operations, allowance.now() - started)
