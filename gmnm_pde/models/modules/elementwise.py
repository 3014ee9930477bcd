"""Functions of each entry that torch names, with their derivatives, for values that carry derivatives."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.models.networks.entrywise import Derivatives
from gmnm_pde.models.networks.mlp import ACTIVATIONS

_GENERIC = frozenset(
    "abs acos acosh arccos arcsin arctan arctanh asin asinh atan atanh celu cosh elu erf erfc exp2 expit expm1 gelu "
    "hardsigmoid hardswish hardtanh leaky_relu lgamma log log10 log1p log2 logsigmoid log_sigmoid mish pow reciprocal "
    "relu6 rsqrt selu sinc sinh softplus softsign sqrt tan tanhshrink threshold".split()
)
"""Functions whose derivatives come from autograd."""


def derivatives_of(name: str, args: tuple, kwargs: dict[str, Any], function: Callable) -> Derivatives | None:
    """The function of each entry of that name with its derivatives; None for what is none, or none that is known."""
    kwargs = {key: value for key, value in kwargs.items() if key != "inplace"}
    if any(isinstance(value, Tensor) for value in (*args, *kwargs.values())):
        return None
    if name in _CLOSED:
        return _CLOSED[name]
    if name in _GENERIC:
        return _by_autograd(lambda z: function(z, *args, **kwargs))
    return None


def _by_autograd(function: Callable[[Tensor], Tensor]) -> Derivatives:
    def derivatives(z: Tensor, order: int) -> tuple[Tensor, ...]:
        if order == 0:
            return (function(z),)
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            values = [function(z)]
            for _ in range(order):
                last = values[-1]
                slope = torch.autograd.grad(last.sum(), z, create_graph=True)[0] if last.requires_grad else 0 * last
                values.append(slope)
        return tuple(value.detach() for value in values)

    return derivatives


def _exp(z: Tensor, order: int) -> tuple[Tensor, ...]:
    return (torch.exp(z),) * (order + 1)


def _cos(z: Tensor, order: int) -> tuple[Tensor, ...]:
    value = torch.cos(z)
    if order == 0:
        return (value,)
    sin = torch.sin(z)
    return (value, -sin, -value, sin)[: order + 1]


def _sigmoid(z: Tensor, order: int) -> tuple[Tensor, ...]:
    value = torch.sigmoid(z)
    derivatives = [value]
    if order > 0:
        derivatives.append(value * (1 - value))
    if order > 1:
        derivatives.append(derivatives[1] * (1 - 2 * value))
    if order > 2:
        derivatives.append(derivatives[1] * (1 - 6 * derivatives[1]))
    return tuple(derivatives)


def square(z: Tensor, order: int) -> tuple[Tensor, ...]:
    """The square with its first derivatives."""
    return (z * z, 2 * z, torch.full_like(z, 2.0), torch.zeros_like(z))[: order + 1]


def reciprocal(z: Tensor, order: int) -> tuple[Tensor, ...]:
    """One over z with its first derivatives."""
    value = 1 / z
    return (value, -(value**2), 2 * value**3, -6 * value**4)[: order + 1]


def inverse_root(z: Tensor, order: int) -> tuple[Tensor, ...]:
    """One over the root of z with its first derivatives."""
    value = z.rsqrt()
    return (value, -(value**3) / 2, 0.75 * value**5, -1.875 * value**7)[: order + 1]


_CLOSED: dict[str, Derivatives] = {
    **ACTIVATIONS,
    "cos": _cos,
    "exp": _exp,
    "reciprocal": reciprocal,
    "rsqrt": inverse_root,
    "sigmoid": _sigmoid,
    "square": square,
}

ENTRYWISE = frozenset((*_CLOSED, *_GENERIC)) - {"pow"}
"""The names of functions of each entry that take one tensor."""
