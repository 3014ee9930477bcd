"""Functions of any number of coordinates."""

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Any


class Named:
    """A function of any number of arguments as one whose arguments have names, by which a problem binds them.

    Args:
        names: The names of the arguments, in order.
        function: Takes them one after the other.
    """

    def __init__(self, names: Sequence[str], function: Callable[..., Any]):
        self.function = function
        self.__signature__ = Signature([Parameter(name, Parameter.KEYWORD_ONLY) for name in names])

    def __call__(self, **values: Any) -> Any:
        return self.function(*values.values())


def names_of(dimension: int) -> tuple[str, ...]:
    """The coordinates x1, x2 and so on."""
    return tuple(f"x{k}" for k in range(1, dimension + 1))
