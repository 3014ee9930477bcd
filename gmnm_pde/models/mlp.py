"""The multilayer perceptron."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.models.layered import Layered, check_widths
from gmnm_pde.models.streams import Streams


def _tanh(z: Tensor, order: int) -> tuple[Tensor, ...]:
    value = torch.tanh(z)
    slope = 1 - value.square()
    return (value, slope, -2 * value * slope)[: order + 1]


def _sin(z: Tensor, order: int) -> tuple[Tensor, ...]:
    value = torch.sin(z)
    return (value, torch.cos(z), -value)[: order + 1] if order else (value,)


def _silu(z: Tensor, order: int) -> tuple[Tensor, ...]:
    s = torch.sigmoid(z)
    slope = s * (1 + z * (1 - s))
    return (z * s, slope, s * (1 - s) * (2 + z * (1 - 2 * s)))[: order + 1]


def _relu(z: Tensor, order: int) -> tuple[Tensor, ...]:
    return (torch.relu(z), (z > 0).to(z), torch.zeros_like(z))[: order + 1]


ACTIVATIONS: dict[str, Callable[[Tensor, int], tuple[Tensor, ...]]] = {
    "tanh": _tanh,
    "sin": _sin,
    "silu": _silu,
    "relu": _relu,
}
"""Activations by name, each with its first two derivatives."""


class MLP(Layered):
    """A multilayer perceptron: linear maps with an activation between them, and a bias in each.

    Args:
        widths: Of the layers, from inputs to outputs: ``MLP([2, 50, 50, 50, 1])`` has the paper's 5,301 parameters.
        activation: ``tanh``, ``sin``, ``silu`` or ``relu`` (whose second derivative is zero: no use for second-order
            equations).

    Weights start from Glorot's normal distribution, biases from zero.

    Raises:
        GmnmError: widths that are none, or an unknown activation.
    """

    def __init__(self, widths: Sequence[int], *, activation: str = "tanh"):
        super().__init__()
        call = f"MLP({widths}, activation={activation!r})"
        check_widths(call, widths)
        if activation not in ACTIVATIONS:
            raise refuse(call, expected="an activation", got=repr(activation), remedy=nearest(activation, ACTIVATIONS))
        self.widths, self.activation = list(widths), activation
        pairs = zip(self.widths, self.widths[1:], strict=False)
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairs)
        for layer in self.layers:
            nn.init.xavier_normal_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def hidden(self, streams: Streams) -> Streams:
        """The last hidden layer, and a constant 1 for the output's bias."""
        for layer in list(self.layers)[:-1]:
            streams = streams.linear(layer.weight, layer.bias).entrywise(ACTIVATIONS[self.activation])  # type: ignore[arg-type]
        ones = torch.zeros_like(streams.data[..., :1])
        ones[0] = 1.0
        return Streams(torch.cat([streams.data, ones], dim=-1), streams.firsts, streams.seconds)

    @property
    def _last(self) -> nn.Linear:
        return self.layers[-1]  # type: ignore[return-value]

    @property
    def readout(self) -> Tensor:
        """The last layer's weights with its bias as the last column, [outputs, features]."""
        return torch.cat([self._last.weight, self._last.bias[:, None]], dim=1)

    @torch.no_grad()
    def set_readout(self, readout: Tensor) -> None:
        """Put other weights and biases, [outputs, features], in place of the last layer's."""
        self._last.weight.copy_(readout[:, :-1])
        self._last.bias.copy_(readout[:, -1])

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        return {"widths": self.widths, "activation": self.activation}
