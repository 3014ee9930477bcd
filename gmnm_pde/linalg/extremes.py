"""The largest gain of a linear map after the inverse of a triangular factor, by block power iteration.

With A = Q R and a map M of the unknowns, the largest |M c| / |A c| is that of |M R^-1 y| / |y|: a few triangular solves
once R is there. One over it is the least |A c| / |M c|.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

_BLOCK = 4
"""Vectors that are iterated together, so that values that lie close to the largest one do not slow the iteration."""

_STEPS = 5
"""Iterations. On well-posed, resonant and singular systems one more step changed the gain by under a tenth."""


class Inverse(Protocol):
    """A factor R that can be applied inversely."""

    def inverse(self, vectors: Tensor) -> Tensor: ...
    def inverse_transposed(self, vectors: Tensor) -> Tensor: ...


def largest_gain(
    factor: Inverse,
    forth: Callable[[Tensor], Tensor],
    back: Callable[[Tensor], Tensor],
    like: Tensor,
    leading: int | None = None,
) -> tuple[float, Tensor]:
    """The largest |M c| / |R c|, and unknowns c [columns] that have it, with |R c| = 1.

    Args:
        factor: R.
        forth: M times columns of unknowns, [columns, m] to [rows, m].
        back: M transposed, [rows, m] to [columns, m].
        like: Unknowns, [columns], for their number, dtype and device.
        leading: Only so many unknowns, the others being zero; for an R that is one triangle in their order.
    """
    leading = len(like) if leading is None else leading
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(len(like), min(_BLOCK, len(like)), generator=generator, dtype=torch.float64).to(like)
    for _ in range(_STEPS):
        vectors[leading:] = 0.0
        basis = torch.linalg.qr(vectors).Q
        unknowns = factor.inverse(basis)
        images = forth(unknowns)
        vectors = factor.inverse_transposed(back(images))
    _, gains, turns = torch.linalg.svd(images, full_matrices=False)
    return gains[0].item(), unknowns @ turns[0]
