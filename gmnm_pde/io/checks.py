"""What plain values of a header are to be: checks made of smaller ones, each of which says where it failed."""

import math
from collections.abc import Callable
from typing import Any

Check = Callable[[Any, str], None]
"""A check of a value at a place, which is named in the error."""


class Unfit(ValueError):
    """A value is not what a file of its kind has there."""

    def __init__(self, where: str, expected: str, got: Any):
        shown = repr(got)
        super().__init__(f"{where}: expected {expected}, got {shown if len(shown) < 60 else shown[:60] + '...'}")


def anything(value: Any, where: str) -> None:
    """Whatever there is: it is checked where it is used."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any, where: str) -> None:
    """Any number; NaN and infinity are some."""
    if not _is_number(value):
        raise Unfit(where, "a number", value)


def finite(value: Any, where: str) -> None:
    """A finite number."""
    if not _is_number(value) or not math.isfinite(value):
        raise Unfit(where, "a finite number", value)


def positive(value: Any, where: str) -> None:
    """A finite number above zero."""
    if not _is_number(value) or not math.isfinite(value) or value <= 0:
        raise Unfit(where, "a positive number", value)


def size(value: Any, where: str) -> None:
    """A number that is not below zero, or NaN where nothing is known."""
    if not _is_number(value) or value < 0:
        raise Unfit(where, "a number that is not negative", value)


def flag(value: Any, where: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise Unfit(where, "true or false", value)


def text(value: Any, where: str) -> None:
    """Words."""
    if not isinstance(value, str):
        raise Unfit(where, "words", value)


def name(value: Any, where: str) -> None:
    """Words that are not empty."""
    if not isinstance(value, str) or not value:
        raise Unfit(where, "a name", value)


def whole(least: int = 0) -> Check:
    """A whole number from ``least``."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise Unfit(where, f"a whole number from {least}", value)

    return check


def one_of(*values: Any) -> Check:
    """One of some values."""

    def check(value: Any, where: str) -> None:
        if not any(type(value) is type(known) and value == known for known in values):
            raise Unfit(where, f"one of {', '.join(map(repr, values))}", value)

    return check


def optional(inner: Check) -> Check:
    """Nothing, or what ``inner`` wants."""
    return lambda value, where: None if value is None else inner(value, where)


def either(first: Check, second: Check) -> Check:
    """What one of two wants."""

    def check(value: Any, where: str) -> None:
        try:
            first(value, where)
        except Unfit:
            second(value, where)

    return check


def listed(inner: Check, *, least: int = 0, count: int | None = None) -> Check:
    """A list of what ``inner`` wants."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, list | tuple):
            raise Unfit(where, "a list", value)
        if len(value) < least or (count is not None and len(value) != count):
            raise Unfit(where, f"{count if count is not None else f'at least {least}'} of them", len(value))
        for k, item in enumerate(value):
            inner(item, f"{where}[{k}]")

    return check


def distinct(inner: Check, *, least: int = 0) -> Check:
    """A list of what ``inner`` wants, none of it twice."""
    every = listed(inner, least=least)

    def check(value: Any, where: str) -> None:
        every(value, where)
        if len(set(value)) < len(value):
            raise Unfit(where, "different ones", value)

    return check


def keyed(inner: Check, *, names: Any = None) -> Check:
    """A dict from names, which may be given, to what ``inner`` wants."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise Unfit(where, "a dict with names for keys", value)
        if names is not None and set(value) != set(names):
            raise Unfit(where, f"the keys {', '.join(names)}", list(value))
        for key, item in value.items():
            inner(item, f"{where}.{key}")

    return check


def record(**parts: Check) -> Check:
    """A dict with these keys and no others, each with what its check wants."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict) or set(value) != set(parts):
            got = list(value) if isinstance(value, dict) else value
            raise Unfit(where, f"the keys {', '.join(parts)}", got)
        for key, inner in parts.items():
            inner(value[key], f"{where}.{key}")

    return check


def interval(value: Any, where: str) -> None:
    """Two finite numbers, the smaller one first."""
    listed(finite, count=2)(value, where)
    if not value[0] < value[1]:
        raise Unfit(where, "two ascending numbers", value)


def span(value: Any, where: str) -> None:
    """Two finite numbers that differ; the first is the larger where what lies between them is mirrored."""
    listed(finite, count=2)(value, where)
    if value[0] == value[1]:
        raise Unfit(where, "two numbers that differ", value)


def rows(value: Any, where: str) -> None:
    """A history: dicts of numbers, with steps and seconds."""
    listed(keyed(number))(value, where)
    for k, row in enumerate(value):
        finite(row.get("step"), f"{where}[{k}].step")
        size(row.get("seconds"), f"{where}[{k}].seconds")
