"""A model of the fields in every part of a domain as one of the fields: each point is answered by its own part."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.geometry import Parted
from gmnm_pde.geometry.plain import parts_of, plain_parts
from gmnm_pde.models.protocols import Wrapper
from gmnm_pde.multiindex import Alpha

Own = Callable[[Tensor, Tensor], Tensor]
"""From outputs in all parts at points, and the points, to those of each point's part."""


class ByPart(Wrapper):
    """The outputs of ``inner`` that belong to the part that a point lies in.

    Args:
        inner: A model for inputs in [-1, 1]^d with outputs for each part, part after part.
        bounds: The box that inputs are scaled from.
        own: Which outputs are a point's own.
        shapes: The parts as plain values, for files; None where they are made of functions, which no file holds.
    """

    def __init__(
        self, inner: nn.Module, bounds: Sequence[Sequence[float]], own: Own | None, shapes: Mapping[str, Any] | None
    ):
        super().__init__()
        self.inner, self.own, self.shapes = inner, own, shapes
        self.bounds = tuple((float(low), float(high)) for low, high in bounds)
        self.form = getattr(inner, "form", "")

    @classmethod
    def of(cls, inner: nn.Module, domain: Parted, bounds: Sequence[Sequence[float]]) -> "ByPart":
        """The model of the fields on a domain with parts; ``bounds`` is the box that inputs are scaled from."""
        return cls(inner, bounds, domain.own, plain_parts(domain))

    @classmethod
    def from_plain(
        cls, inner: nn.Module, bounds: Sequence[Sequence[float]], shapes: Mapping[str, Any] | None
    ) -> "ByPart":
        """The model that a file describes; without shapes it has to be told its parts."""
        if shapes is None:
            return cls(inner, bounds, None, None)
        domain, columns = parts_of(shapes)
        return cls(inner, bounds, lambda values, points: domain.own(values, points[:, columns]), shapes)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [n, d]: [n, fields]."""
        return self._own(self.inner(x), x)

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d]: for each alpha, [n, fields]."""
        return {alpha: self._own(jet, x) for alpha, jet in self.inner.output_jet(x, alphas).items()}

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        inner = {"kind": type(self.inner).__name__, "config": self.inner.config()}
        return {"inner": inner, "bounds": self.bounds, "shapes": self.shapes}

    def _own(self, values: Tensor, x: Tensor) -> Tensor:
        if self.own is None:
            raise refuse(
                "load_solution(...)",
                expected="problem=..., since parts of its domain are made of functions that no file holds",
                got="none",
            )
        box = torch.tensor(self.bounds, dtype=torch.float64, device=x.device)
        low, high = box.unbind(1)
        return self.own(values, low + (x.detach().double() + 1) / 2 * (high - low))
