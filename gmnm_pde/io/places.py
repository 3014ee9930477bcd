"""Where files are read and written: a place is tried before there is anything to lose, and files are replaced whole."""

import os
import secrets
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from gmnm_pde._errors import GmnmError, refuse

_LONGEST = 200
"""Bytes of a file's name that are kept in the name of the file beside it that is written first."""

_SHOWN = 120
"""Letters of a path that error messages show."""

_KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
    stat.S_ISSOCK: "a socket",
}
"""What stands where an ordinary file is expected."""


def called(call: str, path: Any) -> str:
    """A call with a path as error messages name it, however long the path is."""
    shown = repr(str(path) if isinstance(path, os.PathLike) else path)
    return call.replace("...", shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}...")


def place(path: Any, call: str) -> Path:
    """The ordinary file that is meant, be it there or not; symbolic links are followed.

    Raises:
        GmnmError: no path, or one where there can be no ordinary file.
    """
    path = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(path, str) or not path:
        raise refuse(call, expected="the path of a file, a str or a Path", got=repr(path))
    if "\0" in path:
        raise refuse(call, expected="the path of a file", got="one with NUL in it")
    try:
        target = Path(path).resolve()
        mode = target.stat().st_mode if target.exists() else None
    except (OSError, ValueError, RuntimeError) as error:  # a name that is too long, or links in a circle
        raise refuse(call, expected="the path of a file", got=_told(error)) from None
    if mode is not None and not stat.S_ISREG(mode):
        kind = next((words for test, words in _KINDS.items() if test(mode)), "something else")
        raise refuse(call, expected="an ordinary file", got=kind, remedy="Name a file.")
    return target


def writable(path: Any, call: str) -> Path:
    """The ordinary file that is meant, once it is sure that one can be written there.

    Raises:
        GmnmError: there can be no such file; the message says why.
    """
    target = place(path, call)
    if not target.parent.is_dir():
        remedy = "Make the folder, or name another file."
        raise refuse(call, expected="a file in a folder that is there", got=f"'{target.parent}'", remedy=remedy)
    _write(target, None, call)
    return target


def replace_whole(target: Path, content: bytes, call: str) -> None:
    """Write a file beside ``target`` and put it in its place, which is either the old file or the new one at any time.

    Raises:
        GmnmError: it cannot be written; the old file stays.
    """
    _write(target, content, call)


def _write(target: Path, content: bytes | None, call: str) -> None:
    """Write the file beside; put it in place, or without content take it away again."""
    name = os.fsencode(target.name)[:_LONGEST].decode(errors="ignore")
    beside = target.with_name(f"{name}.{secrets.token_hex(4)}.partial")  # no other process or thread has that one
    try:
        with beside.open("xb") as file:
            file.write(content or b"")
        if content is not None:
            if target.exists():
                shutil.copymode(target, beside)
            beside.replace(target)
    except OSError as error:
        raise refuse(call, expected="a file that can be written", got=_told(error)) from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _told(error: Exception) -> str:
    """An error of the system, without the path."""
    return (getattr(error, "strerror", None) or str(error)).lower()


def damaged(call: str, why: object) -> GmnmError:
    """The error for a file that is not whole."""
    got = f"a damaged one ({type(why).__name__}: {why})" if isinstance(why, Exception) else f"a damaged one ({why})"
    return refuse(call, expected="a whole file", got=got, remedy="Remove it, or write it again.")
