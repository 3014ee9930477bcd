"""Sines and cosines on a circle.

Periodic Gaussian ridges exp(k (cos(x - m) - 1)) whose centres are evenly spaced are, orthonormalised, these functions:
shifts of one function by equal steps have sines and cosines for their principal directions. They are used as such,
which saves the orthonormalisation and its rounding.
"""

import math
from typing import Any

import torch
from torch import Tensor

_OVER = 1.5
"""Points of the quadrature for each function: products of two are resolved, and aliases of three fall on the finest."""

_FINEST = 0.1
"""The part of the frequencies, from the highest on, whose size tells what is left out."""

_MORE = 1.3
"""Finer circles have this many times as many frequencies."""


class Waves:
    """Orthonormal functions of period ``bounds[1] - bounds[0]``: 1, cos, sin, cos 2, sin 2, ...

    Args:
        bounds: One period.
        highest: The highest frequency, in periods of the interval.
    """

    def __init__(self, bounds: tuple[float, float], highest: int):
        self.bounds, self.highest = (float(bounds[0]), float(bounds[1])), int(highest)
        self.count = 2 * self.highest + 1
        low, high = self.bounds
        number = 2 * math.ceil(_OVER * self.count / 2)
        self.points = low + (high - low) * torch.arange(number, dtype=torch.float64) / number
        self.weights = torch.full((number,), (high - low) / number, dtype=torch.float64)

    def rows(self, x: Tensor, order: int) -> Tensor:
        low, high = self.bounds
        rate = 2 * math.pi / (high - low)
        turns = torch.arange(1, self.highest + 1, dtype=x.dtype, device=x.device)
        angle = rate * (x - low)[:, None] * turns + order * math.pi / 2
        factor = math.sqrt(2 / (high - low)) * (rate * turns) ** order
        both = torch.stack([factor * angle.cos(), factor * angle.sin()], dim=2).flatten(1)
        constant = x.new_full((len(x), 1), 0.0 if order else 1 / math.sqrt(high - low))
        return torch.cat([constant, both], dim=1)

    def pairs(self, order: int) -> tuple[Tensor, Tensor]:
        """The derivative of an order as an action on coefficients: x[index] * factor, both [count]."""
        index = torch.arange(self.count)
        if order % 2:  # cosines and sines change places
            index[1::2], index[2::2] = torch.arange(2, self.count, 2), torch.arange(1, self.count, 2)
        signs = torch.tensor([(1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0)][order % 4], dtype=torch.float64)
        factor = torch.zeros(self.count, dtype=torch.float64)
        factor[0] = 0.0 if order else 1.0
        factor[1:] = (self.rates**order * signs.repeat(self.highest, 1)).flatten()
        return index, factor

    @property
    def rates(self) -> Tensor:
        """The frequencies from 1 on, in radians, [highest, 1]."""
        turns = torch.arange(1, self.highest + 1, dtype=torch.float64)
        return (2 * math.pi / (self.bounds[1] - self.bounds[0]) * turns)[:, None]

    def symbol(self, order: int) -> Tensor:
        """The derivative of an order of 1, e^ix, e^-ix, e^2ix, ... is them times these, [count]."""
        both = torch.cat([1j * self.rates, -1j * self.rates], dim=1).flatten()
        return torch.cat([both.new_zeros(1), both]) ** order

    def tails(self, coefficients: Tensor) -> Tensor:
        finest = max(1, round(_FINEST * self.highest))
        return coefficients[..., -2 * finest :].norm(dim=-1, keepdim=True)

    def finer(self, cells: Tensor) -> "Waves":
        return Waves(self.bounds, math.ceil(_MORE * self.highest))

    def coarser(self, cells: Tensor) -> "Waves | None":
        fewer = math.floor(self.highest / _MORE)
        return Waves(self.bounds, fewer) if fewer >= 4 and bool(cells.all()) else None

    def spread(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        low, high = self.bounds
        return low + unit * (high - low), torch.ones_like(unit)

    def plain(self) -> "Waves":
        """Itself."""
        return self

    def config(self) -> dict[str, Any]:
        return {"kind": "Waves", "bounds": self.bounds, "highest": self.highest}
