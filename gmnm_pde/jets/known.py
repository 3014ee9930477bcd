"""Known fields, such as a solution, inside other equations: differentiated by the chain rule, to any order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.jets.values import Quantity
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

    def derivative_at(self, columns: Sequence[Any], alpha: Alpha, *, call: str) -> list[Any]:
        """A derivative of each field at coordinates, numbers, tensors or quantities, as the same kind.

        Raises:
            GmnmError: fields are not known at some of these places.
        """
        raise NotImplementedError


def evaluated(jets: Jets, columns: Sequence[Tensor], alpha: Alpha) -> Tensor:
    """A derivative of known fields at columns of coordinates, [n] each: [n, fields], a function of them to autograd."""
    return _Known.apply(jets, alpha, *columns)  # type: ignore[return-value]


def spread_out(columns: Sequence[Any], like: Tensor) -> list[Tensor]:
    """Coordinates that are numbers, tensors or quantities as tensors of one shape."""
    plain = [column.tensor if isinstance(column, Quantity) else column for column in columns]
    return list(torch.broadcast_tensors(*[torch.as_tensor(one, dtype=like.dtype, device=like.device) for one in plain]))


class _Known(torch.autograd.Function):
    """One derivative in autograd's graph; its slopes are the next higher derivatives, made in the same way."""

    @staticmethod
    def forward(ctx: Any, jets: Jets, alpha: Alpha, *columns: Tensor) -> Tensor:
        ctx.jets, ctx.alpha = jets, alpha
        ctx.save_for_backward(*columns)
        return jets(torch.stack(columns, dim=1), (alpha,))[alpha]

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        columns = ctx.saved_tensors
        parts = [
            (slopes[0] * evaluated(ctx.jets, columns, raised(ctx.alpha, axis))).sum(1) if needed else None
            for axis, needed in enumerate(ctx.needs_input_grad[2:])
        ]
        return None, None, *parts
