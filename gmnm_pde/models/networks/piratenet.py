"""Residual blocks that begin as the identity (S. Wang, B. Li, Y. Chen, P. Perdikaris, arXiv 2402.00326)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from gmnm_pde._errors import refuse
from gmnm_pde.models.networks.composed import Composed, glorot
from gmnm_pde.models.networks.fourier import FourierFeatures


class _Block(nn.Module):
    """Three layers, two of them gated, beside a way past them that is all there is at first."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second, self.third = (glorot(width, width) for _ in range(3))
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, x: Any, u: Any, change: Any) -> Any:
        z = u + torch.tanh(self.first(x)) * change
        z = u + torch.tanh(self.second(z)) * change
        return x + (torch.tanh(self.third(z)) - x) * self.share


class PirateNet(Composed):
    """Fourier features, residual blocks whose nonlinear part begins with a share of zero, and a linear last layer.

    So it begins as the random feature method, whose readout least squares can solve for.

    Args:
        in_features: The number of coordinates.
        out_features: The number of outputs.
        width: Of the blocks, twice the number of frequencies.
        blocks: How many, of three layers each.
        scale: The standard deviation of frequencies, as of ``FourierFeatures``.
        periods: By number of the coordinate, as of ``FourierFeatures``.

    Raises:
        GmnmError: a count is not positive, or the width odd.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        width: int = 32,
        blocks: int = 2,
        scale: float = 0.5,
        periods: Mapping[int, float] | None = None,
    ):
        super().__init__()
        call = f"PirateNet({in_features}, {out_features}, width={width}, blocks={blocks})"
        for name, count in (("out_features", out_features), ("width", width), ("blocks", blocks)):
            if not isinstance(count, int) or count < 1 or (name == "width" and count % 2):
                kind = "a positive even number" if name == "width" else "a positive integer"
                raise refuse(call, expected=f"{name} to be {kind}", got=repr(count))
        self.widths, self.blocks_count = [in_features, width, out_features], blocks
        self.embedding = FourierFeatures(in_features, width // 2, scale=scale, periods=periods)
        self.u, self.v = glorot(width, width), glorot(width, width)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(blocks))
        self.last = glorot(width, out_features)

    def hidden(self, x: Any) -> Any:
        z = self.embedding(x)
        u = torch.tanh(self.u(z))
        change = torch.tanh(self.v(z)) - u
        for block in self.blocks:
            z = block(z, u, change)
        return z

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        inputs, width, outputs = self.widths
        shape = {"in_features": inputs, "out_features": outputs, "width": width, "blocks": self.blocks_count}
        return {**shape, "scale": self.embedding.scale, "periods": self.embedding.periods}
