"""Networks of layers as modules of plain operations."""

import torch
from torch import Tensor, nn

from gmnm_pde.models import KAN, MLP
from gmnm_pde.models.networks.mlp import ACTIVATIONS
from gmnm_pde.models.networks.splines import SplineGrid


class ClosedPerceptron(nn.Module):
    """The layers of a multilayer perceptron."""

    def __init__(self, model: MLP):
        super().__init__()
        self.layers, self.activation = model.layers, ACTIVATIONS[model.activation]

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            x = self.activation(layer(x), 0)[0]
        return last(x)


class ClosedKan(nn.Module):
    """The layers of a Kolmogorov-Arnold network, all splines of every edge."""

    def __init__(self, model: KAN):
        super().__init__()
        self.layers = nn.ModuleList(
            _EdgeFunctions(grid, coefficients.detach(), model)  # type: ignore[arg-type]
            for grid, coefficients in zip(model.grids, model.coefficients, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class _EdgeFunctions(nn.Module):
    """One layer: silu and B-splines of each input, by the recurrence of Cox and de Boor on all knots."""

    knots: Tensor
    mixing: Tensor

    def __init__(self, grid: SplineGrid, coefficients: Tensor, model: KAN):
        super().__init__()
        self.order = grid.order
        knots = grid.all_knots().detach()
        self.register_buffer("knots", knots.to(coefficients) if grid.knots is not None else knots.double())
        each = coefficients.unflatten(1, (-1, 1 + model.grid + model.order))
        self.register_buffer("mixing", each.permute(1, 2, 0).flatten(0, 1).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        at, knots = x[:, :, None], self.knots.to(x)
        splines = ((at >= knots[:, :-1]) & (at < knots[:, 1:])).to(x)
        for p in range(1, self.order + 1):
            up = (at - knots[:, : -p - 1]) / (knots[:, p:-1] - knots[:, : -p - 1])
            down = (knots[:, p + 1 :] - at) / (knots[:, p + 1 :] - knots[:, 1:-p])
            splines = up * splines[:, :, :-1] + down * splines[:, :, 1:]
        base = (x * torch.sigmoid(x))[:, :, None]
        return torch.cat([base, splines], dim=2).flatten(1) @ self.mixing
