"""What fields have that equations determine up to a constant at each time, as a pressure: fewer modes than others.

They have nothing of the constant and, between walls, nothing of the finest polynomials of the lines across: with as
many as the velocities a pressure would have parts that no velocity feels (C. Bernardi and Y. Maday 1997, section 24).
"""

from functools import cached_property

import torch
from torch import Tensor

from gmnm_pde.models.modes import Cells, Product, applied


class Pressures:
    """The space of such fields within the modes of others.

    Args:
        basis: Of the others.

    Attributes:
        shown: For each line an orthonormal basis of what they have along it, [count, n]; None where that is all.
        constant: The expansion of the constant function of norm 1, [modes].
    """

    def __init__(self, basis: Product):
        self.basis = basis
        several = len(basis.lines) > 1
        self.shown = [
            line.coarse_and_fine()[0] if several and isinstance(line, Cells) else None for line in basis.lines
        ]
        ones = basis.projected(torch.ones(len(basis.points), dtype=torch.float64))
        self.constant = ones / ones.norm()

    @cached_property
    def _projectors(self) -> list[tuple[int, Tensor]]:
        """Along which axes, counted from the end, something is left out, and what keeps the rest."""
        count = len(self.shown)
        return [(k - count, own @ own.mT) for k, own in enumerate(self.shown) if own is not None]

    def part(self, values: Tensor) -> Tensor:
        """What of expansions [..., modes] lies in the space."""
        if self._projectors:
            shaped = values.unflatten(-1, self.basis.shape)
            for axis, projector in self._projectors:
                shaped = applied(projector, shaped, axis)
            values = shaped.flatten(-len(self.shown))
        constant = self.constant.to(values)
        return values - (values @ constant)[..., None] * constant
