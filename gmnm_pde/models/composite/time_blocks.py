"""Models one after another in time."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gmnm_pde._errors import refuse
from gmnm_pde.models.composite.normalized import Normalized
from gmnm_pde.multiindex import Alpha

_ROUNDING = 1e-6
"""Of times in [-1, 1]."""


class TimeBlocks(nn.Module):
    """A model for each of several blocks of time; at a point the one of its time answers.

    Inputs are in [-1, 1]^d. Before the first edge the first model answers; after the last one, if that is at 1, all
    stays as it is there. Blocks that end before 1 have no answer after their end: NaN.

    Args:
        edges: Where blocks begin and end, ascending, in [-1, 1]: one more than models.
        parts: The models, each for inputs in [-1, 1]^d over its own block.
        axis: The number of the time coordinate.
    """

    parts: Any

    def __init__(self, edges: Sequence[float], parts: Sequence[nn.Module], axis: int, dimension: int):
        super().__init__()
        if len(edges) != len(parts) + 1 or list(edges) != sorted(set(edges)):
            raise refuse("TimeBlocks(edges, parts)", expected="ascending edges, one more than parts", got=f"{edges}")
        self.edges, self.axis, self.dimension = tuple(map(float, edges)), axis, dimension
        boxes = [
            tuple((low, high) if k == axis else (-1.0, 1.0) for k in range(dimension))
            for low, high in zip(self.edges[:-1], self.edges[1:], strict=True)
        ]
        self.parts = nn.ModuleList(Normalized(part, box) for part, box in zip(parts, boxes, strict=True))
        self.form = f"{len(parts)} blocks in time"

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [..., d]: [..., outputs]."""
        d = self.dimension
        if x.shape[-1:] != (d,):
            raise refuse("TimeBlocks.forward(x)", expected=f"x of shape [..., {d}]", got=f"shape {list(x.shape)}")
        flat = x.reshape(-1, d)
        zero = (0,) * d
        outputs = self.output_jet(flat, (zero,))[zero]
        return outputs.reshape(*x.shape[:-1], outputs.shape[1])

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d]: for each alpha, [n, outputs]; after the last edge those at it."""
        last = torch.full_like(x, torch.inf)
        last[:, self.axis] = self.edges[-1]
        unreached = x[:, self.axis] > self.edges[-1] + _ROUNDING
        x = torch.minimum(x, last)
        inner = torch.tensor(self.edges[1:-1], dtype=x.dtype, device=x.device)
        block = torch.bucketize(x[:, self.axis].detach().contiguous(), inner)
        total: dict[Alpha, Tensor] = {}
        for number, part in enumerate(self.parts):
            rows = (block == number).nonzero()[:, 0]
            if not len(rows) and (total or number + 1 < len(self.parts)):
                continue
            for alpha, jet in part.output_jet(x[rows], alphas).items():
                if alpha not in total:
                    total[alpha] = x.new_zeros(len(x), jet.shape[1])
                total[alpha] = total[alpha].index_add(0, rows, jet)
        if self.edges[-1] > 1 - _ROUNDING:
            return total
        return {alpha: torch.where(unreached[:, None], torch.nan, jet) for alpha, jet in total.items()}

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        parts = [{"kind": type(part.inner).__name__, "config": part.inner.config()} for part in self.parts]
        return {"edges": self.edges, "parts": parts, "axis": self.axis, "dimension": self.dimension}
