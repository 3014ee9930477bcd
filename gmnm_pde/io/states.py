"""Nested states, of dicts, lists, plain values and tensors, as flat tensors and a plain structure that JSON holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from gmnm_pde._errors import GmnmError
from gmnm_pde.io.places import damaged

_TENSOR = "tensor"
"""The key under which the structure has the name of a tensor."""

_KEYED = "keyed"
"""The key under which the structure has the pairs of a dict."""


def flatten(state: Any) -> tuple[dict[str, Tensor], Any]:
    """The tensors in ``state`` by name, and the rest with these names in their places.

    Dicts are kept as pairs, since JSON would turn keys that are numbers into text.
    """
    tensors: dict[str, Tensor] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            name = f"{_TENSOR}{len(tensors)}"
            tensors[name] = value
            return {_TENSOR: name}
        if isinstance(value, Mapping):
            return {_KEYED: [[key, plain(item)] for key, item in value.items()]}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return value

    return tensors, plain(state)


def unflatten(tensors: Mapping[str, Tensor], structure: Any) -> Any:
    """The state that ``flatten`` took apart; tuples come back as lists."""
    if isinstance(structure, dict):
        if _TENSOR in structure:
            return tensors[structure[_TENSOR]]
        return {key: unflatten(tensors, item) for key, item in structure[_KEYED]}
    if isinstance(structure, list):
        return [unflatten(tensors, item) for item in structure]
    return structure


@contextmanager
def restoring() -> Iterator[None]:
    """Around what goes on from a state in a file: where the state does not fit, the error is ours.

    Raises:
        GmnmError: in place of what is raised where keys are missing, or types or shapes are others.
    """
    try:
        yield
    except GmnmError:
        raise
    except (LookupError, TypeError, ValueError, RuntimeError, AttributeError, ArithmeticError, MemoryError) as error:
        raise damaged("solve(checkpoint=...)", error) from None
