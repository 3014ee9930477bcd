"""A model whose outputs meet data by construction."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gmnm_pde.jets import derivatives
from gmnm_pde.models.composite.normalized import Normalized
from gmnm_pde.models.composite.windows import inner_operator
from gmnm_pde.models.protocols import Wrapper
from gmnm_pde.multiindex import Alpha, below


class Lifted(Wrapper):
    """offset(x) + factor(x) inner(x).

    Args:
        inner: A model on the problem's coordinates.
        functions: From points [n, d] to factors and offsets, [n, outputs] each.
    """

    def __init__(self, inner: Normalized, functions: Callable[[Tensor], tuple[Tensor, Tensor]]):
        super().__init__()
        self.inner, self.functions = inner, functions

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x [n, d]: [n, outputs]."""
        factor, offset = self.functions(x)
        return offset + factor * self.inner(x)

    def output_jet(self, x: Tensor, alphas: Sequence[Alpha]) -> dict[Alpha, Tensor]:
        """Derivatives of the outputs at x [n, d], by Leibniz' rule: for each alpha, [n, outputs]."""
        lower = below(alphas)
        inner = self.inner.output_jet(x, lower)
        made = derivatives(lambda at: torch.cat(self.functions(at), dim=1), x, lower)
        count = made[lower[0]].shape[1] // 2
        jet = {}
        for alpha in alphas:
            columns = []
            for k in range(count):
                operator = inner_operator({alpha: 1.0}, {beta: made[beta][:, k] for beta in lower}, x)
                product = sum(c * inner[beta][:, k] for beta, c in operator.items())
                columns.append(made[alpha][:, count + k] + product)
            jet[alpha] = torch.stack(columns, dim=1)
        return jet
