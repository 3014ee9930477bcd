"""The one error of the library, and how its messages are worded."""

import difflib
from collections.abc import Iterable


class GmnmError(ValueError):
    """Something a user asked for cannot be done.

    The message names the call, what was expected, what came and the remedy.
    """


class NotFiniteError(GmnmError):
    """A residual or its slopes are NaN or infinite somewhere; elsewhere they may be finite."""


class NumericalWarning(UserWarning):
    """The answer stands, but a part of the statement looks doubtful."""


def refuse(call: str, *, expected: str, got: object, remedy: str = "") -> GmnmError:
    """An error in the library's one wording: call, expected, got, remedy."""
    message = f"{call}: expected {expected}, got {got}."
    return GmnmError(f"{message} {remedy}" if remedy else message)


def nearest(name: str, options: Iterable[str]) -> str:
    """A remedy for a misspelt name: the near ones, else all of them."""
    options = sorted(options)
    near = difflib.get_close_matches(str(name), options, n=3, cutoff=0.5)
    if near:
        return "Did you mean " + " or ".join(repr(word) for word in near) + "?"
    return "Known: " + (", ".join(options) or "none") + "."


def of_user(error: Exception, where: str) -> GmnmError:
    """An error in a function of the user's as one of the library that is of its own kind too, with its traceback.

    Args:
        error: What was raised.
        where: In what, for the message.
    """
    message, kind = f"{error} ({where})", type(error)
    try:
        both = type(kind.__name__, (_OfUser, kind), {"__module__": kind.__module__, "__str__": _OfUser.__str__})
        return both(message).with_traceback(error.__traceback__)
    except Exception:  # kinds of errors that are made otherwise
        return _OfUser(f"{kind.__name__}: {message}").with_traceback(error.__traceback__)


class _OfUser(GmnmError):
    """An error in a function of the user's."""

    def __str__(self) -> str:
        return str(self.args[0])
