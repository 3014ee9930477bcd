"""The multilayer perceptron."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import nearest, refuse
from gmnm_pde.models.networks.entrywise import tanh
from gmnm_pde.models.networks.layered import Layered, check_widths
from gmnm_pde.models.networks.streams import Streams


def _sin(z: Tensor, order: int) -> tuple[Tensor, ...]:
    value = torch.sin(z)
    if order == 0:
        return (value,)
    slope = torch.cos(z)
    return (value, slope, -value, -slope)[: order + 1]


def _silu(z: Tensor, order: int) -> tuple[Tensor, ...]:
    s = torch.sigmoid(z)
    derivatives = [z * s]
    if order > 0:
        derivatives.append(s * (1 + z * (1 - s)))
    if order > 1:
        curve = s * (1 - s)
        derivatives.append(curve * (2 + z * (1 - 2 * s)))
        if order > 2:
            derivatives.append(curve * (3 * (1 - 2 * s) + z * (1 - 6 * curve)))
    return tuple(derivatives)


def _relu(z: Tensor, order: int) -> tuple[Tensor, ...]:
    zeros = torch.zeros_like(z)
    return (torch.relu(z), (z > 0).to(z), zeros, zeros)[: order + 1]


ACTIVATIONS: dict[str, Callable[[Tensor, int], tuple[Tensor, ...]]] = {
    "tanh": tanh,
    "sin": _sin,
    "silu": _silu,
    "relu": _relu,
}
"""Activations by name, each with its first three derivatives."""


class MLP(Layered):
    """A multilayer perceptron: linear maps with an activation between them, and a bias in each.

    Args:
        widths: Of the layers, from inputs to outputs: ``MLP([2, 50, 50, 50, 1])`` has the paper's 5,301 parameters.
        activation: ``tanh``, ``sin``, ``silu`` or ``relu`` (whose second derivative is zero: no use for second-order
            equations).

    Weights start from Glorot's normal distribution, biases from zero.

    Raises:
        GmnmError: widths that are not positive whole numbers, or an unknown activation.
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

    def _hidden(self, streams: Streams) -> Streams:
        hidden = list(self.layers)[:-1]
        for number, layer in enumerate(hidden, start=1):
            activation = ACTIVATIONS[self.activation]
            streams = streams.linear(layer.weight).entrywise(activation, layer.bias, last=number == len(hidden))  # type: ignore[arg-type]
        return streams

    def feature_streams(self, streams: Streams) -> Streams:
        """The last hidden layer, and a constant 1 for the output's bias."""
        hidden = self._hidden(streams).dense()
        ones = torch.zeros_like(hidden.data[..., :1])
        if hidden.kept is None or 0 in hidden.kept:
            ones[0] = 1.0
        return replace(hidden, data=torch.cat([hidden.data, ones], dim=-1))

    def output_streams(self, streams: Streams) -> Streams:
        """The outputs' streams."""
        return self._hidden(streams).linear(self._last.weight).shifted(self._last.bias)

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
