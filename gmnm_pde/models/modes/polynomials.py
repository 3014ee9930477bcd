"""Polynomials on a whole interval, of as high a degree as is needed."""

from typing import Any

from torch import Tensor

from gmnm_pde.models.modes.cells import FINEST, Cells

_MORE = 6
"""Finer lines have one polynomial more for so many, and two at least."""

_FEWEST = 8
"""Coarser ones have no fewer."""


class Polynomials(Cells):
    """One cell that is refined by polynomials of higher degree, which resolve layers at the ends best.

    Args:
        edges: The interval.
        size: The number of polynomials, of degrees 0 to size - 1.
    """

    def __init__(self, edges: tuple[float, float], size: int):
        super().__init__(edges, size, 0)

    def finer(self, cells: Tensor) -> "Polynomials":
        low, high = self.bounds
        return Polynomials((low, high), self.size + max(2, self.size // _MORE))

    def coarser(self, cells: Tensor) -> "Polynomials | None":
        fewer = self.size - self.size // (_MORE + 1)
        low, high = self.bounds
        return Polynomials((low, high), fewer) if fewer >= _FEWEST and bool(cells.all()) else None

    def tails_below(self, coefficients: Tensor) -> Tensor:
        """How large the finest parts are of expansions [..., count] that lack the finest polynomials: [..., 1]."""
        return coefficients[..., -2 * FINEST : -FINEST].norm(dim=-1, keepdim=True)

    def config(self) -> dict[str, Any]:
        return {"kind": "Polynomials", "edges": self.edges, "size": self.size}
