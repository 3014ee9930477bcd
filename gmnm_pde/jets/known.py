"""Known fields, such as a solution, inside other equations: differentiated by the chain rule, to any order."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.multiindex import Alpha, raised

Jets = Callable[[Tensor, Sequence[Alpha]], Mapping[Alpha, Tensor]]
"""From points [n, d] and multi-indices to derivatives of all fields, [n, fields] each."""


class KnownFields:
    """Functions of named coordinates whose derivatives of every order are known."""

    coordinates: tuple[str, ...]
    time: tuple[str, ...]
    bounds: tuple[tuple[float, float], ...]
    fields: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        """How far values are off, as far as that is known, in parts of their size."""
        return 0.0

    @property
    def ends(self) -> float:
        """The time after which they are not known; infinite where they are to the end of the domain."""
        return math.inf

    def derivative_at(self, columns: Sequence[Any], alpha: Alpha, *, call: str) -> list[Any]:
        """A derivative of each field at coordinates, numbers, tensors or quantities, as the same kind.

        Raises:
            GmnmError: fields are not known at some of these places.
        """
        raise NotImplementedError


def evaluated(jets: Jets, columns: Sequence[Tensor], alpha: Alpha) -> Tensor:
    """A derivative of known fields at columns of coordinates, [n] each: [n, fields], a function of them to autograd."""
    return _Known.apply(jets, alpha, *columns)  # type: ignore[return-value]


class _Known(torch.autograd.Function):
    """One derivative in autograd's graph; its slopes are the next higher derivatives, made in the same way."""

    @staticmethod
    def forward(jets: Jets, alpha: Alpha, *columns: Tensor) -> Tensor:
        return jets(torch.stack(columns, dim=1), (alpha,))[alpha]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
        ctx.jets, ctx.alpha, *columns = inputs
        ctx.save_for_backward(*columns)
        ctx.save_for_forward(*columns)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        columns = ctx.saved_tensors
        parts = [
            (slopes[0] * evaluated(ctx.jets, columns, raised(ctx.alpha, axis))).sum(1) if needed else None
            for axis, needed in enumerate(ctx.needs_input_grad[2:])
        ]
        return None, None, *parts

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        columns = ctx.saved_tensors
        parts = [
            tangent[:, None] * evaluated(ctx.jets, columns, raised(ctx.alpha, axis))
            for axis, tangent in enumerate(tangents[2:])
            if tangent is not None
        ]
        return torch.stack(parts).sum(dim=0)

    @staticmethod
    def vmap(info: Any, in_dims: tuple, jets: Jets, alpha: Alpha, *columns: Tensor) -> tuple[Tensor, int]:
        batched = [
            column.unsqueeze(0).expand(info.batch_size, -1) if axis is None else column.movedim(axis, 0)
            for column, axis in zip(columns, in_dims[2:], strict=True)
        ]
        values = evaluated(jets, [column.reshape(-1) for column in batched], alpha)
        return values.reshape(*batched[0].shape, -1), 0
