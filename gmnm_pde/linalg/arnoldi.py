"""The largest eigenvalues of a linear map by Arnoldi's method with blocks of vectors.

Each step applies the map to a block of orthonormal vectors and makes what is new of the images the next block; the map
projected to all blocks has the largest values of the whole one. Blocks find values that belong to as many vectors as
they have themselves. (M. Sadkane, Numer. Math. 64, 1993.)
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.interruption import pause

_MOST_STEPS = 40
"""The most blocks."""

_ROUGH = 1e-3
"""The residual of values that are found beside those wanted."""

_ALIKE = 1e-3
"""Values that are smaller by no more than this part are of the same size."""

_DEPENDENT = 1e-14
"""Images whose new part is smaller than this part of all bring no new vectors."""

Map = Callable[[Tensor], Tensor]
"""A linear map of columns, [n, m] to [k, m]."""


@dataclass(frozen=True)
class Ritz:
    """Eigenvalues [count], complex, the largest first, and eigenvectors of norm 1, [columns, count], complex.

    ``residuals`` [count] are the norms of what the map makes of a vector beside its multiple.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor


def largest(apply: Map, measured: Map, start: Tensor, count: int, tol: float, rough: int = 0) -> Ritz:
    """The ``count`` eigenvalues of largest size.

    Args:
        apply: The map.
        measured: From vectors to numbers whose inner product is theirs.
        start: The first block, [columns, m].
        count: How many values.
        tol: The residual wanted, relative to the value.
        rough: So many of them, the last ones, need not be known as well, unless they are as large as the others.
    """
    numbers = measured(start)
    space = _Space(start[:, :0], numbers[:, :0])
    block = space.new(start, numbers)
    columns: list[Tensor] = []
    while True:
        pause()
        space = space.with_block(block)
        images = apply(block.vectors)
        block = space.new(images, measured(images))
        columns.append(torch.cat([block.within, block.beyond]))
        size = space.vectors.shape[1]
        projected = torch.cat([torch.nn.functional.pad(own, (0, 0, 0, size - len(own)))[:size] for own in columns], 1)
        values, small = torch.linalg.eig(projected)
        order = values.abs().argsort(descending=True)[:count]
        values, small = values[order], small[:, order]
        residuals = (block.beyond.to(small.dtype) @ small[size - len(block.beyond) :]).norm(dim=0)
        settled = len(order) == count and _settled(values.abs(), residuals, tol, count - rough)
        sizes = block.beyond.diagonal().abs()
        if settled or len(columns) == _MOST_STEPS or sizes.min() <= _DEPENDENT * block.within.abs().max():
            return Ritz(values, space.vectors.to(small.dtype) @ small, residuals)


def _settled(sizes: Tensor, residuals: Tensor, tol: float, wanted: int) -> bool:
    """Whether values of falling size are known well enough, those that are not wanted roughly."""
    needed = torch.where(sizes >= (1 - _ALIKE) * sizes[wanted - 1], tol, max(tol, _ROUGH))
    return bool((residuals <= needed * sizes).all())


@dataclass(frozen=True)
class _Block:
    """Orthonormal vectors [columns, m] with their numbers [numbers, m].

    What they were made from is ``within`` [size, m] of the space before, and ``beyond`` [m, m] of them.
    """

    vectors: Tensor
    numbers: Tensor
    within: Tensor
    beyond: Tensor


@dataclass(frozen=True)
class _Space:
    """Orthonormal vectors, [columns, size], with their numbers, [numbers, size]."""

    vectors: Tensor
    numbers: Tensor

    def with_block(self, block: _Block) -> "_Space":
        """With those of a block, too."""
        return _Space(torch.cat([self.vectors, block.vectors], dim=1), torch.cat([self.numbers, block.numbers], dim=1))

    def new(self, vectors: Tensor, numbers: Tensor) -> _Block:
        """What of some vectors is not in the space, orthonormal; projected twice, which is enough."""
        within = numbers.new_zeros(self.numbers.shape[1], numbers.shape[1])
        for _ in range(2):
            part = self.numbers.mT @ numbers
            vectors, numbers = vectors - self.vectors @ part, numbers - self.numbers @ part
            within = within + part
        numbers, beyond = torch.linalg.qr(numbers)
        vectors = torch.linalg.solve_triangular(beyond, vectors, upper=True, left=False)
        return _Block(vectors, numbers, within, beyond)
