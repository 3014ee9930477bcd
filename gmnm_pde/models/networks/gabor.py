"""Products of Gabor filters: multiplicative filter networks (R. Fathony et al., ICLR 2021)."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.models.networks.composed import Composed, check_hidden, glorot


class _Filter(nn.Module):
    """sin(Omega x + phi) exp(-gamma |x - mu|^2 / 2), entry by entry."""

    def __init__(self, inputs: int, width: int, frequency: float, sharpness: float):
        super().__init__()
        self.wave = nn.Linear(inputs, width)
        nn.init.normal_(self.wave.weight, std=frequency)
        nn.init.uniform_(self.wave.bias, -math.pi, math.pi)
        self.gamma = nn.Parameter(sharpness * torch.rand(width))
        self.centers = nn.Parameter(2 * torch.rand(width, inputs) - 1)

    def forward(self, x: Any) -> Any:
        squares = (x**2).sum(-1, keepdim=True)
        distances = squares - 2 * (x @ self.centers.mT) + self._norms()
        return torch.sin(self.wave(x)) * torch.exp(-0.5 * (distances * self.gamma))

    def _norms(self) -> Tensor:
        return self.centers.square().sum(-1)


class Gabor(Composed):
    """z <- (W z + b) g(x), with a Gabor filter g of the inputs for each layer.

    Args:
        widths: Of the layers, from inputs to outputs, with hidden layers of one width.
        frequency: The standard deviation of the filters' wave numbers at first.
        sharpness: Up to this the filters' inverse squared widths are drawn.

    Raises:
        GmnmError: widths, frequency or sharpness are none.
    """

    def __init__(self, widths: Sequence[int], *, frequency: float = 1.5, sharpness: float = 0.5):
        super().__init__()
        call = f"Gabor({widths}, frequency={frequency!r}, sharpness={sharpness!r})"
        self.widths, self.frequency, self.sharpness = check_hidden(call, widths), frequency, sharpness
        for name, number in (("frequency", frequency), ("sharpness", sharpness)):
            if not (isinstance(number, int | float) and number > 0):
                raise refuse(call, expected=f"a positive {name}", got=repr(number))
        inputs, width = self.widths[:2]
        layers = len(self.widths) - 2
        self.filters = nn.ModuleList(
            _Filter(inputs, width, frequency / math.sqrt(layers), sharpness / layers) for _ in range(layers)
        )
        self.layers = nn.ModuleList(glorot(width, width) for _ in range(layers - 1))
        for layer in self.layers:
            nn.init.uniform_(layer.bias, -1, 1)  # type: ignore[arg-type]
        self.last = glorot(width, self.widths[-1])

    def hidden(self, x: Any) -> Any:
        first, *others = self.filters
        z = first(x)
        for layer, after in zip(self.layers, others, strict=True):
            z = layer(z) * after(x)
        return z

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        return {"widths": self.widths, "frequency": self.frequency, "sharpness": self.sharpness}
