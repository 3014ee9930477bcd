"""What networks made of plain torch functions share: derivatives carried through them, and a linear last layer."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

import gmnm_pde.models.modules.rules  # noqa: F401  (fills the table of rules)
from gmnm_pde._errors import refuse
from gmnm_pde.models.modules.carried import Carried, streams_of
from gmnm_pde.models.networks.layered import Layered, check_widths
from gmnm_pde.models.networks.streams import Streams


class Composed(Layered):
    """A network that says in torch's functions what comes before its last layer."""

    last: nn.Linear

    @abstractmethod
    def hidden(self, x: Any) -> Any:
        """The features at x [n, inputs], without a constant: [n, width]."""

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [..., inputs]: [..., outputs]."""
        if not isinstance(x, Tensor):
            return self.last(self.hidden(x))
        return self.last(self.hidden(self._rows_of(x))).reshape(*x.shape[:-1], -1)

    def features(self, x: Tensor) -> Tensor:
        """The features at x [..., inputs]: [..., features]."""
        return _with_constant(self.hidden(self._rows_of(x))).reshape(*x.shape[:-1], -1)

    def feature_streams(self, streams: Streams) -> Streams:
        """The features' streams from those of the coordinates."""
        return streams_of(_with_constant(self.hidden(Carried.of_streams(streams))), streams)

    def output_streams(self, streams: Streams) -> Streams:
        """The outputs' streams."""
        return streams_of(self.last(self.hidden(Carried.of_streams(streams))), streams)

    @property
    def readout(self) -> Tensor:
        """The last layer's weights with its bias as the last column, [outputs, features]."""
        return torch.cat([self.last.weight, self.last.bias[:, None]], dim=1)

    @torch.no_grad()
    def set_readout(self, readout: Tensor) -> None:
        """Put other weights and biases, [outputs, features], in place of the last layer's."""
        self.last.weight.copy_(readout[:, :-1])
        self.last.bias.copy_(readout[:, -1])

    def _rows_of(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.widths[0]:
            name = type(self).__name__
            raise refuse(f"{name}.forward(x)", expected=f"x of shape [..., {self.widths[0]}]", got=f"{list(x.shape)}")
        return x.reshape(-1, self.widths[0])


def _with_constant(features: Any) -> Any:
    return torch.cat([features, torch.ones_like(features[:, :1])], -1)


def check_hidden(call: str, widths: Any) -> list[int]:
    """Refuse widths without a hidden layer, or hidden layers of several widths where one is gated by another."""
    check_widths(call, widths)
    if len(widths) < 3 or len(set(widths[1:-1])) > 1:
        raise refuse(call, expected="hidden layers of one width, such as [2, 50, 50, 1]", got=repr(widths))
    return list(widths)


def glorot(before: int, after: int) -> nn.Linear:
    """A linear layer of Glorot's normal weights and no bias at first."""
    layer = nn.Linear(before, after)
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
