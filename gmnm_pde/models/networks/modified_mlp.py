"""The multilayer perceptron whose layers are mixed with two encodings of the inputs."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from gmnm_pde.models.networks.composed import Composed, check_hidden, glorot


class ModifiedMLP(Composed):
    """Z <- (1 - tanh(W Z + b)) U + tanh(W Z + b) V, with U and V a layer of the inputs each.

    From S. Wang, Y. Teng, P. Perdikaris, arXiv 2001.04536.

    Args:
        widths: Of the layers, from inputs to outputs, with hidden layers of one width.

    Raises:
        GmnmError: the widths are none.
    """

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        self.widths = check_hidden(f"ModifiedMLP({widths})", widths)
        inputs, width = self.widths[:2]
        self.u, self.v = glorot(inputs, width), glorot(inputs, width)
        self.layers = nn.ModuleList(glorot(before, width) for before in self.widths[:-2])
        self.last = glorot(width, self.widths[-1])

    def hidden(self, x: Any) -> Any:
        u, v, z = torch.tanh(self.u(x)), torch.tanh(self.v(x)), x
        change = v - u
        for layer in self.layers:
            z = u + torch.tanh(layer(z)) * change
        return z

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        return {"widths": self.widths}
