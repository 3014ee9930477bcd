"""A model on the unit scale, seen from the problem's own coordinates."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde.models.protocols import Wrapper
from gmnm_pde.multiindex import Alpha, Operator


class Normalized(Wrapper):
    """``inner`` after the affine map that takes a box to [-1, 1]^d; derivatives follow by the chain rule.

    Args:
        inner: A model for inputs in [-1, 1]^d.
        bounds: The box: (low, high) for each coordinate.
    """

    middle: Tensor
    half_width: Tensor

    def __init__(self, inner: nn.Module, bounds: Sequence[Sequence[float]]):
        super().__init__()
        self.inner = inner
        self.bounds = tuple((float(low), float(high)) for low, high in bounds)
        box = torch.tensor(self.bounds, dtype=torch.float64)
        self.register_buffer("middle", box.mean(dim=1))
        self.register_buffer("half_width", (box[:, 1] - box[:, 0]) / 2)

    def unit(self, x: Tensor) -> Tensor:
        """X [n, d] in the coordinates of ``inner``."""
        return (x - self.middle.to(x.dtype)) / self.half_width.to(x.dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.unit(x))

    def features(self, x: Tensor) -> Tensor:
        return self.inner.features(self.unit(x))

    @property
    def readout(self) -> Tensor:
        return self.inner.readout

    def set_readout(self, readout: Tensor) -> None:
        self.inner.set_readout(readout)

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha], parts: Sequence[int] | None = None) -> dict[Alpha, Tensor]:
        of_parts = () if parts is None else (parts,)
        jets = self.inner.output_jet(self.unit(x), alphas, *of_parts)
        return {alpha: self._factor(alpha) * value for alpha, value in jets.items()}

    def feature_combination(self, x: Tensor, coefficients: Mapping[Alpha, Tensor]) -> Tensor:
        return self.inner.feature_combination(self.unit(x), self._scaled(coefficients))

    @property
    def partition(self) -> Any:
        return self.inner.partition

    def pieces(self, x: Tensor, operator: Operator, part: int | None = None) -> list[tuple[int, Tensor, Tensor]]:
        return self.inner.pieces(self.unit(x), self._scaled(operator), part)

    def output_combination(self, x: Tensor, coefficients: Operator) -> Tensor:
        return self.inner.output_combination(self.unit(x), self._scaled(coefficients))

    def output_along(self, x: Tensor, directions: Any) -> tuple[Tensor, Tensor]:
        scale = self.half_width.to(x.dtype)
        scaled = replace(directions, slopes=directions.slopes / scale, drift=directions.drift / scale)
        return self.inner.output_along(self.unit(x), scaled)

    @property
    def carries(self) -> bool:
        """Whether derivatives are carried along with the values, as directions need."""
        return getattr(self.inner, "engine", "carried") == "carried"

    def output_rows(self, x: Tensor, coefficients: Operator, output: int) -> dict[str, Tensor]:
        rows = self.inner.output_rows(self.unit(x), self._scaled(coefficients), output)
        return {f"inner.{name}": of_parameter for name, of_parameter in rows.items()}

    def _scaled(self, coefficients: Operator) -> dict[Alpha, Any]:
        return {alpha: self._factor(alpha) * c for alpha, c in coefficients.items()}

    def _factor(self, alpha: Alpha) -> float:
        return math.prod([((high - low) / 2) ** -order for (low, high), order in zip(self.bounds, alpha, strict=True)])

    def config(self) -> dict[str, Any]:
        return {"bounds": self.bounds}
