"""What functions that are flat but for a narrow range are given, as it is computed: where they may be narrow."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gmnm_pde.statement.operations import BENDS, BOUNDS, COMPARISONS, PEAKS, QUOTIENTS, SIGNS

_STEPS = BENDS | {"expm1", "cosh"}
"""Functions that change near zero."""


class Argument(NamedTuple):
    """What a function is given.

    Attributes:
        values: It, [n].
        at_zero: Whether something narrow is where it is zero; otherwise where it turns.
        steep: How much it changes where the function does; relative to its size of quotients, and 0 of jumps.
        relative: Whether it is a quotient's.
    """

    values: Tensor
    at_zero: bool
    steep: float
    relative: bool = False


class Listening(TorchDispatchMode):
    """Keeps what such functions are given meanwhile.

    Args:
        count: The numbers that are given at once; others are no values at points.
    """

    def __init__(self, count: int):
        super().__init__()
        self.count, self.heard = count, list[Argument]()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        own = _argument(func._schema.name.split("::")[1].removesuffix("_"), args)
        if own is not None and own.values.ndim == 1 and len(own.values) == self.count:
            self.heard.append(own._replace(values=own.values.detach().double()))
        return func(*args, **(kwargs or {}))


def _argument(name: str, args: tuple) -> Argument | None:
    """What a function is given, if it is one of those."""
    first, second = args[0] if args else None, args[1] if len(args) > 1 else None
    if name in COMPARISONS | BOUNDS and isinstance(first, Tensor) and isinstance(second, Tensor | int | float):
        return Argument(first - second, at_zero=True, steep=0.0) if first.is_floating_point() else None
    if name == "div" and isinstance(second, Tensor):
        return Argument(second, at_zero=False, steep=1.0, relative=True)
    if not isinstance(first, Tensor) or not first.is_floating_point():
        return None
    if name in _STEPS | SIGNS:
        return Argument(first, at_zero=True, steep=0.5 if name in _STEPS else 0.0)
    if name in PEAKS:
        return Argument(first, at_zero=False, steep=0.5)
    if name in QUOTIENTS - {"div"} or (name == "pow" and isinstance(second, int | float) and second < 0):
        return Argument(first, at_zero=False, steep=1.0, relative=True)
    return None


def turning(values: Tensor) -> Tensor:
    """Where the parabola through three values [..., 3] at -1, 0 and 1 turns, [...]; within these."""
    low, middle, high = values.unbind(-1)
    bend = low - 2 * middle + high
    return torch.where(bend == 0, 0.0, (low - high) / (2 * bend)).nan_to_num(0, 0, 0).clamp(-1, 1)


def crossing(values: Tensor) -> Tensor:
    """Where the line through two values at -1 and 1 of three is zero, [...]; within these."""
    low, _, high = values.unbind(-1)
    return torch.where(low == high, 0.0, (low + high) / (low - high)).nan_to_num(0, 0, 0).clamp(-1, 1)
