"""Values and derivatives up to second order, carried through the layers of a network in one forward pass.

A stream is a derivative: of a layer's output z the value, z_i for each coordinate needed, and z_ij for each pair
needed. A linear map acts on every stream alike, as one matrix product over all of them. A function s applied to each
entry gives

    s(z),    s'(z) z_i,    s''(z) z_i z_j + s'(z) z_ij.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Alpha = tuple[int, ...]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Streams:
    """The streams of one layer.

    Args:
        data: [1 + firsts + seconds, n, width]: the value, first derivatives, second derivatives.
        firsts: The coordinates of the first derivatives, in order.
        seconds: The pairs of coordinates of the second derivatives, in order.
    """

    data: Tensor
    firsts: tuple[int, ...]
    seconds: tuple[Pair, ...]

    @classmethod
    def of_inputs(cls, x: Tensor, alphas: Sequence[Alpha]) -> "Streams":
        """The streams of the coordinates themselves that derivatives ``alphas`` of order at most two need."""
        pairs = tuple(dict.fromkeys(_axes(alpha) for alpha in alphas if sum(alpha) == 2))
        singles = [_axes(alpha) for alpha in alphas if sum(alpha) == 1]
        firsts = tuple(sorted({axis for axes in (*pairs, *singles) for axis in axes}))
        units = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
        ones = [units[axis].expand_as(x) for axis in firsts]
        data = torch.stack([x, *ones, *[torch.zeros_like(x)] * len(pairs)])
        return cls(data, firsts, pairs)  # type: ignore[arg-type]

    def linear(self, weight: Tensor, bias: Tensor | None = None) -> "Streams":
        """After the map z -> weight z + bias."""
        data = self.data @ weight.mT
        if bias is not None:
            data = torch.cat([data[:1] + bias, data[1:]])
        return Streams(data, self.firsts, self.seconds)

    def entrywise(self, derivatives: Callable[[Tensor, int], tuple[Tensor, ...]]) -> "Streams":
        """After a function of each entry; ``derivatives(z, k)`` gives it with its first k derivatives."""
        order = 2 if self.seconds else 1 if self.firsts else 0
        value, *slopes = derivatives(self.data[0], order)
        count = len(self.firsts)
        parts = [value[None]]
        if count:
            parts.append(slopes[0] * self.data[1 : 1 + count])
        if self.seconds:
            left, right = ([1 + self.firsts.index(pair[side]) for pair in self.seconds] for side in (0, 1))
            parts.append(slopes[1] * self.data[left] * self.data[right] + slopes[0] * self.data[1 + count :])
        return Streams(torch.cat(parts), self.firsts, self.seconds)

    def take(self, alpha: Alpha) -> Tensor:
        """The stream of one derivative, [n, width]."""
        axes = _axes(alpha)
        if not axes:
            return self.data[0]
        if len(axes) == 1:
            return self.data[1 + self.firsts.index(axes[0])]
        return self.data[1 + len(self.firsts) + self.seconds.index((axes[0], axes[1]))]


def _axes(alpha: Alpha) -> tuple[int, ...]:
    return tuple(axis for axis, order in enumerate(alpha) for _ in range(order))
