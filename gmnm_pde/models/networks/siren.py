"""Networks of sines with a frequency of their own (V. Sitzmann et al., arXiv 2006.09661)."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from gmnm_pde._errors import refuse
from gmnm_pde.models.networks.composed import Composed, check_hidden


class SIREN(Composed):
    """sin(frequency (W x + b)), layer by layer, with the paper's weights at first: arguments keep one spread.

    Args:
        widths: Of the layers, from inputs to outputs, with hidden layers of one width.
        frequency: In the paper 30, for pictures; equations want some 1 to 10.

    Raises:
        GmnmError: widths or frequency are none.
    """

    def __init__(self, widths: Sequence[int], *, frequency: float = 3.0):
        super().__init__()
        call = f"SIREN({widths}, frequency={frequency!r})"
        self.widths, self.frequency = check_hidden(call, widths), frequency
        if not (isinstance(frequency, int | float) and frequency > 0):
            raise refuse(call, expected="a positive frequency", got=repr(frequency))
        pairs = list(zip(self.widths[:-1], self.widths[1:-1], strict=False))
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairs)
        self.last = nn.Linear(self.widths[-2], self.widths[-1])
        for number, (layer, inputs) in enumerate(zip((*self.layers, self.last), self.widths, strict=False)):
            bound = math.sqrt(6 / inputs) / frequency if number else 1 / inputs
            nn.init.uniform_(layer.weight, -bound, bound)  # type: ignore[arg-type]

    def hidden(self, x: Any) -> Any:
        for layer in self.layers:
            x = torch.sin(self.frequency * layer(x))
        return x

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        return {"widths": self.widths, "frequency": self.frequency}
