"""Methods as values: what they print, and the numbers in them that few users change."""

from dataclasses import field, fields
from typing import Any


def threshold(default: Any) -> Any:
    """A field of a method for a number that is rarely changed: given by its name, and printed if it is changed."""
    return field(default=default, repr=False, kw_only=True)


class Described:
    """A dataclass that prints all its fields but thresholds at their defaults; a checkpoint knows a method by this."""

    def __repr__(self) -> str:
        shown = [
            f"{part.name}={getattr(self, part.name)!r}"
            for part in fields(self)  # type: ignore[arg-type]
            if part.repr or getattr(self, part.name) != part.default
        ]
        return f"{type(self).__qualname__}({', '.join(shown)})"
