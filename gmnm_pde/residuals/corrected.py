"""The residuals of a problem for a known model plus a correction, as a function of the correction's readout."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gmnm_pde.multiindex import Alpha
from gmnm_pde.residuals.pointwise import jets_of
from gmnm_pde.residuals.readout import ReadoutSystem
from gmnm_pde.statement.terms import Term


@dataclass
class CorrectedSystem(ReadoutSystem):
    """The residuals of the fields of ``known`` plus those of ``model``, whose readout is unknown.

    Args:
        known: A model, which stays as it is.
        scalars: The unknown parameters that came with it.
        known_engine: How its derivatives are made.
    """

    known: Any = None
    scalars: Sequence[float] = ()
    known_engine: str = "auto"

    def start(self) -> Tensor:
        """The unknowns of no correction."""
        theta = self.like.new_zeros(self.columns)
        theta[: self.extra] = self.like.new_tensor(list(self.scalars))
        return theta

    def jets(self, term: Term, points: Tensor) -> dict[Alpha, Tensor]:
        """The derivatives that a term needs of the sum, or their jumps."""
        own = super().jets(term, points)
        return {alpha: own[alpha] + jet for alpha, jet in self.jets_at_zero(term, points).items()}

    @torch.no_grad()
    def jets_at_zero(self, term: Term, points: Tensor) -> dict[Alpha, Tensor]:
        """Those of the known model alone."""
        return jets_of(self.known, term, points, self.known_engine)
