"""The front doors: calls that do not fit are explained, and errors show the lines of users instead of the library's."""

import functools
import os
import re
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import FrameType, FunctionType, TracebackType
from typing import Any, ParamSpec, TypeVar

import torch

from gmnm_pde._calls import keywords, misfit, takers
from gmnm_pde._errors import GmnmError

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)

FULL = "GMNM_PDE_FULL_TRACEBACK"
"""The name of an environment variable that, if it is not empty, leaves tracebacks as they are."""

_OWN = str(Path(__file__).parent) + os.sep
_TORCH = str(Path(torch.__file__).parent) + os.sep
_PYTHON = str(Path(sysconfig.get_paths()["stdlib"])) + os.sep


def stacklevel() -> int:
    """The ``stacklevel`` of a warning at the line of the user's that led here."""
    frame, level = sys._getframe(1), 1
    while frame is not None and _is_inner(frame):
        frame, level = frame.f_back, level + 1
    return level


def _is_inner(frame: FrameType) -> bool:
    """Whether a frame is this library's, torch's or Python's own; made-up files are those of dataclasses."""
    file, name = frame.f_code.co_filename, str(frame.f_globals.get("__name__", ""))
    if file.startswith((_OWN, _TORCH, "<frozen")) or (file == "<string>" and name.startswith("gmnm_pde.")):
        return True
    return file.startswith(_PYTHON) and f"{os.sep}site-packages{os.sep}" not in file


def shortened(error: BaseException) -> BaseException:
    """The error with a traceback of the user's lines alone, where one of them, or a refusal, is its cause.

    An error that begins in this library and is no refusal is a fault of the library, and is left as it is.
    """
    if os.environ.get(FULL):
        return error
    for one in _chain(error):
        frames = []
        trace = one.__traceback__
        while trace is not None:
            frames.append(trace)
            trace = trace.tb_next
        kept = [frame for frame in frames if not _is_inner(frame.tb_frame)]
        if kept or isinstance(one, GmnmError):
            one.__traceback__ = _linked(kept)
    return error


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error and what it was raised from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def _linked(frames: list[TracebackType]) -> TracebackType | None:
    """A traceback of some frames."""
    linked: TracebackType | None = None
    for frame in reversed(frames):
        linked = TracebackType(linked, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return linked


def front_door(function: Callable[P, R], name: str = "") -> Callable[P, R]:
    """A public function whose callers are told what a call that does not fit should be, in short tracebacks."""
    name = name or re.sub(r"\.__(init|call)__$", "", function.__qualname__)
    name = re.sub(r"^(Afterwards|Shared|Shown|Solution)\b", "solution", name)

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            refused = misfit(function, name, args, kwargs)
            if refused is None:
                raise shortened(error)  # noqa: B904
            raise refused from None
        except Exception as error:
            raise shortened(error)  # noqa: B904

    return inner


def explained(kind: C) -> C:
    """A class whose constructor says what a call that does not fit should be."""
    plain = kind.__init__  # type: ignore[misc]
    known(kind, plain)
    kind.__init__ = front_door(plain, kind.__name__)  # type: ignore[misc]
    return kind


def with_front_doors(kind: C) -> C:
    """A class whose public methods are front doors."""
    for name, function in list(vars(kind).items()):
        if isinstance(function, FunctionType) and not name.startswith("_"):
            setattr(kind, name, front_door(function))
    return kind


def known(kind: Any, function: Callable[..., Any]) -> None:
    """Let messages about other calls name this one, where an argument of its is meant."""
    for word in keywords(function):
        takers.setdefault(word, []).append(kind)
