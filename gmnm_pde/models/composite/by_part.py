"""A model of the fields in every part of a domain as one of the fields: each point is answered by its own part."""

from collections.abc import Callable, Sequence

from torch import Tensor

from gmnm_pde.models.composite.normalized import Normalized
from gmnm_pde.models.protocols import Wrapper
from gmnm_pde.multiindex import Alpha


class ByPart(Wrapper):
    """The outputs of ``inner`` that belong to the part that a point lies in.

    Args:
        inner: A model with outputs for each part, part after part.
        own: From outputs at points, [n, parts * fields], and the points, to those of each point's part, [n, fields].
    """

    def __init__(self, inner: Normalized, own: Callable[[Tensor, Tensor], Tensor]):
        super().__init__()
        self.inner, self.own = inner, own

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [n, d]: [n, fields]."""
        return self.own(self.inner(x), x)

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d]: for each alpha, [n, fields]."""
        return {alpha: self.own(jet, x) for alpha, jet in self.inner.output_jet(x, alphas).items()}
