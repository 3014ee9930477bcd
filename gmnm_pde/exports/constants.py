"""Numbers in exported programs keep all of their digits."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_ARITHMETIC = (
    "add", "sub", "rsub", "mul", "div", "true_divide", "pow", "clamp", "clamp_min", "clamp_max", "where",
    "gt", "ge", "lt", "le", "maximum", "minimum",
)  # fmt: skip
"""Functions whose numbers may be tensors as well."""

_NAMES = {name for one in _ARITHMETIC for name in (one, f"__{one}__", f"__r{one}__")} | {
    f"__{prefix}truediv__" for prefix in ("", "r")
}


_LARGEST = float(np.finfo(np.float32).max)


class DoubleNumbers(TorchFunctionMode):
    """While it is on, numbers in arithmetic are tensors of double precision.

    The exporter to ONNX writes plain numbers in single precision, which loses half of the digits of 0.1 and of pi
    without a word; tensors it writes as they are.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in _NAMES and _is_double(args):
            args = [_kept(value) for value in args]
            kwargs = {name: _kept(value) for name, value in kwargs.items()}
        return func(*args, **kwargs)


def _is_double(args: Sequence[Any]) -> bool:
    return any(isinstance(value, Tensor) and value.dtype == torch.float64 for value in args)


def _kept(value: Any) -> Any:
    """A number that single precision cannot hold as a tensor; anything else as it is."""
    if type(value) is not float or (abs(value) < _LARGEST and float(np.float32(value)) == value):
        return value
    return torch.tensor(value, dtype=torch.float64)
