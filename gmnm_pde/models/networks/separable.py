"""Sums of products of networks of one coordinate each (SPINN; J. Cho et al., arXiv 2306.15969)."""

from collections.abc import Sequence
from functools import reduce
from operator import mul
from typing import Any

from torch import nn

from gmnm_pde._errors import refuse
from gmnm_pde.models.networks.composed import Composed, glorot
from gmnm_pde.models.networks.layered import check_widths


class Separable(Composed):
    """sum_r w_r f_1r(x_1) ... f_dr(x_d), with a multilayer perceptron for the factors of each coordinate.

    Args:
        in_features: d, the number of coordinates.
        out_features: The number of outputs.
        rank: The number of products.
        hidden: Widths of the hidden layers of each coordinate's network.

    Raises:
        GmnmError: a count is not positive.
    """

    def __init__(self, in_features: int, out_features: int, *, rank: int = 20, hidden: Sequence[int] = (20, 20)):
        super().__init__()
        call = f"Separable({in_features}, {out_features}, rank={rank}, hidden={hidden})"
        for name, count in (("in_features", in_features), ("out_features", out_features), ("rank", rank)):
            if not isinstance(count, int) or count < 1:
                raise refuse(call, expected=f"{name} to be a positive integer", got=repr(count))
        check_widths(call, [1, *hidden, rank])
        self.widths, self.inner = [in_features, rank, out_features], list(hidden)
        self.factors = nn.ModuleList(self._factor(rank) for _ in range(in_features))
        self.last = glorot(rank, out_features)

    def _factor(self, rank: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for before, after in zip([1, *self.inner], self.inner, strict=False):
            layers += [glorot(before, after), nn.Tanh()]
        return nn.Sequential(*layers, glorot(([1, *self.inner])[-1], rank))

    def hidden(self, x: Any) -> Any:
        factors = [1 + factor(x[:, k : k + 1]) for k, factor in enumerate(self.factors)]
        return reduce(mul, factors)

    def config(self) -> dict[str, Any]:
        """The arguments that build a model of this shape."""
        inputs, rank, outputs = self.widths
        return {"in_features": inputs, "out_features": outputs, "rank": rank, "hidden": self.inner}
