"""The real modes of a pencil that are nearest to zero, found from a place beside it where zero is next to a value."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gmnm_pde.linalg.pencil import Modes, Pencil, Pieces

_NEXT_TO, _ASIDE, _BESIDE = 1e-2, 0.15, 3
"""Where a value is nearer to the guess than this part of the distance to the last one, modes are sought from a place
that is so much of this distance aside, with so many more."""


@dataclass(frozen=True)
class ShiftedPencil:
    """The pencil A + mu B, factored at a shift of mu."""

    shift: float
    pencil: Pencil

    @classmethod
    def beside(cls, A: Pieces, B: Pieces, centers: Tensor, count: int) -> "ShiftedPencil":
        """Factored at zero, or beside it where zero is next to a value: there the others are known too badly."""
        plain = cls(0.0, Pencil(A, B, centers))
        (values, _), further = plain.modes(count)
        reach = torch.cat([values, further]).abs().max().item()
        if values.abs().min() > _NEXT_TO * reach:
            return plain
        shift = -_ASIDE * reach
        pairs = zip(A.matrices, B.matrices, strict=True)
        moved = Pieces([(groups, a + shift * b) for (groups, a), (_, b) in pairs], A.sizes)
        return cls(shift, Pencil(moved, B, centers))

    def modes(self, count: int, sizes: Sequence[int] | None = None) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """The modes nearest to zero, values [count] and vectors, and the value after these, [1]."""
        found = self.pencil.modes(count + (_BESIDE if self.shift else 1), sizes)
        values = self.shift + found.values
        order = values.abs().argsort()
        chosen = Modes(values[order[:count]], found.vectors[:, order[:count]])
        return _real(chosen), values.real[order[count : count + 1]]


def _real(modes: Modes) -> tuple[Tensor, Tensor]:
    """Values, ascending, and vectors as real numbers."""
    order = sorted(range(len(modes.values)), key=lambda k: (modes.values[k].real.item(), modes.values[k].imag.item()))
    values = modes.values[order]
    return values.real, real_modes(values, modes.vectors[:, order])


def real_modes(values: Tensor, vectors: Tensor) -> Tensor:
    """Complex vectors [n, count] of values [count] as real ones; of a complex pair the real and the imaginary part."""
    largest = vectors.gather(0, vectors.abs().argmax(dim=0)[None])
    alone = vectors * (largest.conj() / largest.abs())
    return torch.where(values.imag < 0, vectors.imag, torch.where(values.imag > 0, vectors.real, alone.real))
